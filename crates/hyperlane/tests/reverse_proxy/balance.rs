//! Several upstreams, and upstreams that are no TCP sockets.

use std::time::Duration;

use hyperlane::reverse_proxy::ReverseProxy;
use tokio::net::TcpListener;

use super::support::{Raw, Then, client};

fn ok(text: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len())
}

#[tokio::test]
async fn upstreams_take_turns_and_one_that_is_gone_is_passed_over() {
    let (a, b) = (
        Raw::start(ok("a"), Then::Continue).await,
        Raw::start(ok("b"), Then::Continue).await,
    );
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let urls = [a.addr, gone, b.addr].map(|addr| format!("http://{addr}"));
    let client = client(
        ReverseProxy::balanced(urls)
            .unwrap()
            .cool_down(Duration::from_secs(3600)),
    );
    for n in 0..30 {
        // Not a byte was sent to the one that is gone, so that any request may go on to the next.
        let response = client.post("/").body(format!("body {n}")).await;
        response.assert_status(200);
    }
    let (a, b) = (a.requests(), b.requests());
    assert_eq!(a.len() + b.len(), 30);
    assert!(a.len() >= 10 && b.len() >= 10, "{} {}", a.len(), b.len());
    let mut bodies: Vec<_> = a
        .iter()
        .chain(&b)
        .map(|request| request.split("\r\n\r\n").nth(1).unwrap())
        .collect();
    bodies.sort_unstable();
    bodies.dedup();
    assert_eq!(bodies.len(), 30, "each body arrived, once");
}

#[tokio::test]
async fn when_all_are_gone_it_is_502_and_they_are_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let urls = [addr, addr].map(|addr| format!("http://{addr}"));
    let client = client(
        ReverseProxy::balanced(urls)
            .unwrap()
            .cool_down(Duration::from_secs(3600)),
    );
    client.get("/").await.assert_status(502);
    client.get("/").await.assert_status(502);
}

#[test]
fn no_upstream_at_all_is_refused() {
    assert!(ReverseProxy::balanced([""; 0]).is_err());
    assert!(
        ReverseProxy::to("localhost:80")
            .unwrap_err()
            .to_string()
            .contains("localhost:80")
    );
}

#[cfg(unix)]
#[tokio::test]
async fn an_upstream_may_be_a_unix_socket() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(ok("over a socket").as_bytes()).await.unwrap();
        String::from_utf8(request).unwrap()
    });
    let proxy = ReverseProxy::to(format!("unix:{}", path.display())).unwrap();
    client(proxy)
        .get("/x")
        .await
        .assert_status(200)
        .assert_text("over a socket")
        .await;
    let request = served.await.unwrap();
    assert!(
        request.starts_with("GET /x HTTP/1.1\r\n") && request.contains("\r\nhost: localhost\r\n"),
        "{request}"
    );
    client(ReverseProxy::to("unix:/nowhere/at/all.sock").unwrap())
        .get("/")
        .await
        .assert_status(502);
}
