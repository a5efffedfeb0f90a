//! Unix sockets: their files, from before the first connection to behind the last, with every runtime.
#![cfg(unix)]

mod sockets;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener as StdUnixListener;

use hyperlane_server::{Config, Listen, Runtime};
use sockets::{Folder, PATIENCE, RUNTIMES, ask, config, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

#[tokio::test]
async fn the_file_goes_away_with_the_server() {
    for runtime in RUNTIMES {
        let folder = Folder::new("end");
        let path = folder.file("s");
        let handle = start(&[Listen::unix(&path)], config(runtime)).await;
        let client = UnixStream::connect(&path).await.expect("listening");
        assert_eq!(ask(client, b"", "/").await, Ok("- -".to_owned()));
        handle.shutdown().await;
        assert!(!path.exists(), "{runtime:?}");
    }
}

#[tokio::test]
async fn clients_that_wait_in_the_backlog_are_answered_before_the_end() {
    for runtime in RUNTIMES {
        let folder = Folder::new("backlog");
        let path = folder.file("s");
        let mut config = config(runtime);
        config.max_connections = 1;
        let handle = start(&[Listen::unix(&path)], config).await;
        let mut first = UnixStream::connect(&path).await.expect("listening");
        first
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .expect("open");
        let mut byte = [0];
        first.read_exact(&mut byte).await.expect("an answer");
        let mut waiting = Vec::new();
        for _ in 0..20 {
            let client = UnixStream::connect(&path).await.expect("the kernel completes it");
            waiting.push(tokio::spawn(ask(client, b"", "/")));
        }
        timeout(PATIENCE, handle.shutdown()).await.expect("in time");
        for client in waiting {
            assert_eq!(client.await.expect("no panic"), Ok("- -".to_owned()), "{runtime:?}");
        }
    }
}

#[tokio::test]
async fn what_a_crashed_server_left_behind_is_replaced() {
    let folder = Folder::new("stale");
    let path = folder.file("s");
    drop(StdUnixListener::bind(&path).expect("a free path"));
    assert!(path.exists(), "the standard library leaves it");
    let handle = start(&[Listen::unix(&path)], Config::default()).await;
    let client = UnixStream::connect(&path).await.expect("listening");
    assert!(ask(client, b"", "/").await.is_ok());
    handle.shutdown().await;
    assert_eq!(std::fs::read_dir(&folder.0).expect("a folder").count(), 0);
}

#[tokio::test]
async fn a_path_on_which_somebody_answers_is_left_alone() {
    let folder = Folder::new("alive");
    let path = folder.file("s");
    let first = start(&[Listen::unix(&path)], Config::default()).await;
    let error = Listen::unix(&path)
        .bind(&Config::default())
        .await
        .expect_err("it is taken");
    assert!(error.to_string().contains("another server"), "{error}");
    let client = UnixStream::connect(&path).await.expect("listening still");
    assert!(ask(client, b"", "/").await.is_ok());
    first.shutdown().await;
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_left_alone() {
    let folder = Folder::new("file");
    let path = folder.file("s");
    std::fs::write(&path, "precious").expect("a free path");
    let error = Listen::unix(&path)
        .bind(&Config::default())
        .await
        .expect_err("it is taken");
    assert!(error.to_string().contains("no socket"), "{error}");
    // Nor is what a link points to.
    let link = folder.file("l");
    std::os::unix::fs::symlink(&path, &link).expect("a free path");
    assert!(Listen::unix(&link).bind(&Config::default()).await.is_err());
    assert_eq!(std::fs::read_to_string(&path).expect("still there"), "precious");
}

#[tokio::test]
async fn a_socket_that_somebody_else_has_put_there_is_not_removed_at_the_end() {
    let folder = Folder::new("other");
    let path = folder.file("s");
    let handle = start(&[Listen::unix(&path)], Config::default()).await;
    std::fs::remove_file(&path).expect("it is there");
    let _other = StdUnixListener::bind(&path).expect("a free path");
    handle.shutdown().await;
    assert!(path.exists());
}

#[tokio::test]
async fn its_rights_are_those_that_were_asked_for() {
    let folder = Folder::new("mode");
    let path = folder.file("s");
    let listeners = Listen::unix(&path).mode(0o620).bind(&Config::default()).await;
    let listeners = listeners.expect("a free path");
    let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o620);
    drop(listeners);
    assert!(!path.exists(), "a listener that never served takes its file along");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn an_abstract_name_has_no_file() {
    let name = format!("hyperlane-test-{}", std::process::id());
    let handle = start(&[format!("unix:@{name}").into()], config(Runtime::Shared)).await;
    use std::os::linux::net::SocketAddrExt;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).expect("short");
    let client = std::os::unix::net::UnixStream::connect_addr(&address).expect("listening");
    client.set_nonblocking(true).expect("a socket");
    let client = UnixStream::from_std(client).expect("a socket");
    assert!(ask(client, b"", "/").await.is_ok());
    handle.shutdown().await;
}
