//! Peers that mean harm: what they send costs them more than us.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyperlane::testing::TestClient;
use hyperlane::websocket::{Compression, WebSocketUpgrade};
use hyperlane_proto::websocket::Deflater;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};

use super::raw::{HANDSHAKE, client, closes_with, echo, echo_server, frame, open, read_frame, read_head};

const DEFLATE: &str = "sec-websocket-extensions: permessage-deflate\r\n";

fn deflating(max_message: usize) -> TestClient {
    client(move |upgrade: WebSocketUpgrade| async move {
        upgrade
            .max_message_size(max_message)
            .compression(Compression::new())
            .on_upgrade(echo)
    })
}

/// The code that the connection is closed with once `bytes` were sent, however many of them it takes.
async fn refused_with(client: &TestClient, more: &str, bytes: &[u8]) -> u16 {
    let connection = open(client, more).await;
    let (mut reads, mut writes) = tokio::io::split(connection);
    let sending = async {
        let _ = writes.write_all(bytes).await;
        let _ = writes.shutdown().await;
    };
    let receiving = async {
        let mut all = Vec::new();
        let _ = reads.read_to_end(&mut all).await;
        assert_eq!(all[0], 0x88, "{all:?}");
        u16::from_be_bytes([all[2], all[3]])
    };
    tokio::join!(sending, receiving).1
}

#[tokio::test(start_paused = true)]
async fn a_slow_handshake_ends_as_any_slow_head() {
    let client = TestClient::new(echo_server());
    let mut connection = client.connect();
    let began = Instant::now();
    connection.write_all(&HANDSHAKE.as_bytes()[..60]).await.unwrap();
    let head = read_head(&mut connection).await;
    assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn endless_fragments_end_at_their_limits() {
    let client = TestClient::new(echo_server());
    let mut empty = frame(0x01, b"");
    empty.extend(frame(0x00, b"").repeat(20_000));
    assert_eq!(refused_with(&client, "", &empty).await, 1008);
    let mut growing = frame(0x02, b"");
    growing.extend(frame(0x00, &[1; 1000]).repeat(1100));
    assert_eq!(refused_with(&client, "", &growing).await, 1009);
}

#[tokio::test]
async fn a_bomb_is_refused_when_it_reaches_the_limit() {
    let mut bomb = Vec::new();
    assert!(Deflater::new(15, 9, true).deflate(&vec![0; 8 * 1024 * 1024], &mut bomb, true));
    assert_eq!(
        refused_with(&deflating(100_000), DEFLATE, &frame(0xc2, &bomb)).await,
        1009
    );
    let twice = [frame(0x42, &bomb[..5000]), frame(0x80, &bomb[5000..])].concat();
    assert_eq!(refused_with(&deflating(100_000), DEFLATE, &twice).await, 1009);
}

#[tokio::test]
async fn what_is_no_deflate_is_refused() {
    assert_eq!(
        refused_with(&deflating(1000), DEFLATE, &frame(0xc1, b"\xff\xff\xff")).await,
        1007
    );
    // Compressed without having agreed to it.
    let client = TestClient::new(echo_server());
    assert_eq!(
        refused_with(&client, "", &frame(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00")).await,
        1002
    );
}

#[tokio::test]
async fn a_huge_length_takes_no_memory_before_its_bytes_come() {
    let client = client(async |upgrade: WebSocketUpgrade| upgrade.max_message_size(usize::MAX / 4).on_upgrade(echo));
    // A thousand times a gigabyte is announced; were it taken, nobody could.
    let mut connections = Vec::new();
    for _ in 0..1000 {
        let mut connection = open(&client, "").await;
        let head = b"\x82\xff\x00\x00\x00\x00\x40\x00\x00\x00\x00\x00\x00\x00";
        connection.write_all(head).await.unwrap();
        connection.write_all(&[0; 100]).await.unwrap();
        connections.push(connection);
    }
    let mut living = open(&client, "").await;
    living.write_all(&frame(0x81, b"x")).await.unwrap();
    assert_eq!(read_frame(&mut living).await.unwrap().1, b"x");
}

#[tokio::test(start_paused = true)]
async fn answers_to_a_flood_of_pings_do_not_pile_up() {
    let client = TestClient::new(echo_server()).transport_buffer(512);
    let connection = open(&client, "").await;
    let (mut reads, mut writes) = tokio::io::split(connection);
    let pings: u32 = 50_000;
    let flood = tokio::spawn(async move {
        for number in 0..pings {
            if writes.write_all(&frame(0x89, &number.to_be_bytes())).await.is_err() {
                break;
            }
        }
        writes
    });
    // The server reads on although nobody takes its answers.
    let writes = timeout(Duration::from_secs(20), flood).await.unwrap().unwrap();
    let mut answers = Vec::new();
    loop {
        let mut head = [0; 6];
        reads.read_exact(&mut head).await.unwrap();
        assert_eq!(head[..2], [0x8a, 4]);
        answers.push(u32::from_be_bytes([head[2], head[3], head[4], head[5]]));
        if answers.last() == Some(&(pings - 1)) {
            break;
        }
    }
    // 64 KiB of them, and the last (RFC 6455 §5.5.3).
    assert!(answers.len() < 13_000, "{} answers", answers.len());
    assert!(answers.is_sorted());
    drop(writes);
}

#[tokio::test(start_paused = true)]
async fn no_more_is_read_than_the_application_takes() {
    let read = Arc::new(AtomicUsize::new(0));
    let client = client(async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |socket| {
            std::future::pending::<()>().await;
            drop(socket);
        })
    });
    let mut connection = open(&client.transport_buffer(1024), "").await;
    let sent = Arc::clone(&read);
    let sending = async move {
        loop {
            connection.write_all(&frame(0x82, &[0; 1000])).await.unwrap();
            sent.fetch_add(1000, Ordering::Relaxed);
        }
    };
    let _: Result<(), _> = timeout(Duration::from_secs(5), sending).await;
    let read = read.load(Ordering::Relaxed);
    assert!(
        read < 120_000,
        "{read} bytes are kept for an application that takes none"
    );
}

#[tokio::test]
async fn bytes_that_are_no_frames_end_it() {
    let client = TestClient::new(echo_server());
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"\x00\x00\x00",
        b"\xff\xff\xff\xff",
        b"\x16\x03\x01\x00",
    ] {
        let mut connection = open(&client, "").await;
        connection.write_all(bytes).await.unwrap();
        connection.shutdown().await.unwrap();
        assert_eq!(closes_with(&mut connection).await, 1002);
    }
}
