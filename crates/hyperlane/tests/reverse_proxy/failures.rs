//! What a client gets when the upstream fails, and when it fails itself.

use std::io;
use std::time::Duration;

use hyperlane::Body;
use hyperlane::reverse_proxy::ReverseProxy;
use hyperlane::testing::TestClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use super::support::{PATIENCE, Raw, Then, ask_raw, client, proxy_server, to};

/// An address on which nobody listens.
async fn nobody() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

async fn assert_bare_problem(client: &TestClient, status: u16) {
    let response = client.get("/secret/path").await;
    response
        .assert_status(status)
        .assert_header("content-type", "application/problem+json");
    let body = response.text().await;
    assert!(!body.contains("detail") && !body.contains("127.0.0.1"), "{body}");
}

#[tokio::test]
async fn an_upstream_that_can_not_be_reached_is_502() {
    assert_bare_problem(&client(to(nobody().await)), 502).await;
}

#[tokio::test]
async fn an_upstream_that_does_not_answer_is_504() {
    let upstream = Raw::start("", Then::Hang).await;
    let proxy = to(upstream.addr).response_timeout(Duration::from_millis(100));
    assert_bare_problem(&client(proxy), 504).await;
    let mut ended = upstream.ended;
    timeout(PATIENCE, ended.recv()).await.expect("its request is dropped");
}

/// One that accepts, and never speaks TLS.
#[tokio::test]
async fn an_upstream_that_can_not_be_reached_in_time_is_504() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let proxy = ReverseProxy::to(url)
        .unwrap()
        .connect_timeout(Duration::from_millis(100));
    let began = Instant::now();
    assert_bare_problem(&client(proxy), 504).await;
    assert!(began.elapsed() < PATIENCE);
}

#[tokio::test]
async fn an_upstream_that_dies_in_mid_body_breaks_the_response_off() {
    for (answer, then) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345", Then::Close),
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345", Then::Reset),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n",
            Then::Close,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\nZZ\r\n",
            Then::Hang,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n5\r\n12",
            Then::Close,
        ),
    ] {
        let upstream = Raw::start(answer, then).await;
        let response = client(to(upstream.addr)).get("/").await;
        response.assert_status(200);
        let mut got = Vec::new();
        let broken = loop {
            match timeout(PATIENCE, response.try_chunk()).await.unwrap() {
                Ok(Some(chunk)) => got.extend_from_slice(&chunk),
                Ok(None) => break false,
                Err(_) => break true,
            }
        };
        assert!(broken, "{answer:?} is not taken for whole");
        assert!(
            got.starts_with(b"12345") || then == Then::Reset,
            "what came is passed on: {got:?}"
        );
    }
}

