//! The program itself: a killed worker is replaced, and all end with the first process.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
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

async fn get(address: &str) -> Option<String> {
    let mut answer = String::new();
    let exchange = async {
        let mut client = TcpStream::connect(address).await?;
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
            .await?;
        client.read_to_string(&mut answer).await
    };
    timeout(PATIENCE, exchange).await.expect("in time").ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some(body.to_owned())
}

fn id(body: &str) -> String {
    let digits = body.trim_start_matches("process ").split(',').next();
    digits.expect("an id").to_owned()
}

#[tokio::test]
async fn a_killed_worker_is_replaced_and_all_end_with_the_first_process() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_example-processes"));
    command.args(["127.0.0.1:0", "2"]).stdout(Stdio::piped());
    let mut program = Program(command.spawn().expect("it was built"));
    let output = BufReader::new(program.0.stdout.take().expect("a pipe"));
    let said = output.lines().map(|line| line.expect("text"));
    let address = said
        .into_iter()
        .find_map(|line| Some(line.split_once(" listens on ")?.1.to_owned()));
    let address = address.expect("it says where it listens");

    let first = get(&address).await.expect("an answer");
    assert!(first.contains("of 2"), "{first}");
    let killed = Command::new("kill").args(["-KILL", &id(&first)]).status();
    assert!(killed.expect("a program of every unix").success());
    let both_again = async {
        let mut seen = std::collections::HashSet::new();
        while seen.len() < 2 {
            // What the dead one had accepted is gone with it.
            if let Some(body) = get(&address).await.filter(|body| id(body) != id(&first)) {
                seen.insert(id(&body));
            }
        }
    };
    timeout(PATIENCE, both_again).await.expect("a new one has come");

    let stopped = Command::new("kill")
        .args(["-TERM", &program.0.id().to_string()])
        .status();
    assert!(stopped.expect("a program of every unix").success());
    assert!(program.0.wait().expect("a child").success());
    assert!(get(&address).await.is_none(), "nobody serves any more");
}
