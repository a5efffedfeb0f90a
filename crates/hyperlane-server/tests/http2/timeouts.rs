//! Every time-out, with paused time: no test here waits.

use std::time::Duration;

use hyperlane_server::Config;
use tokio::time::{Instant, sleep};

use crate::app::{self, config};
use crate::client::{Client, PREFACE, code, flag, frame, get, get_path, kind, post, settings, window_update};
use crate::hpack::{self, field};
use crate::table::{all, data, headers};

/// Sends, and returns the code of the last GOAWAY and the seconds until the connection was closed.
async fn until_closed(mut client: Client, bytes: &[u8]) -> (Option<u32>, u64) {
    let began = Instant::now();
    client.send(bytes).await;
    (client.goaway().await, began.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_streams_says_goaway_and_closes() {
    let client = Client::connect(config(|config| config.idle_timeout = Duration::from_secs(30))).await;
    // It lingers for two seconds more, until the client closes.
    let (goaway, seconds) = until_closed(client, b"").await;
    assert_eq!(goaway, Some(code::NO_ERROR));
    assert!((30..=33).contains(&seconds), "{seconds} s");
}

#[tokio::test(start_paused = true)]
async fn a_connection_with_an_open_stream_is_not_idle() {
    let mut client = Client::connect(config(|config| config.idle_timeout = Duration::from_secs(30))).await;
    client.send(&get_path(1, "/never")).await;
    sleep(Duration::from_secs(3600)).await;
    assert!(client.is_alive().await);
}

#[tokio::test(start_paused = true)]
async fn pings_do_not_keep_an_idle_connection() {
    let mut client = Client::connect(config(|config| config.idle_timeout = Duration::from_secs(30))).await;
    let began = Instant::now();
    while client.is_alive().await {
        sleep(Duration::from_secs(1)).await;
    }
    assert!((30..=33).contains(&began.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn a_preface_that_does_not_end_is_timed_out() {
    for piece in [&PREFACE[..5], &PREFACE[..20]] {
        let mut client = Client::begin(Config::default());
        let began = Instant::now();
        client.send(piece).await;
        let mut rest = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut client.io, &mut rest)
            .await
            .expect("in memory");
        assert!((10..=12).contains(&began.elapsed().as_secs()));
    }
}

#[tokio::test(start_paused = true)]
async fn frames_that_do_not_end_are_timed_out() {
    let begun = frame(kind::HEADERS, flag::END_STREAM, 1, hpack::GET);
    let whole = get(1);
    for (name, bytes) in [
        ("half a frame's head", whole[..5].to_vec()),
        ("a head without its payload", whole[..9].to_vec()),
        ("half a payload", whole[..12].to_vec()),
        ("a field block without END_HEADERS", begun.clone()),
        (
            "half a CONTINUATION",
            all([begun, frame(kind::CONTINUATION, 0, 1, b"\x90")[..4].to_vec()]),
        ),
        ("nothing but the settings' head", settings(&[(4, 1)])[..9].to_vec()),
    ] {
        let client = Client::connect(Config::default()).await;
        let (goaway, seconds) = until_closed(client, &bytes).await;
        assert_eq!(goaway, Some(code::ENHANCE_YOUR_CALM), "{name}");
        assert!((10..=13).contains(&seconds), "{name}: {seconds} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_drips_a_frame_does_not_get_longer() {
    let mut client = Client::connect(Config::default()).await;
    let block = [hpack::GET, &field("x", &"y".repeat(100))].concat();
    let began = Instant::now();
    for byte in headers(1, flag::END_STREAM, &block) {
        client.send(&[byte]).await;
        sleep(Duration::from_secs(1)).await;
    }
    assert!(began.elapsed() > Duration::from_secs(100));
    assert_eq!(client.goaway().await, Some(code::ENHANCE_YOUR_CALM));
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_frame_begins_anew_with_each() {
    let mut client = Client::connect(Config::default()).await;
    client.send(&get_path(1, "/never")).await;
    let update = window_update(0, 1);
    client.send(&update[..5]).await;
    for _ in 0..10 {
        // A frame is always under way, and none for longer than six seconds.
        sleep(Duration::from_secs(6)).await;
        client.send(&[&update[5..], &update[..5]].concat()).await;
    }
    client.send(&update[5..]).await;
    assert!(client.is_alive().await);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_answered_408() {
    for bytes in [
        post(1),
        all([post(1), data(1, 0, b"x")]),
        [post(1), data(1, 0, &[0; 100])[..50].to_vec()].concat(),
    ] {
        let mut client = Client::connect(config(|config| {
            config.body_min_rate = 0;
            config.body_timeout = Duration::from_secs(9);
        }))
        .await;
        let began = Instant::now();
        client.send(&bytes).await;
        assert_eq!(client.response(1).await.0, 408);
        assert_eq!(began.elapsed().as_secs(), 9);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_slow_is_answered_408() {
    let mut client = Client::connect(Config::default()).await;
    let began = Instant::now();
    client.send(&post(1)).await;
    // Ten bytes a second, in one frame and in many.
    let mut bytes = data(1, 0, &[0; 50]);
    bytes.extend(data(1, 0, &[0; 5]).repeat(100));
    for piece in bytes.chunks(10) {
        client.send(piece).await;
        sleep(Duration::from_secs(1)).await;
        if began.elapsed() > Duration::from_secs(7) {
            break;
        }
    }
    assert_eq!(client.response(1).await.0, 408);
    assert!((5..=8).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_in_a_large_frame_that_keeps_the_rate_is_taken() {
    let mut client = Client::connect(Config::default()).await;
    client.send(&post(1)).await;
    // A thousand bytes a second: the frame takes longer than the time without a byte may be.
    for piece in data(1, flag::END_STREAM, &vec![b'x'; 16_000]).chunks(400) {
        client.send(piece).await;
        sleep(Duration::from_millis(1000)).await;
    }
    let (status, body) = client.response(1).await;
    assert_eq!((status, body.len()), (200, 16_000));
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_answered_503() {
    let mut client = Client::connect(config(|config| config.handler_timeout = Some(Duration::from_secs(3)))).await;
    let began = Instant::now();
    client.send(&all([get_path(1, "/never"), get(3)])).await;
    assert_eq!(client.response(3).await.0, 200);
    assert_eq!(client.response(1).await.0, 503);
    assert_eq!(began.elapsed().as_secs(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_client_gives_no_window_is_reset() {
    for path in ["/large", "/stream"] {
        let mut client = Client::connect_with(Config::default(), &[(4, 0)]).await;
        let began = Instant::now();
        client.send(&get_path(1, path)).await;
        let reset = client.wait(kind::RST_STREAM).await;
        assert_eq!(
            (reset.stream, reset.code(), began.elapsed().as_secs()),
            (1, code::CANCEL, 30)
        );
        assert!(client.is_alive().await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_client_reads_nothing_is_given_up() {
    let (io, alive) = app::connect_through(1000, Config::default());
    let mut client = Client { io };
    client
        .send(&[PREFACE, &settings(&[(4, 1 << 20)]), &window_update(0, 1 << 20)].concat())
        .await;
    client.send(&get_path(1, "/large")).await;
    client.send(&get_path(3, "/never")).await;
    let began = Instant::now();
    while alive.load(std::sync::atomic::Ordering::SeqCst) == 0 || began.elapsed() < Duration::from_secs(29) {
        sleep(Duration::from_secs(1)).await;
    }
    while alive.load(std::sync::atomic::Ordering::SeqCst) > 0 {
        sleep(Duration::from_secs(1)).await;
    }
    assert!((29..=33).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_answer_a_ping_is_gone() {
    let settings = |config: &mut Config| {
        config.http2.keep_alive_interval = Some(Duration::from_secs(10));
        config.http2.keep_alive_timeout = Duration::from_secs(5);
    };
    let mut client = Client::connect(config(settings)).await;
    client.send(&get_path(1, "/never")).await;
    let began = Instant::now();
    for _ in 0..3 {
        let ping = client.wait(kind::PING).await;
        client.send(&frame(kind::PING, flag::ACK, 0, &ping.payload)).await;
    }
    assert_eq!(began.elapsed().as_secs(), 30);
    client.wait(kind::PING).await;
    assert!(client.next().await.is_none());
    assert_eq!(began.elapsed().as_secs(), 45);
}
