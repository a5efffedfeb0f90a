//! Clients that cost more than they pay: each kind of flood ends the connection (RFC 9113 §10.5), and what looks like one
//! and is none does not.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hyperlane_server::Config;
use tokio::time::sleep;

use crate::app;
use crate::client::{
    Client, PREFACE, code, flag, frame, get, get_path, kind, ping, post, reset, settings, window_update,
};
use crate::hpack::{self, field, indexed_field};
use crate::table::{all, data, headers};

/// What the server says to `frame`, sent so many times at once.
async fn flood(begin: &[u8], frame: &[u8], times: usize) -> Option<u32> {
    let mut client = Client::connect(Config::default()).await;
    client.send(begin).await;
    let (mut reading, mut writing) = tokio::io::split(client.io);
    let bytes = frame.repeat(times);
    // Both at once: the answers to a flood fill the way back.
    let sending = tokio::spawn(async move {
        let _ = tokio::io::AsyncWriteExt::write_all(&mut writing, &bytes).await;
        writing
    });
    let mut received = Vec::new();
    let _ = tokio::io::AsyncReadExt::read_to_end(&mut reading, &mut received).await;
    drop(sending.await);
    let mut rest = &received[..];
    let mut goaway = None;
    while let [a, b, c, kind, _, _, _, _, _, behind @ ..] = rest {
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        if *kind == kind::GOAWAY {
            goaway = Some(u32::from_be_bytes(behind[4..8].try_into().expect("four bytes")));
        }
        rest = &behind[length..];
    }
    goaway
}

#[tokio::test(start_paused = true)]
async fn floods_of_control_frames_end_the_connection_rfc9113_10_5() {
    let open = all([post(1)]);
    for (name, begin, frame) in [
        ("PING (CVE-2019-9512)", vec![], ping(b"12345678")),
        ("SETTINGS (CVE-2019-9515)", vec![], settings(&[(4, 65_535)])),
        ("empty SETTINGS", vec![], settings(&[])),
        ("PRIORITY (CVE-2019-9513)", vec![], frame(kind::PRIORITY, 0, 9, &[0; 5])),
        ("WINDOW_UPDATE", vec![], window_update(0, 1)),
        ("WINDOW_UPDATE on a stream", open.clone(), window_update(1, 1)),
        ("empty DATA (CVE-2019-9518)", open.clone(), data(1, 0, b"")),
        ("padded DATA without data", open, data(1, flag::PADDED, b"\0")),
        ("unknown kinds", vec![], frame(0x77, 0, 0, b"")),
        ("unknown kinds of some size", vec![], frame(0x77, 0, 0, &[0; 50])),
    ] {
        assert_eq!(
            flood(&begin, &frame, 20_000).await,
            Some(code::ENHANCE_YOUR_CALM),
            "{name}"
        );
    }
}

