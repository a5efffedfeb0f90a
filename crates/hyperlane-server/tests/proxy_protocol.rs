//! The PROXY protocol over real sockets: who is believed, and that nothing else gets through.

mod sockets;

use std::time::Duration;

use hyperlane_server::{Config, Listen, ServerHandle};
use sockets::{PATIENCE, RUNTIMES, ask, config, start};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).expect("short");
    [V2, &[command, family], &length.to_be_bytes(), rest].concat()
}

const ADDRESSES: [u8; 12] = [192, 0, 2, 7, 127, 0, 0, 1, 0x30, 0x39, 0, 80];

async fn connect(handle: &ServerHandle) -> TcpStream {
    TcpStream::connect(handle.local_addr()).await.expect("listening")
}

fn trusting(proxies: &str) -> [Listen; 1] {
    [Listen::tcp("127.0.0.1", 0).proxy_protocol([proxies])]
}

#[tokio::test]
async fn the_client_that_a_trusted_proxy_names_is_the_peer() {
    for runtime in RUNTIMES {
        let handle = start(&trusting("127.0.0.0/8"), config(runtime)).await;
        let long = [&ADDRESSES[..], &[4, 7, 0], &[0; 1792]].concat();
        for header in [
            b"PROXY TCP4 192.0.2.7 127.0.0.1 12345 80\r\n".to_vec(),
            v2(0x21, 0x11, &ADDRESSES),
            v2(0x21, 0x11, &long),
        ] {
            let client = connect(&handle).await;
            let expected = format!("192.0.2.7:12345 {}", client.local_addr().expect("connected"));
            assert_eq!(ask(client, &header, "/").await, Ok(expected), "{runtime:?}");
        }
        handle.shutdown().await;
    }
}

#[tokio::test]
async fn a_header_that_comes_byte_by_byte_is_the_same() {
    let handle = start(&trusting("127.0.0.1"), Config::default()).await;
    for header in [
        b"PROXY TCP4 192.0.2.7 127.0.0.1 12345 80\r\n".to_vec(),
        v2(0x21, 0x11, &ADDRESSES),
    ] {
        let mut client = connect(&handle).await;
        client.set_nodelay(true).expect("a socket");
        for byte in header {
            client.write_all(&[byte]).await.expect("open");
            tokio::task::yield_now().await;
        }
        let answer = ask(client, b"", "/").await.expect("an answer");
        assert!(answer.starts_with("192.0.2.7:12345 "), "{answer}");
    }
    handle.shutdown().await;
}

#[tokio::test]
async fn a_proxy_that_connects_for_itself_is_seen_as_itself() {
    let handle = start(&trusting("127.0.0.1"), Config::default()).await;
    for header in [
        b"PROXY UNKNOWN\r\n".to_vec(),
        v2(0x20, 0x11, &ADDRESSES),
        v2(0x20, 0, &[]),
    ] {
        let client = connect(&handle).await;
        let expected = format!("{} -", client.local_addr().expect("connected"));
        assert_eq!(ask(client, &header, "/").await, Ok(expected));
    }
    handle.shutdown().await;
}

#[tokio::test]
async fn what_is_no_header_closes_the_connection_without_an_answer() {
    let handle = start(&trusting("127.0.0.1"), Config::default()).await;
    for wrong in [
        Vec::new(),
        b"PROXY TCP4 192.0.2.7 127.0.0.1 123456 80\r\n".to_vec(),
        [b"PROXY UNKNOWN ".to_vec(), vec![b'x'; 4000]].concat(),
        v2(0x31, 0x11, &ADDRESSES),
        v2(0x21, 0x11, &ADDRESSES[..10]),
        v2(0x21, 0x11, &[&ADDRESSES[..], &[0; 5000]].concat()),
        [V2, &[0x21, 0x11, 0xff, 0xff]].concat(),
        vec![b'\r'; 100],
    ] {
        let refused = ask(connect(&handle).await, &wrong, "/").await;
        let refused = refused.expect_err("there was no header");
        assert!(!refused.contains("HTTP/1.1 "), "{refused}");
    }
    assert_eq!(handle.connections(), 0);
    handle.shutdown().await;
}

