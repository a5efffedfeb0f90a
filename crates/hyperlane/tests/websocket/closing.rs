//! The closing handshake (RFC 6455 §7).

use std::sync::Arc;
use std::time::Duration;

use hyperlane::testing::TestClient;
use hyperlane::websocket::{CloseFrame, Message, WebSocketUpgrade};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::raw::{client, closes_with, echo_server, frame, open, read_frame};

#[tokio::test]
async fn section_5_5_1_a_close_comes_back_with_its_code_and_the_server_ends_the_connection() {
    for (payload, code) in [
        (&b"\x03\xe8bye"[..], Some(1000_u16)),
        (b"\x0f\xa0", Some(4000)),
        (b"", None),
    ] {
        let mut connection = open(&TestClient::new(echo_server()), "").await;
        connection.write_all(&frame(0x88, payload)).await.unwrap();
        let (first, answer) = read_frame(&mut connection).await.unwrap();
        assert_eq!(first, 0x88);
        assert_eq!(answer, code.map(|code| code.to_be_bytes().to_vec()).unwrap_or_default());
        assert_eq!(connection.read(&mut [0]).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn the_application_sees_the_peers_close_as_the_last_message() {
    let seen = Arc::new(Notify::new());
    let told = Arc::clone(&seen);
    let client = client(move |upgrade: WebSocketUpgrade| {
        let seen = Arc::clone(&told);
        async move {
            upgrade.on_upgrade(async move |mut socket| {
                assert_eq!(socket.recv().await.unwrap().unwrap(), Message::from("x"));
                let close = socket.recv().await.unwrap().unwrap();
                assert_eq!(close, Message::Close(Some(CloseFrame::new(4001, "enough"))));
                assert!(socket.recv().await.is_none() && socket.recv().await.is_none());
                assert!(socket.send("y").await.unwrap_err().is_closed());
                seen.notify_one();
            })
        }
    });
    let mut socket = client.websocket("/ws").await;
    socket.send("x").await;
    socket.close(4001, "enough").await;
    seen.notified().await;
}

#[tokio::test]
async fn closing_waits_for_the_peer_and_throws_away_what_it_still_sends() {
    let client = client(async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |socket| {
            let (sender, receiver) = socket.split();
            drop(receiver);
            sender.close(4002, "bye").unwrap();
            assert!(sender.close(4002, "bye").unwrap_err().is_closed());
            sender.closed().await;
        })
    });
    let mut connection = open(&client, "").await;
    assert_eq!(
        read_frame(&mut connection).await.unwrap(),
        (0x88, b"\x0f\xa2bye".to_vec())
    );
    for _ in 0..100 {
        connection.write_all(&frame(0x82, &[0; 5000])).await.unwrap();
    }
    connection.write_all(&frame(0x88, b"\x0f\xa2")).await.unwrap();
    assert_eq!(connection.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_agrees_to_the_end_is_left_after_the_time_out() {
    let client = client(async |upgrade: WebSocketUpgrade| {
        upgrade
            .close_timeout(Duration::from_secs(3))
            .on_upgrade(async |socket| {
                let began = Instant::now();
                socket.close(1000, "").await.unwrap();
                assert_eq!(began.elapsed().as_secs(), 3);
            })
    });
    let began = Instant::now();
    let mut connection = open(&client, "").await;
    assert_eq!(closes_with(&mut connection).await, 1000);
    assert_eq!(began.elapsed().as_secs(), 3);
}

#[tokio::test]
async fn a_close_must_have_a_code_and_a_reason_that_may_be_sent() {
    let client = client(async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |socket| {
            let (sender, _receiver) = socket.split();
            for code in [0, 999, 1004, 1005, 1006, 1015, 2000, 5000] {
                assert!(sender.close(code, "").is_err(), "{code}");
            }
            assert!(sender.close(1000, &"x".repeat(124)).is_err());
            sender.close(1000, &"x".repeat(123)).unwrap();
        })
    });
    let mut socket = client.websocket("/ws").await;
    assert_eq!(socket.closed().await.unwrap().reason.len(), 123);
    assert_eq!(socket.recv().await, None);
}

#[tokio::test]
async fn a_handler_that_ends_closes_normally() {
    let client = client(async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |mut socket| socket.send("all").await.unwrap())
    });
    let mut socket = client.websocket("/ws").await;
    assert_eq!(socket.text().await, "all");
    assert_eq!(socket.closed().await.unwrap().code, 1000);
}

#[tokio::test]
async fn a_handler_that_panics_closes_with_1011() {
    let client = client(async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |mut socket| {
            socket.recv().await;
            panic!("on purpose");
        })
    });
    let mut socket = client.websocket("/ws").await;
    socket.send("x").await;
    assert_eq!(socket.closed().await.unwrap().code, 1011);
}

#[tokio::test]
async fn section_7_1_7_a_peer_that_breaks_the_protocol_is_told_by_the_code() {
    let reserved = frame(0x83, b"");
    let not_text = frame(0x81, b"\xff");
    let unmasked = b"\x81\x02hi".to_vec();
    let too_large = b"\x82\xff\x00\x00\x00\x00\x00\x10\x00\x01abcd".to_vec();
    for (bytes, code) in [(reserved, 1002), (not_text, 1007), (unmasked, 1002), (too_large, 1009)] {
        let mut connection = open(&TestClient::new(echo_server()), "").await;
        connection.write_all(&bytes).await.unwrap();
        // What follows is not looked at, and does not reset the connection.
        connection.write_all(&frame(0x81, &[b'x'; 10_000])).await.unwrap();
        let (first, payload) = read_frame(&mut connection).await.unwrap();
        assert_eq!((first, u16::from_be_bytes([payload[0], payload[1]])), (0x88, code));
        assert!(payload.len() > 2, "with the reason");
        connection.shutdown().await.unwrap();
        assert_eq!(connection.read(&mut [0]).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn an_end_without_a_close_is_an_error() {
    let seen = Arc::new(Notify::new());
    let told = Arc::clone(&seen);
    let client = client(move |upgrade: WebSocketUpgrade| {
        let seen = Arc::clone(&told);
        async move {
            upgrade.on_upgrade(async move |mut socket| {
                let error = socket.recv().await.unwrap().unwrap_err();
                assert!(error.is_disconnect() && !error.is_timeout());
                assert!(socket.recv().await.is_none());
                seen.notify_one();
            })
        }
    });
    let mut connection = open(&client, "").await;
    connection.shutdown().await.unwrap();
    seen.notified().await;
    let connection = open(&client, "").await;
    drop(connection);
    seen.notified().await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_peer_receives_all_that_stands_before_the_close() {
    let server = hyperlane::Server::new();
    server.get("/ws", async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |mut socket| socket.send(vec![7; 20_000]).await.unwrap())
    });
    let mut connection = open(&TestClient::new(server).transport_buffer(1000), "").await;
    // It takes 20 s, four times as long as the answer to a close may.
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        connection.read_exact(&mut [0; 1000]).await.unwrap();
    }
    connection.read_exact(&mut [0; 4]).await.unwrap();
    assert_eq!(closes_with(&mut connection).await, 1000);
}
