//! WebSocket over HTTP/2 (RFC 8441): the same routes, by an extended `CONNECT`.

use h2::client::SendRequest;
use h2::{RecvStream, SendStream};
use hyperlane::Bytes;
use hyperlane::testing::TestClient;
use tokio::task::yield_now;

use super::raw::{echo_server, frame};

/// A connection that says that it knows extended `CONNECT`.
async fn connect(client: &TestClient) -> SendRequest<Bytes> {
    let (requests, connection) = h2::client::handshake(client.connect()).await.unwrap();
    tokio::spawn(connection);
    let requests = requests.ready().await.unwrap();
    for _ in 0..1000 {
        if requests.is_extended_connect_protocol_enabled() {
            return requests;
        }
        yield_now().await;
    }
    panic!("the server does not announce SETTINGS_ENABLE_CONNECT_PROTOCOL");
}

async fn ask(
    requests: &mut SendRequest<Bytes>,
    path: &str,
    protocol: &'static str,
    headers: &[(&str, &str)],
) -> (http::Response<RecvStream>, SendStream<Bytes>) {
    let mut request = http::Request::builder()
        .method("CONNECT")
        .uri(format!("https://localhost{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(()).unwrap();
    request
        .extensions_mut()
        .insert(h2::ext::Protocol::from_static(protocol));
    let (response, sender) = requests.send_request(request, false).unwrap();
    (response.await.unwrap(), sender)
}

async fn read(body: &mut RecvStream, length: usize) -> Vec<u8> {
    let mut received = Vec::new();
    while received.len() < length {
        let piece = body.data().await.unwrap().unwrap();
        body.flow_control().release_capacity(piece.len()).unwrap();
        received.extend_from_slice(&piece);
    }
    received
}

#[tokio::test]
async fn section_5_a_stream_becomes_a_socket_and_ends_with_it() {
    let mut requests = connect(&TestClient::new(echo_server())).await;
    let headers = [
        ("sec-websocket-version", "13"),
        ("origin", "https://localhost"),
        ("sec-websocket-extensions", "permessage-deflate"),
    ];
    let (response, mut sender) = ask(&mut requests, "/deflate", "websocket", &headers).await;
    assert_eq!(response.status(), 200);
    for gone in ["sec-websocket-accept", "connection", "upgrade"] {
        assert!(!response.headers().contains_key(gone), "{gone}");
    }
    assert!(response.headers().contains_key("sec-websocket-extensions"));
    let mut body = response.into_body();

    // A second one on the same connection.
    let (other, mut other_sender) = ask(&mut requests, "/ws", "websocket", &headers[..1]).await;
    let mut other = other.into_body();
    for word in ["one", "two"] {
        sender.send_data(frame(0x81, word.as_bytes()).into(), false).unwrap();
        other_sender
            .send_data(frame(0x82, word.as_bytes()).into(), false)
            .unwrap();
        assert_eq!(read(&mut body, 5).await, [b"\x81\x03", word.as_bytes()].concat());
        assert_eq!(read(&mut other, 5).await, [b"\x82\x03", word.as_bytes()].concat());
    }
    sender.send_data(frame(0x89, b"?").into(), false).unwrap();
    assert_eq!(read(&mut body, 3).await, b"\x8a\x01?");
    sender.send_data(frame(0x88, b"\x03\xe8").into(), false).unwrap();
    assert_eq!(read(&mut body, 4).await, b"\x88\x02\x03\xe8");
    while let Some(rest) = body.data().await {
        assert!(rest.unwrap().is_empty(), "the stream ends");
    }
    // And the other does not.
    other_sender.send_data(frame(0x81, b"on").into(), false).unwrap();
    assert_eq!(read(&mut other, 4).await, b"\x81\x02on");
}

#[tokio::test]
async fn large_messages_go_through_the_streams_windows() {
    let mut requests = connect(&TestClient::new(echo_server())).await;
    let (response, mut sender) = ask(&mut requests, "/ws", "websocket", &[("sec-websocket-version", "13")]).await;
    let mut body = response.into_body();
    let payload = vec![7; 500_000];
    sender.send_data(frame(0x82, &payload).into(), false).unwrap();
    let answer = read(&mut body, 10 + payload.len()).await;
    assert!(answer[10..] == payload);
}

#[tokio::test]
async fn what_is_wrong_is_refused_as_over_http_1() {
    let mut requests = connect(&TestClient::new(echo_server())).await;
    let version = ("sec-websocket-version", "13");
    for (path, protocol, headers, status) in [
        ("/ws", "websocket", &[("sec-websocket-version", "8")][..], 426),
        ("/ws", "websocket", &[], 400),
        ("/ws", "websocket", &[version, ("origin", "https://evil.example")], 403),
        ("/ws", "other", &[version], 426),
        ("/nowhere", "websocket", &[version], 404),
    ] {
        let (response, _) = ask(&mut requests, path, protocol, headers).await;
        assert_eq!(response.status(), status, "{path} {protocol} {headers:?}");
    }
}