#[tokio::test]
async fn nobody_else_than_a_trusted_proxy_gets_through() {
    let handle = start(&trusting("10.0.0.0/8"), Config::default()).await;
    for header in [&b"PROXY TCP4 10.0.0.1 127.0.0.1 12345 80\r\n"[..], b""] {
        let refused = ask(connect(&handle).await, header, "/").await;
        assert!(
            refused.expect_err("it is not trusted").starts_with(' '),
            "no byte of an answer"
        );
    }
    handle.shutdown().await;
}

#[tokio::test]
async fn without_the_setting_a_header_is_no_request() {
    let handle = start(&["127.0.0.1:0".into()], Config::default()).await;
    let line = b"PROXY TCP4 192.0.2.7 127.0.0.1 12345 80\r\n";
    let refused = ask(connect(&handle).await, line, "/").await;
    assert!(refused.expect_err("it is no head").starts_with("HTTP/1.1 400"));
    handle.shutdown().await;
}

#[tokio::test]
async fn a_client_that_sends_no_header_is_closed_in_time() {
    let mut config = Config::default();
    config.handshake_timeout = Duration::from_millis(100);
    let handle = start(&trusting("127.0.0.1"), config).await;
    for beginning in [&b""[..], b"PROX", b"PROXY TCP4 192.0.2.7", &V2[..7]] {
        let mut client = connect(&handle).await;
        client.write_all(beginning).await.expect("open");
        let mut answer = Vec::new();
        let _ = timeout(PATIENCE, client.read_to_end(&mut answer))
            .await
            .expect("closed");
        assert!(answer.is_empty());
    }
    handle.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_clients_that_say_nothing() {
    for runtime in RUNTIMES {
        let handle = start(&trusting("127.0.0.1"), config(runtime)).await;
        let silent = connect(&handle).await;
        while handle.connections() == 0 {
            tokio::task::yield_now().await;
        }
        let began = std::time::Instant::now();
        timeout(PATIENCE, handle.shutdown()).await.expect("in time");
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{runtime:?}: {:?}",
            began.elapsed()
        );
        drop(silent);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn whoever_may_connect_to_a_unix_socket_may_name_its_client() {
    let folder = sockets::Folder::new("proxy");
    let listen = Listen::unix(folder.file("s")).proxy_protocol(["10.0.0.1"]);
    let handle = start(&[listen], Config::default()).await;
    let client = tokio::net::UnixStream::connect(folder.file("s"))
        .await
        .expect("listening");
    let answer = ask(client, &v2(0x21, 0x11, &ADDRESSES), "/").await;
    assert_eq!(answer, Ok("192.0.2.7:12345 -".to_owned()));
    handle.shutdown().await;
}

#[cfg(feature = "tls-self-signed")]
#[tokio::test]
async fn tls_begins_behind_the_header() {
    let version = std::process::Command::new("curl").arg("--version").output();
    if !version.is_ok_and(|output| output.status.success()) {
        let must_run = std::env::var_os("HYPERLANE_TESTS_MUST_NOT_SKIP").is_some_and(|value| value == "1");
        assert!(!must_run, "curl is missing, and nothing may be skipped");
        eprintln!("SKIPPED: curl is missing");
        return;
    }
    for runtime in RUNTIMES {
        let listen = Listen::tcp("127.0.0.1", 0)
            .proxy_protocol(["127.0.0.1"])
            .tls(hyperlane_server::Tls::self_signed(["localhost"]));
        let handle = start(&[listen], config(runtime)).await;
        let url = format!("https://{}/", handle.local_addr());
        for version in ["--http1.1", "--http2"] {
            let mut curl = tokio::process::Command::new("curl");
            curl.args([
                "--silent",
                "--show-error",
                "--insecure",
                "--haproxy-protocol",
                version,
                &url,
            ]);
            curl.kill_on_drop(true);
            let output = timeout(PATIENCE, curl.output())
                .await
                .expect("in time")
                .expect("it can be started");
            let answer = String::from_utf8_lossy(&output.stdout).into_owned();
            // curl names itself, so that client and proxy are one.
            let (client, proxy) = answer.split_once(' ').unwrap_or_default();
            assert!(
                client.starts_with("127.0.0.1:") && client == proxy,
                "{version}: {answer} {output:?}"
            );
        }
        handle.shutdown().await;
    }
}
