//! WebSockets on a stream (RFC 8441): the handler is the one of HTTP/1.1.

use h2::ext::Protocol;
use http::{Method, Request};
use hyperlane::websocket::{Message, WebSocketUpgrade};
use hyperlane::*;
use tokio::time::timeout;

use crate::{PATIENCE, connect, get, start};

async fn echo(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(async |mut socket| {
        while let Some(Ok(Message::Text(text))) = socket.recv().await {
            if socket.send(text).await.is_err() {
                break;
            }
        }
    })
}

fn open(path: &str) -> Request<()> {
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .uri(format!("http://example.org{path}"))
        .header("sec-websocket-version", "13")
        .body(())
        .expect("a valid request");
    request.extensions_mut().insert(Protocol::from_static("websocket"));
    request
}

#[tokio::test]
async fn a_websocket_is_opened_by_an_extended_connect() {
    let (server, address) = start(|server| {
        server.get("/echo", echo).get("/plain", async || "no socket");
    })
    .await;
    let requests = connect(address).await;
    assert_eq!(get(&requests, "/plain").await.body, "no socket");

    let mut client = requests.clone().ready().await.expect("an open connection");
    let (response, mut send) = client.send_request(open("/echo"), false).expect("a stream");
    let response = timeout(PATIENCE, response).await.expect("in time").expect("a head");
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!response.headers().contains_key("sec-websocket-accept"));
    // A text message of two bytes, masked with zeros (RFC 6455 §5.2), and what comes back.
    send.send_data(Bytes::from_static(b"\x81\x82\0\0\0\0hi"), false)
        .expect("an open stream");
    let mut body = response.into_body();
    let echoed = timeout(PATIENCE, body.data()).await.expect("in time").expect("a frame");
    assert_eq!(echoed.expect("whole"), &b"\x81\x02hi"[..]);
    assert_eq!(get(&requests, "/plain").await.body, "no socket", "beside the socket");

    // What is no WebSocket does not look like one.
    let (response, _send) = client.send_request(open("/plain"), false).expect("a stream");
    let response = timeout(PATIENCE, response).await.expect("in time").expect("a head");
    assert_eq!(response.status(), StatusCode::NOT_IMPLEMENTED);
    server.shutdown().await;
}
