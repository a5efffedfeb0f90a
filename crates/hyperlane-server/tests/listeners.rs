//! Several listeners of one server, and the options of TCP sockets, with every runtime.

mod sockets;

use std::io::ErrorKind;
use std::sync::Arc;

use hyperlane_server::{Config, Listen, Listener, LocalAddr, ServerHandle, serve};
use sockets::{App, Folder, PATIENCE, RUNTIMES, ask, config, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

fn tcp_addrs(handle: &ServerHandle) -> Vec<std::net::SocketAddr> {
    handle.local_addrs().iter().filter_map(LocalAddr::tcp).collect()
}

#[tokio::test]
async fn all_listeners_serve_the_same_and_end_together() {
    for runtime in RUNTIMES {
        let folder = Folder::new("all");
        let mut listen = vec![Listen::from("127.0.0.1:0"), Listen::from("localhost:0")];
        if cfg!(unix) {
            listen.push(Listen::unix(folder.file("s")));
        }
        let handle = start(&listen, config(runtime)).await;
        assert_eq!(handle.local_addrs().len(), listen.len());
        assert_eq!(handle.local_addr(), tcp_addrs(&handle)[0]);
        for address in tcp_addrs(&handle) {
            let client = TcpStream::connect(address).await.expect("listening");
            let expected = format!("{} -", client.local_addr().expect("connected"));
            assert_eq!(ask(client, b"", "/").await, Ok(expected));
        }
        #[cfg(unix)]
        {
            let client = tokio::net::UnixStream::connect(folder.file("s"))
                .await
                .expect("listening");
            assert_eq!(ask(client, b"", "/").await, Ok("- -".to_owned()));
        }
        timeout(PATIENCE, handle.shutdown()).await.expect("all of them end");
        for address in tcp_addrs(&handle) {
            assert!(TcpStream::connect(address).await.is_err());
        }
    }
}

#[tokio::test]
async fn the_room_for_connections_is_one_for_all_listeners() {
    for runtime in RUNTIMES {
        let mut config = config(runtime);
        config.max_connections = 1;
        let handle = start(&["127.0.0.1:0".into(), "127.0.0.1:0".into()], config).await;
        let [one, other] = tcp_addrs(&handle)[..] else {
            panic!("two listeners");
        };
        let mut first = TcpStream::connect(one).await.expect("listening");
        first
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .expect("open");
        let mut byte = [0];
        first.read_exact(&mut byte).await.expect("an answer");
        let second = TcpStream::connect(other).await.expect("the kernel completes it");
        let mut waiting = Box::pin(ask(second, b"", "/"));
        let early = timeout(std::time::Duration::from_millis(100), &mut waiting).await;
        assert!(early.is_err(), "{runtime:?}: there was no room: {early:?}");
        drop(first);
        assert!(waiting.await.is_ok());
        handle.shutdown().await;
    }
}

#[tokio::test]
async fn a_server_without_listeners_is_an_error() {
    let error = serve(Vec::new(), Arc::new(App::default()), Config::default()).await;
    let error = error.expect_err("nobody could ever come");
    assert!(error.to_string().contains("no listener"), "{error}");
}

/// Whether this machine has IPv6 at all.
fn has_ipv6() -> bool {
    let bound = std::net::TcpListener::bind("[::1]:0");
    if let Err(error) = &bound {
        eprintln!("SKIPPED: no ipv6 here: {error}");
        let must_run = std::env::var_os("HYPERLANE_TESTS_MUST_NOT_SKIP").is_some_and(|value| value == "1");
        assert!(!must_run, "ipv6 is missing, and nothing may be skipped");
    }
    bound.is_ok()
}

#[tokio::test]
async fn all_of_ipv6_serves_ipv4_clients_and_sees_their_own_addresses() {
    if !has_ipv6() {
        return;
    }
    for runtime in RUNTIMES {
        let handle = start(&["[::]:0".into()], config(runtime)).await;
        let port = handle.local_addr().port();
        for host in ["127.0.0.1", "::1"] {
            let client = TcpStream::connect((host, port)).await.expect("listening on both");
            let expected = format!("{} -", client.local_addr().expect("connected"));
            assert_eq!(ask(client, b"", "/").await, Ok(expected), "{runtime:?}");
        }
        handle.shutdown().await;
    }
}

#[tokio::test]
async fn ipv6_alone_refuses_ipv4_clients() {
    if !has_ipv6() {
        return;
    }
    let handle = start(&[Listen::tcp("::", 0).only_v6(true)], Config::default()).await;
    let port = handle.local_addr().port();
    let refused = TcpStream::connect(("127.0.0.1", port)).await;
    assert_eq!(refused.expect_err("ipv6 alone").kind(), ErrorKind::ConnectionRefused);
    assert!(TcpStream::connect(("::1", port)).await.is_ok());
    handle.shutdown().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_port_is_shared_only_where_both_say_so() {
    let first = start(&[Listen::tcp("127.0.0.1", 0).reuse_port(true)], Config::default()).await;
    let port = first.local_addr().port();
    let error = Listen::tcp("127.0.0.1", port).bind(&Config::default()).await;
    assert!(error.expect_err("it is taken").to_string().contains(&port.to_string()));
    let second = start(&[Listen::tcp("127.0.0.1", port).reuse_port(true)], Config::default()).await;
    first.shutdown().await;
    let client = TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("the second listens");
    assert!(ask(client, b"", "/").await.is_ok());
    second.shutdown().await;
}

#[tokio::test]
async fn a_socket_that_listens_already_is_taken_over() {
    for runtime in RUNTIMES {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let listener = Listener::from_std(socket).expect("it listens");
        let handle = serve(listener, Arc::new(App::default()), config(runtime))
            .await
            .expect("it can serve");
        let client = TcpStream::connect(handle.local_addr()).await.expect("listening");
        assert!(ask(client, b"", "/").await.is_ok());
        handle.shutdown().await;
    }
}

#[tokio::test]
async fn what_can_t_be_bound_is_an_error_that_names_it() {
    for (text, setting) in [
        ("nonsense", true),
        ("fd:nothing-of-that-name", false),
        ("192.0.2.1:0", false),
        ("unix:/nowhere/at/all", false),
    ] {
        let error = Listen::from(text).bind(&Config::default()).await.expect_err(text);
        let named = text.trim_end_matches(":0");
        assert!(error.to_string().contains(named), "{error}");
        assert_eq!(error.is_setting(), setting, "{error}");
    }
}