/// The stream is reset at the first one; what comes behind it is ignored for a while.
#[tokio::test(start_paused = true)]
async fn a_flood_of_heads_on_a_stream_that_was_reset_ends_the_connection() {
    let empty = frame(kind::HEADERS, flag::END_HEADERS, 1, b"");
    assert_eq!(flood(&post(1), &empty, 50_000).await, Some(code::ENHANCE_YOUR_CALM));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_continuation_frames_ends_the_connection_cve_2024_27316() {
    let begun = frame(kind::HEADERS, flag::END_STREAM, 1, hpack::GET);
    for fragment in [&b""[..], &field("x", &"y".repeat(1000))] {
        let more = frame(kind::CONTINUATION, 0, 1, fragment);
        assert_eq!(flood(&begun, &more, 10_000).await, Some(code::ENHANCE_YOUR_CALM));
    }
}

#[tokio::test(start_paused = true)]
async fn a_bomb_of_indexed_fields_ends_the_connection_rfc7541_7_3() {
    let large = headers(
        1,
        flag::END_STREAM,
        &[hpack::GET.to_vec(), indexed_field("x", &"y".repeat(4000))].concat(),
    );
    let bomb = headers(3, flag::END_STREAM, &[hpack::GET, &[0xbe; 16_000]].concat());
    let mut client = Client::connect(Config::default()).await;
    client.send(&all([large, bomb])).await;
    assert_eq!(client.goaway().await, Some(code::ENHANCE_YOUR_CALM));
}

#[tokio::test(start_paused = true)]
async fn streams_that_are_reset_as_soon_as_they_begin_end_the_connection_cve_2023_44487() {
    let mut client = Client::connect(Config::default()).await;
    for n in 0..2000 {
        let stream = 2 * n + 1;
        client
            .send(&all([get_path(stream, "/never"), reset(stream, code::CANCEL)]))
            .await;
    }
    assert_eq!(client.goaway().await, Some(code::ENHANCE_YOUR_CALM));
}

#[tokio::test(start_paused = true)]
async fn streams_that_the_server_is_made_to_reset_end_the_connection_cve_2025_8671() {
    for (name, fault) in [
        ("a window that overflows", window_update as fn(u32, u32) -> Vec<u8>),
        ("a body of another length", |stream, _| {
            data(stream, flag::END_STREAM, b"xy")
        }),
        ("trailers that do not end", |stream, _| {
            headers(stream, 0, &field("x", "y"))
        }),
    ] {
        let mut client = Client::connect(Config::default()).await;
        let head = [hpack::POST_ECHO, &field("content-length", "1")].concat();
        for n in 0..2000 {
            let stream = 2 * n + 1;
            client
                .send(&all([headers(stream, 0, &head), fault(stream, 0x7fff_ffff)]))
                .await;
            tokio::task::yield_now().await;
        }
        assert_eq!(client.goaway().await, Some(code::ENHANCE_YOUR_CALM), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn malformed_requests_without_end_end_the_connection() {
    let mut client = Client::connect(Config::default()).await;
    let malformed = [hpack::GET, &field("connection", "close")].concat();
    for n in 0..2000 {
        client.send(&headers(2 * n + 1, flag::END_STREAM, &malformed)).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.goaway().await, Some(code::ENHANCE_YOUR_CALM));
}

#[tokio::test(start_paused = true)]
async fn handlers_of_streams_that_are_reset_are_dropped() {
    let (io, alive) = app::connect(Config::default());
    let mut client = Client { io };
    client.send(&[PREFACE, &settings(&[])].concat()).await;
    for stream in [1, 3, 5] {
        client.send(&get_path(stream, "/never")).await;
    }
    assert!(client.is_alive().await);
    assert_eq!(alive.load(Ordering::SeqCst), 3);
    client.send(&reset(3, code::CANCEL)).await;
    assert!(client.is_alive().await);
    assert_eq!(alive.load(Ordering::SeqCst), 2);
    drop(client);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(alive.load(Ordering::SeqCst), 0, "the client has left");
}

#[tokio::test(start_paused = true)]
async fn clients_that_only_look_busy_are_served_on() {
    // A page is left: all its streams are reset. Then another one is loaded, and so on.
    let mut client = Client::connect(Config::default()).await;
    for page in 0..20 {
        for n in 0..100 {
            let stream = 2 * (page * 200 + n) + 1;
            client.send(&get_path(stream, "/never")).await;
        }
        for n in 0..100 {
            client.send(&reset(2 * (page * 200 + n) + 1, code::CANCEL)).await;
        }
        assert!(client.is_alive().await, "page {page}");
        sleep(Duration::from_secs(5)).await;
    }
    // A client that asks often whether we are there.
    let mut client = Client::connect(Config::default()).await;
    client.send(&get_path(1, "/never")).await;
    for _ in 0..1000 {
        assert!(client.is_alive().await);
        sleep(Duration::from_millis(20)).await;
    }
    // A download by a client that gives windows in small steps.
    let mut client = Client::connect(Config::default()).await;
    client
        .send(&all([
            window_update(0, 1 << 20),
            get_path(1, "/large"),
            window_update(1, 1 << 20),
        ]))
        .await;
    let mut received = 0;
    while received < 1 << 20 {
        let frame = client.wait(kind::DATA).await;
        received += frame.payload.len();
        client.send(&all([window_update(0, 1), window_update(1, 1)])).await;
    }
    assert!(client.is_alive().await);
}

/// Bodies that are under way while all their requests are answered are no fault (RFC 9113 §5.1).
#[tokio::test(start_paused = true)]
async fn bodies_of_many_requests_that_were_answered_without_them_are_ignored() {
    let mut client = Client::connect(Config::default()).await;
    let streams = || (0..150).map(|n| 2 * n + 1);
    let head = hpack::request("POST", "/ignore");
    let heads: Vec<u8> = streams().flat_map(|stream| headers(stream, 0, &head)).collect();
    client.send(&heads).await;
    assert!(client.is_alive().await);
    assert!(client.is_alive().await, "all are answered and reset");
    let bodies: Vec<u8> = streams().flat_map(|stream| data(stream, 0, b"late")).collect();
    client.send(&bodies).await;
    assert!(client.is_alive().await);
}

#[tokio::test(start_paused = true)]
async fn requests_in_any_number_are_no_flood() {
    let mut client = Client::connect(Config::default()).await;
    for n in 0..3000 {
        client.send(&get(2 * n + 1)).await;
        client.wait(kind::DATA).await;
    }
    assert!(client.is_alive().await);
}
