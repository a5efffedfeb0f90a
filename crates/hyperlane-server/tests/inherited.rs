//! Sockets that a process is started with, as systemd does it: taken over by name or number, by real processes.
#![cfg(unix)]

mod sockets;

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use sockets::program::{Running, be_the_program, command_of};
use sockets::{Folder, PATIENCE, ask, waits_for_signals};
use tokio::net::{TcpStream, UnixDatagram, UnixStream};
use tokio::process::Command;
use tokio::time::timeout;

#[test]
fn program() {
    be_the_program();
}

/// Passes descriptors on from number 3, with a `LISTEN_PID` that only a process knows of itself.
fn with_sockets(listen: &str, names: &str, pid: &str, sockets: Vec<OwnedFd>) -> Command {
    let inner = command_of(listen, "");
    let mut command = Command::new("sh");
    let run = format!("LISTEN_PID={pid} exec \"$0\" \"$@\"");
    command.arg("-c").arg(run).arg(inner.as_std().get_program());
    command.args(inner.as_std().get_args());
    for (name, value) in inner.as_std().get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command
        .env("LISTEN_FDS", sockets.len().to_string())
        .env("LISTEN_FDNAMES", names)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped());
    let mappings = sockets
        .into_iter()
        .zip(3..)
        .map(|(parent_fd, child_fd)| FdMapping { parent_fd, child_fd });
    command.fd_mappings(mappings.collect()).expect("different numbers");
    command
}

#[tokio::test]
async fn sockets_are_taken_by_their_names_and_systemd_is_told_when_they_are_served() {
    let folder = Folder::new("inherited");
    let (one, two) = (TcpListener::bind("127.0.0.1:0"), TcpListener::bind("127.0.0.1:0"));
    let (one, two) = (one.expect("a free port"), two.expect("a free port"));
    let unix = UnixListener::bind(folder.file("s")).expect("a free path");
    let notify = UnixDatagram::bind(folder.file("notify")).expect("a free path");
    let addresses = [one.local_addr().expect("bound"), two.local_addr().expect("bound")];
    // Two of one name, as one socket unit with two `ListenStream=` lines gives them.
    let sockets = vec![one.into(), unix.into(), two.into()];
    let mut command = with_sockets("fd:http fd:control", "http:control:http", "$$", sockets);
    command.env("NOTIFY_SOCKET", folder.file("notify"));
    let mut running = Running(command.spawn().expect("it can be started"));
    drop(command);
    let mut said = [0; 64];
    let length = timeout(PATIENCE, notify.recv(&mut said))
        .await
        .expect("in time")
        .expect("said");
    assert_eq!(&said[..length], b"READY=1\n");
    for address in addresses {
        let client = TcpStream::connect(address).await.expect("listening");
        assert!(ask(client, b"", "/").await.is_ok());
    }
    let client = UnixStream::connect(folder.file("s")).await.expect("listening");
    assert_eq!(ask(client, b"", "/stop").await, Ok("stopping".to_owned()));
    let status = timeout(PATIENCE, running.0.wait())
        .await
        .expect("it ends")
        .expect("a child");
    assert!(status.success());
    assert!(folder.file("s").exists(), "the file belongs to systemd");
}

#[tokio::test]
async fn a_socket_is_taken_by_its_number_and_a_stop_signal_is_told_to_systemd() {
    let folder = Folder::new("number");
    let notify = UnixDatagram::bind(folder.file("notify")).expect("a free path");
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("bound");
    let mut command = with_sockets("fd:3", "app.socket", "$$", vec![socket.into()]);
    command.env("NOTIFY_SOCKET", folder.file("notify"));
    let mut running = Running(command.spawn().expect("it can be started"));
    drop(command);
    let client = TcpStream::connect(address).await.expect("listening");
    assert!(ask(client, b"", "/").await.is_ok());
    let id = running.0.id().expect("it runs");
    let waits = async {
        while !waits_for_signals(id) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, waits).await.expect("in time");
    let killed = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
    assert!(killed.expect("a program of every unix").success());
    let mut heard = Vec::new();
    for _ in 0..2 {
        let mut said = [0; 64];
        let length = timeout(PATIENCE, notify.recv(&mut said))
            .await
            .expect("in time")
            .expect("said");
        heard.push(String::from_utf8_lossy(&said[..length]).into_owned());
    }
    assert_eq!(heard, ["READY=1\n", "STOPPING=1\n"]);
    let status = timeout(PATIENCE, running.0.wait())
        .await
        .expect("it ends")
        .expect("a child");
    assert!(status.success());
}

#[tokio::test]
async fn what_is_not_there_or_not_for_this_process_or_no_listener_is_an_error_that_says_so() {
    let socket = || TcpListener::bind("127.0.0.1:0").expect("a free port");
    let listening: OwnedFd = socket().into();
    let connected: OwnedFd = {
        let listener = socket();
        std::net::TcpStream::connect(listener.local_addr().expect("bound"))
            .expect("listening")
            .into()
    };
    let datagrams: OwnedFd = std::net::UdpSocket::bind("127.0.0.1:0").expect("a free port").into();
    let file: OwnedFd = std::fs::File::open("/dev/null").expect("a device").into();
    let copy = |descriptor: &OwnedFd| descriptor.try_clone().expect("a descriptor");
    for (listen, pid, descriptor, expected) in [
        ("fd:other", "$$", &listening, "LISTEN_FDNAMES"),
        ("fd:4", "$$", &listening, "LISTEN_FDNAMES"),
        ("fd:http", "1", &listening, "LISTEN_PID"),
        ("fd:http", "$$", &datagrams, "neither"),
        ("fd:http", "$$", &file, "neither"),
        #[cfg(target_os = "linux")]
        ("fd:http", "$$", &connected, "Accept=no"),
    ] {
        let command = with_sockets(listen, "http", pid, vec![copy(descriptor)]).output();
        let output = timeout(PATIENCE, command)
            .await
            .expect("it ends")
            .expect("it can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(expected) && said.contains(listen), "{listen}: {said}");
        assert!(!output.status.success());
    }
    drop(connected);
}

#[tokio::test]
async fn programs_that_the_server_starts_do_not_believe_that_the_sockets_are_theirs() {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("bound");
    let mut command = with_sockets("fd:http", "http", "$$", vec![socket.into()]);
    let running = Running(command.spawn().expect("it can be started"));
    drop(command);
    let client = TcpStream::connect(address).await.expect("listening");
    let pid = ask(client, b"", "/pid").await.expect("an answer");
    assert_eq!(Some(pid), running.0.id().map(|id| id.to_string()));
    drop(running);
    // With the process its sockets are gone: nobody else has them.
    let gone = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, gone).await.expect("in time");
}
