//! A program that is replaced by its successor under load, with real processes: no request is lost, no client refused.
#![cfg(unix)]

mod sockets;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hyperlane_server::{Config, Listen};
use sockets::program::{NEXT, Running, be_the_program, command_of};
use sockets::{Folder, PATIENCE, ask, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

const CLIENTS: usize = 32;
const REPLACEMENTS: usize = 3;

#[test]
fn program() {
    be_the_program();
}

#[tokio::test]
async fn three_successors_under_load_lose_no_request() {
    replaced_under_load("Shared").await;
}

#[tokio::test]
async fn three_successors_with_a_runtime_for_each_core_lose_no_request() {
    replaced_under_load("PerCore").await;
}

#[tokio::test]
async fn three_successors_over_io_uring_lose_no_request() {
    replaced_under_load("IoUring").await;
}

/// What all clients have seen.
#[derive(Default)]
struct Tally {
    answered: AtomicUsize,
    over: AtomicBool,
}

async fn replaced_under_load(runtime: &str) {
    let folder = Folder::new(runtime);
    let unix = folder.file("s");
    // The system chooses a port, and the program is given it by number: its successors listen on the same.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
    let address = port.expect("a free port");
    let listen = format!("{address} unix:{}", unix.display());
    let mut first = Running(command_of(&listen, runtime).spawn().expect("it can be started"));
    let mut pid = wait_for_another(&address, "").await;
    let tally = Arc::new(Tally::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let (tally, unix) = (Arc::clone(&tally), unix.clone());
            tokio::spawn(async move {
                match number % 4 {
                    0 | 1 => keep_alive(address, &tally).await,
                    2 => closing(address, &tally).await,
                    _ => closing_over_unix(&unix, &tally).await,
                }
            })
        })
        .collect();
    let mut programs = HashSet::from([pid.clone()]);
    for _ in 0..REPLACEMENTS {
        let before = tally.answered.load(Ordering::Relaxed);
        let client = UnixStream::connect(&unix).await.expect("never refused");
        let answer = ask(client, b"", "/replace").await;
        // The program that is ending may be the one that got it: then it replaces nothing any more.
        assert_eq!(answer, Ok("replacing".to_owned()));
        pid = wait_for_another(&address, &pid).await;
        programs.insert(pid.clone());
        wait_until(|| tally.answered.load(Ordering::Relaxed) > before + 10 * CLIENTS).await;
        wait_until_alone(&address, &pid).await;
    }
    tally.over.store(true, Ordering::Relaxed);
    for client in clients {
        let done = timeout(PATIENCE, client).await.expect("in time").expect("no panic");
        done.expect("no request is lost");
    }
    assert_eq!(programs.len(), REPLACEMENTS + 1, "{programs:?}");
    let status = timeout(PATIENCE, first.0.wait())
        .await
        .expect("it has ended")
        .expect("a child");
    assert!(status.success(), "the first has finished in good order");
    let client = TcpStream::connect(address).await.expect("the last one serves");
    assert_eq!(ask(client, b"", "/stop").await, Ok("stopping".to_owned()));
    wait_until(|| !unix.exists()).await;
    println!("{runtime}: {} requests", tally.answered.load(Ordering::Relaxed));
}

