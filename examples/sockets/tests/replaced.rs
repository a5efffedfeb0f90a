//! The program itself: on a TCP and a Unix socket, replaced by itself, and ended.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// Stopped with its test, however that ends.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn signal(name: &str, pid: &str) {
    let sent = Command::new("kill").args([name, pid]).status();
    assert!(sent.expect("a program of every unix").success());
}

async fn get(mut io: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> String {
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: here\r\nx-forwarded-for: 203.0.113.9\r\nconnection: close\r\n\r\n");
    let mut answer = String::new();
    let exchange = async {
        io.write_all(request.as_bytes()).await?;
        io.read_to_string(&mut answer).await
    };
    timeout(PATIENCE, exchange).await.expect("in time").expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a response");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    body.to_owned()
}

#[tokio::test]
async fn it_is_replaced_by_a_signal_and_every_request_is_answered() {
    let folder = tempfile::tempdir().expect("a place for temporary files");
    let path = folder.path().join("s");
    let mut command = Command::new(env!("CARGO_BIN_EXE_example-sockets"));
    command
        .args(["127.0.0.1:0", &format!("unix:{}", path.display())])
        .env("TRUSTED_PROXIES", "unix:, 192.0.2.1")
        .stdout(Stdio::piped());
    let mut first = Program(command.spawn().expect("it was built"));
    // It is read from to the end: the successor writes to it as well.
    let mut output = BufReader::new(first.0.stdout.take().expect("a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("it says where it listens");
    let address = line.trim().rsplit(' ').next().expect("an address").to_owned();

    // Who is trusted is believed.
    let over_unix = get(UnixStream::connect(&path).await.expect("listening"), "/").await;
    assert_eq!(over_unix, "203.0.113.9 asks http://here\n");
    let over_tcp = get(TcpStream::connect(&address).await.expect("listening"), "/").await;
    assert_eq!(over_tcp, "127.0.0.1 asks http://here\n");

    let old = first.0.id().to_string();
    signal("-USR2", &old);
    let replaced = async {
        loop {
            let client = TcpStream::connect(&address).await.expect("never refused");
            let pid = get(client, "/pid").await;
            if pid != old {
                return pid;
            }
        }
    };
    let new = timeout(PATIENCE, replaced).await.expect("in time");
    let status = first.0.wait().expect("a child");
    assert!(status.success());
    let over_unix = get(UnixStream::connect(&path).await.expect("listening"), "/pid").await;
    assert_eq!(over_unix, new);
    signal("-TERM", &new);
    let ended = async {
        while path.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, ended).await.expect("in time");
}
