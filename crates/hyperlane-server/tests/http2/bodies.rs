//! Bodies in both directions: windows, limits, trailers, and what a client may wait for.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use hyperlane_server::Config;

use crate::app::config;
use crate::client::{Client, PREFACE, code, flag, frame, get_path, kind, post, settings};
use crate::exchange::{Peer, receive, request};
use crate::hpack::{self, field};
use crate::table::{all, data, headers};

#[tokio::test(start_paused = true)]
async fn a_mebibyte_goes_both_ways() {
    let mut peer = Peer::connect(Config::default()).await;
    let sent: Vec<u8> = (0..1 << 20).map(|n| (n % 251) as u8).collect();
    for path in ["/echo", "/relay"] {
        let response = peer.send(request(Method::POST, path), Some(sent.clone().into())).await;
        let response = response.expect("a response");
        assert!(
            response.status == StatusCode::OK && response.body == sent,
            "{path}: {}",
            response.status
        );
    }
    assert_eq!(peer.get("/large").await.body.len(), 1 << 20);
}

#[tokio::test(start_paused = true)]
async fn a_body_is_relayed_while_it_comes() {
    let mut peer = Peer::connect(Config::default()).await;
    let (response, mut body) = peer.begin(request(Method::POST, "/relay"), false);
    let mut back = response.await.expect("a head before the end of the body").into_body();
    for piece in ["one", "two", "three"] {
        body.send_data(Bytes::from(piece), false).expect("an open stream");
        assert_eq!(back.data().await.expect("a piece").expect("whole"), piece);
    }
    body.send_data(Bytes::new(), true).expect("an open stream");
    while let Some(piece) = back.data().await {
        assert!(piece.expect("whole").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn streams_go_out_as_they_are_made() {
    let mut peer = Peer::connect(Config::default()).await;
    let response = peer.get("/stream").await;
    assert_eq!(response.text(), "one two three");
    assert!(!response.headers.contains_key("content-length"));
    let (response, _stream) = peer.begin(request(Method::GET, "/open"), true);
    let mut body = response.await.expect("a head").into_body();
    assert_eq!(
        body.data().await.expect("a piece").expect("whole"),
        "begun",
        "it does not wait for the end"
    );
}

#[tokio::test(start_paused = true)]
async fn trailers_go_both_ways_rfc9113_8_1() {
    let mut peer = Peer::connect(Config::default()).await;
    let response = peer.get("/trailers").await;
    assert_eq!(
        (response.text(), &response.headers["content-length"]),
        ("abc", &"3".parse().expect("a value"))
    );
    let trailers = response.trailers.expect("trailers");
    assert_eq!(
        (trailers.len(), &trailers["x-sum"]),
        (1, &"6".parse().expect("a value"))
    );

    let (response, mut body) = peer.begin(request(Method::POST, "/echo"), false);
    body.send_data(Bytes::from("abc"), false).expect("an open stream");
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "6".parse().expect("a value"));
    // What must not come behind a body is left out (RFC 9110 §6.5.1).
    trailers.insert("authorization", "none".parse().expect("a value"));
    body.send_trailers(trailers).expect("an open stream");
    let response = receive(response.await.expect("a response")).await.expect("a body");
    assert_eq!(
        (response.text(), &response.headers["x-trailers"]),
        ("abc", &"x-sum".parse().expect("a value"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_above_its_limit_is_answered_413_rfc9110_15_5_14() {
    let limited = || config(|config| config.body_limit = 100);
    // Announced: before any of it has come.
    let mut client = Client::connect(limited()).await;
    client
        .send(&headers(
            1,
            0,
            &[hpack::POST_ECHO, &field("content-length", "101")].concat(),
        ))
        .await;
    assert_eq!(client.response(1).await.0, 413);
    let reset = client.wait(kind::RST_STREAM).await;
    assert_eq!(
        reset.code(),
        code::NO_ERROR,
        "the rest need not be sent (RFC 9113 §8.1)"
    );
    // And when it is too long.
    let mut client = Client::connect(limited()).await;
    client
        .send(&all([post(1), data(1, 0, &[0; 60]), data(1, 0, &[0; 60])]))
        .await;
    assert_eq!(client.response(1).await.0, 413);
    client.send(&all([post(3), data(3, flag::END_STREAM, &[0; 100])])).await;
    assert_eq!(client.response(3).await.1.len(), 100);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_nobody_reads_does_not_hold_the_connection() {
    let mut client = Client::connect(Config::default()).await;
    // As many bytes as the window of the connection has, eight times over.
    for n in 0..8 {
        let stream = 2 * n + 1;
        client
            .send(&headers(stream, 0, &hpack::request("POST", "/ignore")))
            .await;
        for _ in 0..8 {
            client.send(&data(stream, 0, &[0; 16_000])).await;
        }
        client.send(&data(stream, flag::END_STREAM, b"x")).await;
        let (status, body) = client.response(stream).await;
        assert_eq!((status, &body[..]), (200, &b"ignored"[..]));
    }
    assert!(client.is_alive().await);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_waits_for_our_word_gets_it_when_the_body_is_read_rfc9110_10_1_1() {
    let expecting = |path| {
        headers(
            1,
            0,
            &[hpack::request("POST", path), field("expect", "100-continue")].concat(),
        )
    };
    let mut client = Client::connect(Config::default()).await;
    client.send(&expecting("/echo")).await;
    let interim = client.wait(kind::HEADERS).await;
    assert_eq!(
        (hpack::status(&interim.payload), interim.has(flag::END_STREAM)),
        (100, false)
    );
    client.send(&data(1, flag::END_STREAM, b"now")).await;
    assert_eq!(client.response(1).await, (200, b"now".to_vec()));
    // Nobody reads: there is nothing to wait for.
    let mut client = Client::connect(Config::default()).await;
    client.send(&expecting("/ignore")).await;
    assert_eq!(client.response(1).await.0, 200);
    // Who has sent already does not wait.
    let mut client = Client::connect(Config::default()).await;
    client
        .send(&all([expecting("/echo"), data(1, flag::END_STREAM, b"at once")]))
        .await;
    assert_eq!(client.response(1).await, (200, b"at once".to_vec()));
}

#[tokio::test(start_paused = true)]
async fn what_is_unread_is_bounded_by_the_windows_rfc9113_6_9() {
    let mut client = Client::connect(config(|config| {
        config.http2.stream_window = 70_000;
        config.http2.connection_window = 150_000;
    }))
    .await;
    client.send(&headers(1, 0, &hpack::request("POST", "/never"))).await;
    for _ in 0..4 {
        client.send(&data(1, 0, &[0; 16_000])).await;
    }
    // Of a body that nobody reads no byte is given back.
    client.send(&frame(kind::PING, 0, 0, b"12345678")).await;
    loop {
        let frame = client.next().await.expect("an open connection");
        assert!(frame.kind != kind::WINDOW_UPDATE || frame.stream == 0, "{frame:?}");
        if frame.kind == kind::PING {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_is_bounded_by_the_windows_rfc9113_6_9() {
    let mut client = Client::begin(Config::default());
    client
        .send(
            &[
                PREFACE,
                &settings(&[(4, 1000)]),
                &get_path(1, "/large")[..],
                &get_path(3, "/large")[..],
            ]
            .concat(),
        )
        .await;
    let mut received = [0; 2];
    while received != [1000, 1000] {
        let data = client.wait(kind::DATA).await;
        received[(data.stream / 2) as usize] += data.payload.len();
    }
    assert!(client.is_alive().await, "and nothing more comes");
}