/// Waits for a program that is not the one that is known, and returns which it is.
async fn wait_for_another(address: &std::net::SocketAddr, known: &str) -> String {
    let other = async {
        loop {
            if let Ok(client) = TcpStream::connect(address).await
                && let Ok(pid) = ask(client, b"", "/pid").await
                && pid != known
            {
                return pid;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, other).await.expect("in time")
}

/// Waits until the one before does not accept any more, so that the next `/replace` reaches the new one.
async fn wait_until_alone(address: &std::net::SocketAddr, pid: &str) {
    let alone = async {
        let mut in_a_row = 0;
        while in_a_row < 50 {
            let client = TcpStream::connect(address).await.expect("never refused");
            let same = ask(client, b"", "/pid").await.as_deref() == Ok(pid);
            in_a_row = if same { in_a_row + 1 } else { 0 };
        }
    };
    timeout(PATIENCE, alone).await.expect("in time");
}

async fn wait_until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("in time");
}

/// A client with a connection for each request.
async fn closing(address: std::net::SocketAddr, tally: &Tally) -> Result<(), String> {
    while !tally.over.load(Ordering::Relaxed) {
        let client = TcpStream::connect(address)
            .await
            .map_err(|error| format!("refused: {error}"))?;
        ask(client, b"", "/").await?;
        tally.answered.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

async fn closing_over_unix(path: &std::path::Path, tally: &Tally) -> Result<(), String> {
    while !tally.over.load(Ordering::Relaxed) {
        let client = UnixStream::connect(path)
            .await
            .map_err(|error| format!("refused: {error}"))?;
        ask(client, b"", "/").await?;
        tally.answered.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

/// A client that keeps its connection until it is told that it was the last request. It never asks twice.
async fn keep_alive(address: std::net::SocketAddr, tally: &Tally) -> Result<(), String> {
    while !tally.over.load(Ordering::Relaxed) {
        let mut client = TcpStream::connect(address)
            .await
            .map_err(|error| format!("refused: {error}"))?;
        let mut last = false;
        while !last {
            if tally.over.load(Ordering::Relaxed) {
                return Ok(());
            }
            let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
            client
                .write_all(request)
                .await
                .map_err(|error| format!("while asking: {error}"))?;
            let head = response(&mut client).await?;
            last = head.contains("connection: close");
            tally.answered.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// Reads one response; returns its head.
async fn response(client: &mut TcpStream) -> Result<String, String> {
    let mut received = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&received).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.lines().next());
            let length: usize = length.and_then(|digits| digits.parse().ok()).ok_or("no length")?;
            if body.len() == length {
                return Ok(head.to_owned());
            }
        }
        let read = timeout(PATIENCE, client.read_buf(&mut received))
            .await
            .expect("in time");
        if read.map_err(|error| format!("while waiting: {error}"))? == 0 {
            return Err(format!("closed without an answer, after {text:?}"));
        }
    }
}

#[tokio::test]
async fn a_successor_that_fails_leaves_the_server_as_it_was() {
    let folder = Folder::new("fails");
    let mut config = Config::default();
    config.hand_over_timeout = Duration::from_millis(300);
    let handle = start(&["127.0.0.1:0".into(), Listen::unix(folder.file("s"))], config).await;
    let mut never_ready = Command::new("sleep");
    never_ready.arg("1000");
    for (command, expected) in [
        (Command::new("/nowhere/at/all"), "can't start"),
        (Command::new("false"), "ended before it served"),
        (never_ready, "did not serve within 300ms"),
    ] {
        let error = handle.hand_over(command).await.expect_err("it can't serve");
        assert!(error.to_string().contains(expected), "{error}");
        let client = TcpStream::connect(handle.local_addr()).await.expect("listening still");
        assert!(ask(client, b"", "/").await.is_ok());
    }
    handle.shutdown().await;
    assert!(
        TcpStream::connect(handle.local_addr()).await.is_err(),
        "no successor has kept the socket"
    );
    assert!(!folder.file("s").exists());
    let error = handle.hand_over(Command::new("true")).await.expect_err("it has ended");
    assert!(error.to_string().contains("ending already"), "{error}");
}

#[tokio::test]
async fn a_successor_is_stopped_when_nobody_waits_for_it_any_more() {
    let handle = start(&["127.0.0.1:0".into()], Config::default()).await;
    let mut never_ready = Command::new("sleep");
    never_ready.arg("1000");
    let early = timeout(Duration::from_millis(100), handle.hand_over(never_ready)).await;
    assert!(early.is_err());
    let client = TcpStream::connect(handle.local_addr()).await.expect("listening still");
    assert!(ask(client, b"", "/").await.is_ok());
    handle.shutdown().await;
    let gone = async {
        while TcpStream::connect(handle.local_addr()).await.is_ok() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, gone)
        .await
        .expect("the process that had the socket is gone");
}

#[tokio::test]
async fn two_servers_are_handed_over_at_once_and_an_address_that_nobody_wants_is_closed() {
    let folder = Folder::new("two");
    let (one, two, dropped) = (folder.file("1"), folder.file("2"), folder.file("3"));
    let listen = |first: &[&std::path::Path]| {
        let first: Vec<_> = first.iter().map(|path| format!("unix:{}", path.display())).collect();
        format!("{}|unix:{}", first.join(" "), two.display())
    };
    let mut command = command_of(&listen(&[&one, &dropped]), "");
    command.env(NEXT, listen(&[&one]));
    let mut first = Running(command.spawn().expect("it can be started"));
    wait_until(|| two.exists()).await;
    let ask_at = async |path: &std::path::Path, what| {
        let client = UnixStream::connect(path).await.expect("never refused");
        ask(client, b"", what).await.expect("an answer")
    };
    let old = ask_at(&two, "/pid").await;
    ask_at(&dropped, "/replace").await;
    timeout(PATIENCE, first.0.wait())
        .await
        .expect("it ends")
        .expect("a child");
    let (pid, other) = (ask_at(&one, "/pid").await, ask_at(&two, "/pid").await);
    assert_eq!(pid, other);
    assert_ne!(pid, old);
    let refused = UnixStream::connect(&dropped).await;
    assert!(refused.is_err(), "nobody would accept");
    assert!(!dropped.exists());
    ask_at(&one, "/stop").await;
    wait_until(|| !one.exists() && !two.exists()).await;
}

#[tokio::test]
async fn one_successor_at_a_time_is_started() {
    let handle = start(&["127.0.0.1:0".into()], Config::default()).await;
    let never_ready = || {
        let mut command = Command::new("sleep");
        command.arg("1000");
        command
    };
    let first = handle.hand_over(never_ready());
    let second = async {
        tokio::task::yield_now().await;
        handle.hand_over(never_ready()).await
    };
    let error = tokio::select! {
        biased;
        _ = first => panic!("it never serves"),
        refused = second => refused.expect_err("one is being started"),
    };
    assert!(error.to_string().contains("already"), "{error}");
    handle.shutdown().await;
}
