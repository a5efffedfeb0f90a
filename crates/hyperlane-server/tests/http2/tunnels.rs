//! Extended CONNECT (RFC 8441): another protocol on a stream.

use bytes::Bytes;
use h2::ext::Protocol;
use http::{Method, Request, StatusCode};
use hyperlane_server::Config;

use crate::client::{Client, code, flag, get, kind, reset};
use crate::exchange::{Peer, request};
use crate::hpack::field;
use crate::table::headers;

fn connect(protocol: &'static str) -> Request<()> {
    let mut request = request(Method::CONNECT, "/chat");
    request.extensions_mut().insert(Protocol::from_static(protocol));
    request
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_carries_bytes_both_ways_rfc8441_5() {
    let mut peer = Peer::connect(Config::default()).await;
    // The server's settings, which allow it, come before the first response.
    peer.get("/").await;
    assert!(peer.requests.is_extended_connect_protocol_enabled());
    let (response, mut send) = peer.begin(connect("echo"), false);
    let response = response.await.expect("a head");
    assert_eq!(
        response.status(),
        StatusCode::OK,
        "there is no 101 in HTTP/2 (RFC 9113 §8.6)"
    );
    let fields = response.headers();
    assert_eq!(fields["sec-websocket-protocol"], "chat");
    for name in ["connection", "upgrade", "sec-websocket-accept", "content-length"] {
        assert!(!fields.contains_key(name), "{name}");
    }
    let mut back = response.into_body();
    for piece in ["one", "two"] {
        send.send_data(Bytes::from(piece), false).expect("an open tunnel");
        assert_eq!(back.data().await.expect("a piece").expect("whole"), piece);
    }
    // More than any window.
    let large = vec![b'x'; 600_000];
    send.send_data(Bytes::from(large.clone()), true)
        .expect("an open tunnel");
    let mut received = Vec::new();
    while let Some(piece) = back.data().await {
        let piece = piece.expect("whole");
        back.flow_control()
            .release_capacity(piece.len())
            .expect("what was received");
        received.extend_from_slice(&piece);
    }
    assert!(received == large, "{} bytes", received.len());
}

#[tokio::test(start_paused = true)]
async fn requests_beside_a_tunnel_are_answered() {
    let mut peer = Peer::connect(Config::default()).await;
    peer.get("/").await;
    let (response, _send) = peer.begin(connect("echo"), false);
    assert_eq!(response.await.expect("a head").status(), StatusCode::OK);
    assert_eq!(peer.get("/").await.text(), "word");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_tunnel_does_not_look_like_one() {
    let mut peer = Peer::connect(Config::default()).await;
    peer.get("/").await;
    for (protocol, status) in [
        ("plain", StatusCode::NOT_IMPLEMENTED),
        ("other", StatusCode::BAD_REQUEST),
    ] {
        let (response, _send) = peer.begin(connect(protocol), false);
        assert_eq!(response.await.expect("a head").status(), status, "{protocol}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_protocol_for_another_method_is_malformed_rfc8441_4() {
    let mut client = Client::connect(Config::default()).await;
    let block = [crate::hpack::request("GET", "/"), field(":protocol", "echo")].concat();
    client.send(&headers(1, flag::END_STREAM, &block)).await;
    let reset = client.wait(kind::RST_STREAM).await;
    assert_eq!((reset.stream, reset.code()), (1, code::PROTOCOL_ERROR));
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_ends_with_its_stream() {
    let mut client = Client::connect(Config::default()).await;
    let block = [crate::hpack::request("CONNECT", "/chat"), field(":protocol", "echo")].concat();
    client.send(&headers(1, 0, &block)).await;
    client.wait(kind::HEADERS).await;
    client.send(&reset(1, code::CANCEL)).await;
    client.send(&get(3)).await;
    assert_eq!(client.response(3).await.0, 200);
}
