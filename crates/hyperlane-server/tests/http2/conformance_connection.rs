//! RFC 9113 §3 and §4: how a connection begins, and what a frame is.

use hyperlane_server::Config;
use tokio::io::AsyncReadExt;

use crate::client::{Client, PREFACE, code, flag, frame, get, kind, ping, settings};
use crate::hpack;
use crate::table::{Outcome, all, case, data, headers, run};

const PROTOCOL: Outcome = Outcome::ConnectionError(code::PROTOCOL_ERROR);
const SIZE: Outcome = Outcome::ConnectionError(code::FRAME_SIZE_ERROR);

#[tokio::test(start_paused = true)]
async fn the_preface_of_the_server_is_settings_rfc9113_3_4() {
    let mut client = Client::begin(Config::default());
    client.send(&[PREFACE, &settings(&[])].concat()).await;
    let first = client.next().await.expect("a frame");
    assert_eq!(
        (first.kind, first.has(flag::ACK), first.stream),
        (kind::SETTINGS, false, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_preface_that_comes_in_pieces_is_one_rfc9113_3_4() {
    for cut in 1..PREFACE.len() {
        let mut client = Client::begin(Config::default());
        client.send(&PREFACE[..cut]).await;
        tokio::task::yield_now().await;
        client.send(&[&PREFACE[cut..], &settings(&[]), &get(1)].concat()).await;
        assert_eq!(client.response(1).await, (200, b"word".to_vec()), "cut at {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_preface_ends_the_connection_rfc9113_3_4() {
    for wrong in [
        &b"INVALID CONNECTION PREFACE\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX",
        b"PRI / HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut client = Client::begin(Config::default());
        client.send(wrong).await;
        let mut answer = Vec::new();
        client.io.read_to_end(&mut answer).await.expect("in memory");
        let text = String::from_utf8_lossy(&answer);
        assert!(
            text.starts_with("HTTP/1.1 4") || text.starts_with("HTTP/1.1 505"),
            "{text}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn requests_of_http_1_are_still_served_whatever_they_begin_with() {
    for method in ["P", "PR", "PRI", "POST", "PATCH", "PRX"] {
        let mut client = Client::begin(Config::default());
        let request = format!("{method} / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        client.send(request.as_bytes()).await;
        let mut answer = String::new();
        client.io.read_to_string(&mut answer).await.expect("text");
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{method}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_preface_behind_a_request_is_no_preface_rfc9113_3_3() {
    let mut client = Client::begin(Config::default());
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    client.send(PREFACE).await;
    let mut answer = Vec::new();
    client.io.read_to_end(&mut answer).await.expect("in memory");
    let text = String::from_utf8_lossy(&answer);
    assert!(
        text.starts_with("HTTP/1.1 200") && text.contains("HTTP/1.1 400"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_first_frame_of_a_client_is_settings_rfc9113_3_4() {
    for first in [ping(b"12345678"), get(1), frame(kind::SETTINGS, flag::ACK, 0, b"")] {
        let mut client = Client::begin(Config::default());
        client.send(&[PREFACE, &first].concat()).await;
        assert_eq!(client.goaway().await, Some(code::PROTOCOL_ERROR), "{first:x?}");
    }
}

#[tokio::test(start_paused = true)]
async fn frame_format_rfc9113_4_1() {
    let mut reserved = ping(b"12345678");
    reserved[5] |= 0x80;
    run(vec![
        case(
            "4.1 a frame of an unknown kind",
            frame(0x16, 0, 0, b"unknown!"),
            Outcome::Alive,
        ),
        case(
            "4.1 of an unknown kind on an idle stream",
            frame(0x16, 0xff, 77, b"u"),
            Outcome::Alive,
        ),
        case(
            "4.1 flags that are not defined",
            frame(kind::PING, 0x16, 0, b"12345678"),
            Outcome::Payload(kind::PING, b"12345678".to_vec()),
        ),
        case(
            "4.1 the reserved bit",
            reserved,
            Outcome::Payload(kind::PING, b"12345678".to_vec()),
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn frame_size_rfc9113_4_2() {
    let head = headers(1, 0, hpack::POST_ECHO);
    let full = vec![0; 16_384];
    let over = vec![0; 16_385];
    run(vec![
        case(
            "4.2 DATA of 2^14 bytes",
            all([head.clone(), data(1, flag::END_STREAM, &full)]),
            Outcome::Status(1, 200),
        ),
        case(
            "4.2 DATA above the limit",
            all([head.clone(), data(1, flag::END_STREAM, &over)]),
            SIZE,
        ),
        case("4.2 HEADERS above the limit", headers(1, flag::END_STREAM, &over), SIZE),
        case("4.2 an unknown kind above the limit", frame(0x16, 0, 0, &over), SIZE),
        case(
            "4.2 SETTINGS above the limit",
            frame(kind::SETTINGS, 0, 0, &vec![0; 16_386]),
            SIZE,
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn field_blocks_over_frames_rfc9113_4_3() {
    let begun = frame(kind::HEADERS, flag::END_STREAM, 1, hpack::GET);
    let priority = frame(kind::PRIORITY, 0, 1, &[0, 0, 0, 0, 15]);
    run(vec![
        case(
            "4.3 a field block that can't be decoded",
            headers(1, flag::END_STREAM, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
            Outcome::ConnectionError(code::COMPRESSION_ERROR),
        ),
        case(
            "4.3 PRIORITY in the middle of a field block",
            all([begun.clone(), priority]),
            PROTOCOL,
        ),
        case(
            "4.3 HEADERS of another stream in the middle",
            all([begun.clone(), get(3)]),
            PROTOCOL,
        ),
        case(
            "4.3 an unknown kind in the middle",
            all([begun.clone(), frame(0x16, 0, 1, b"")]),
            PROTOCOL,
        ),
        case("4.3 PING in the middle", all([begun, ping(b"12345678")]), PROTOCOL),
    ])
    .await;
}
