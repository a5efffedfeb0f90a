//! WebSockets over HTTP/2 (RFC 8441), whose upstream speaks HTTP/1.1.

use hyperlane::{Request, Response, Server};
use hyperlane_core::ConnectProtocol;

use super::support::{Raw, Then, to};

async fn connect(upstream: &Raw, protocol: &str) -> Response {
    let server = Server::new();
    server.route("/chat", to(upstream.addr));
    let request = http::Request::builder()
        .method("CONNECT")
        .uri("https://site.example/chat?room=1")
        .version(http::Version::HTTP_2)
        .header("origin", "https://site.example")
        .header("sec-websocket-protocol", "chat")
        .extension(ConnectProtocol::new(protocol))
        .body("")
        .unwrap();
    server.build().unwrap().call(Request::from(request)).await
}

#[tokio::test]
async fn a_connect_to_websocket_becomes_an_upgrade() {
    let upstream = Raw::start(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-protocol: chat\r\n\r\n",
        Then::Hang,
    )
    .await;
    let mut response = connect(&upstream, "websocket").await;
    assert_eq!(response.status(), 101);
    assert_eq!(response.headers()["sec-websocket-protocol"], "chat");
    assert!(response.take_upgrade().is_some());
    let request = upstream.requests().remove(0).to_lowercase();
    for line in [
        "get /chat?room=1 http/1.1",
        "upgrade: websocket",
        "connection: upgrade",
        "sec-websocket-version: 13",
        "sec-websocket-protocol: chat",
        "via: 2.0 hyperlane",
    ] {
        assert!(request.contains(&format!("{line}\r\n")), "{line}: {request}");
    }
    assert!(request.contains("\r\nsec-websocket-key: "), "{request}");
}

/// To a client that connects, a 2xx means that it is through.
#[tokio::test]
async fn an_answer_that_switches_nothing_is_no_success() {
    for (status, expected) in [(200, 502), (403, 403), (426, 426)] {
        let upstream = Raw::start(
            format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n"),
            Then::Continue,
        )
        .await;
        assert_eq!(connect(&upstream, "websocket").await.status(), expected);
        assert_eq!(connect(&upstream, "h2c").await.status(), expected);
        assert!(!upstream.requests()[1].contains("h2c"));
    }
}
