//! Clients that mean no good, or do not speak TLS at all. None of them harms the next one.

use std::net::SocketAddr;
use std::time::Duration;

use hyperlane_server::{Config, ServerHandle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::support::{Authority, get, start, start_with, within};

/// What the server sends to a client that sends `bytes`, until it closes.
async fn answer_to(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut tcp = TcpStream::connect(address).await.expect("listening");
    tcp.write_all(bytes).await.expect("open");
    let mut answer = Vec::new();
    // A reset is an end as well: the server did not read all that was sent.
    let _ = within(tcp.read_to_end(&mut answer)).await;
    answer
}

async fn still_serves(server: &ServerHandle, authority: &Authority) {
    get(server.local_addr(), "localhost", authority.client())
        .await
        .expect("served");
}

#[tokio::test]
async fn plain_http_is_told_to_use_https() {
    let authority = Authority::new();
    let server = start(authority.issue(&["localhost"]).tls()).await;
    let answer = answer_to(server.local_addr(), b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    let text = String::from_utf8(answer).expect("text");
    assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    assert!(
        head.contains(&format!("content-length: {}\r\n", body.len())),
        "{head} {}",
        body.len()
    );
    assert!(body.contains("https"), "{body}");
    still_serves(&server, &authority).await;
}

#[tokio::test]
async fn what_is_no_tls_is_refused_by_alert_or_close() {
    let authority = Authority::new();
    let server = start(authority.issue(&["localhost"]).tls()).await;
    let cases: &[&[u8]] = &[
        // No type of a record.
        &[0; 64],
        &[0xff; 64],
        // A handshake that is not a `ClientHello`, and one without end.
        &[22, 3, 1, 0, 4, 2, 0, 0, 0],
        &[22, 3, 1, 0, 0],
        // A record that is longer than any may be (RFC 8446 §5.1).
        &[22, 3, 1, 0xff, 0xff, 1, 0, 0, 0],
        // A message that announces 16 MiB.
        &[22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff],
        // An alert and data before any handshake.
        &[21, 3, 3, 0, 2, 2, 40],
        &[23, 3, 3, 0, 4, 1, 2, 3, 4],
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01",
    ];
    for bytes in cases {
        let mut tcp = TcpStream::connect(server.local_addr()).await.expect("listening");
        tcp.write_all(bytes).await.expect("open");
        tcp.shutdown().await.expect("open");
        let mut answer = Vec::new();
        let _ = within(tcp.read_to_end(&mut answer)).await;
        // An alert, or nothing (or the hint for what looks like a request).
        assert!(
            answer.is_empty() || answer[0] == 21 || answer.starts_with(b"HTTP/1.1 400"),
            "{bytes:?}: {answer:?}"
        );
    }
    still_serves(&server, &authority).await;
}

#[tokio::test]
async fn random_bytes_behind_a_good_beginning_do_no_harm() {
    let authority = Authority::new();
    let server = start(authority.issue(&["localhost"]).tls()).await;
    let hello = client_hello(&authority);
    // No two rounds spoil the same byte; which ones does not matter.
    for round in 0..200_usize {
        let mut spoiled = hello.clone();
        let at = (round * 31) % spoiled.len();
        spoiled[at] ^= 1 << (round % 8);
        let mut tcp = TcpStream::connect(server.local_addr()).await.expect("listening");
        let _ = tcp.write_all(&spoiled).await;
        let _ = tcp.write_all(&[23, 3, 3, 0, 2, 1, 1]).await;
        let _ = tcp.shutdown().await;
        let _ = within(tcp.read_to_end(&mut Vec::new())).await;
    }
    still_serves(&server, &authority).await;
}

#[tokio::test]
async fn a_hello_may_arrive_byte_by_byte() {
    let authority = Authority::new();
    let server = start(authority.issue(&["localhost"]).tls()).await;
    let mut tcp = TcpStream::connect(server.local_addr()).await.expect("listening");
    tcp.set_nodelay(true).expect("open");
    for byte in client_hello(&authority) {
        tcp.write_all(&[byte]).await.expect("open");
    }
    let mut answer = [0; 6];
    within(tcp.read_exact(&mut answer)).await.expect("answered");
    // A record of the handshake with a `ServerHello` in it.
    assert_eq!((answer[0], answer[5]), (22, 2));
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_never_ends_times_out() {
    let authority = Authority::new();
    let config = Config::default();
    let limit = config.handshake_timeout;
    let server = start_with(authority.issue(&["localhost"]).tls(), config).await;
    let hello = client_hello(&authority);
    for beginning in [&hello[..0], &hello[..3], &hello[..50], &hello[..]] {
        let begun = Instant::now();
        let mut tcp = TcpStream::connect(server.local_addr()).await.expect("listening");
        tcp.write_all(beginning).await.expect("open");
        let _ = tcp.read_to_end(&mut Vec::new()).await;
        let took = begun.elapsed();
        assert!(took >= limit && took < limit + Duration::from_secs(2), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_drips_is_given_no_more_time() {
    let authority = Authority::new();
    let config = Config::default();
    let limit = config.handshake_timeout;
    let server = start_with(authority.issue(&["localhost"]).tls(), config).await;
    let begun = Instant::now();
    let mut tcp = TcpStream::connect(server.local_addr()).await.expect("listening");
    for byte in client_hello(&authority) {
        if tcp.write_all(&[byte]).await.is_err() || begun.elapsed() > limit * 2 {
            break;
        }
        sleep(Duration::from_secs(1)).await;
    }
    let _ = tcp.read_to_end(&mut Vec::new()).await;
    assert!(
        begun.elapsed() <= limit + Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
}

/// The first record of a client.
fn client_hello(authority: &Authority) -> Vec<u8> {
    let name = rustls::pki_types::ServerName::try_from("localhost").expect("a name");
    let mut session = rustls::ClientConnection::new(authority.client().into(), name).expect("valid");
    let mut bytes = Vec::new();
    session.write_tls(&mut bytes).expect("in memory");
    bytes
}