#[tokio::test]
async fn a_client_of_the_older_version_sees_a_reset_where_the_end_would_be_taken_for_whole() {
    let upstream = Raw::start(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\nZZ\r\n",
        Then::Hang,
    )
    .await;
    let proxy = proxy_server(to(upstream.addr)).await;
    let mut stream = TcpStream::connect(proxy.local_addr()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\nhost: a\r\n\r\n").await.unwrap();
    let mut all = Vec::new();
    let error = timeout(PATIENCE, stream.read_to_end(&mut all))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn an_upstream_that_falls_silent_in_mid_body_breaks_the_response_off() {
    let upstream = Raw::start("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345", Then::Hang).await;
    let proxy = to(upstream.addr).idle_timeout(Duration::from_millis(100));
    let response = client(proxy).get("/").await;
    assert_eq!(response.try_chunk().await.unwrap().unwrap(), "12345");
    assert!(timeout(PATIENCE, response.try_bytes()).await.unwrap().is_err());
    let mut ended = upstream.ended;
    timeout(PATIENCE, ended.recv()).await.expect("its connection is closed");
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_request_to_the_upstream_along() {
    // Before the response, in its middle, and in the middle of the request's body.
    for (answer, request) in [
        ("", "GET / HTTP/1.1\r\nhost: a\r\n\r\n"),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345",
            "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
        ),
        ("", "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n12345"),
    ] {
        let mut upstream = Raw::start(answer, Then::Hang).await;
        let proxy = proxy_server(to(upstream.addr)).await;
        let mut stream = TcpStream::connect(proxy.local_addr()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        if answer.is_empty() {
            // Until the upstream has the request.
            let begun = async {
                while upstream.requests().is_empty() && !request.starts_with("POST") {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            timeout(PATIENCE, begun).await.unwrap();
        } else {
            let mut byte = [0; 64];
            assert!(stream.read(&mut byte).await.unwrap() > 0);
        }
        stream.set_zero_linger().unwrap();
        drop(stream);
        timeout(PATIENCE, upstream.ended.recv())
            .await
            .expect("the upstream is let go");
    }
}

#[tokio::test]
async fn a_kept_connection_that_the_upstream_has_closed_costs_no_safe_request() {
    // It closes behind each answer without saying so.
    let upstream = Raw::start("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", Then::Close).await;
    let client = client(to(upstream.addr));
    for _ in 0..50 {
        client.get("/").await.assert_status(200).assert_text("ok").await;
    }
    assert_eq!(
        upstream.requests().len(),
        50,
        "and none was sent twice to a server that read it"
    );
}

/// An upstream that reads the second request on a connection and closes without an answer: it may have acted on it.
#[tokio::test]
async fn only_safe_requests_without_a_body_are_sent_again() {
    for (name, body, sent) in [("GET", "", 3), ("POST", "", 2), ("PUT", "x", 2), ("GET", "x", 2)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let seen = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = std::sync::Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut buffer = [0; 4096];
                let mut first = true;
                while stream.read(&mut buffer).await.is_ok_and(|n| n > 0) {
                    let seen = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    if !first {
                        break;
                    }
                    first = false;
                    // Only the very first connection is used twice.
                    let close = if seen == 0 { "" } else { "connection: close\r\n" };
                    let answer = format!("HTTP/1.1 200 OK\r\n{close}content-length: 2\r\n\r\nok");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
            }
        });
        let client = client(to(addr));
        client.get("/").await.assert_status(200).assert_text("ok").await;
        // Until the connection is among those that are kept.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let method = name.parse().unwrap();
        let request = client.request(method, "/");
        let response = if body.is_empty() {
            request.await
        } else {
            request.body(Body::from(body)).await
        };
        let expected = if sent == 3 { 200 } else { 502 };
        let seen = seen.load(std::sync::atomic::Ordering::SeqCst);
        assert_eq!((response.status().as_u16(), seen), (expected, sent), "{name} {body:?}");
    }
}

#[tokio::test]
async fn the_clients_own_body_errors_are_answered_as_such() {
    let upstream = Raw::start("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", Then::Continue).await;
    let proxy = proxy_server(to(upstream.addr)).await;
    let answer = ask_raw(
        proxy.local_addr(),
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\nZZ\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

/// The client is asked for its body only once somebody is there to take it (RFC 9110 §10.1.1).
#[tokio::test]
async fn expect_is_answered_here_and_only_with_an_upstream() {
    let request = |target: &str| {
        format!("POST {target} HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
    };
    let upstream = Raw::start("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", Then::Continue).await;
    let proxy = proxy_server(to(upstream.addr)).await;
    let mut stream = TcpStream::connect(proxy.local_addr()).await.unwrap();
    stream.write_all(request("/").as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    timeout(PATIENCE, stream.read_exact(&mut interim))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hi").await.unwrap();
    let mut answer = [0; 15];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    let seen = upstream.requests().remove(0);
    assert!(seen.ends_with("\r\n\r\nhi") && !seen.contains("expect"), "{seen}");

    let proxy = proxy_server(to(nobody().await)).await;
    let mut stream = TcpStream::connect(proxy.local_addr()).await.unwrap();
    stream.write_all(request("/").as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(&answer, b"HTTP/1.1 502");
}
