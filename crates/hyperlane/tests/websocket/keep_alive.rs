//! Peers that are silent, slow or gone.

use std::sync::Arc;
use std::time::Duration;

use hyperlane::testing::TestClient;
use hyperlane::websocket::WebSocketUpgrade;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::raw::{client, echo_server, frame, open, read_frame};

/// A client, and what the application's `recv` gave after its first message or at once.
fn outcome_client(
    change: fn(WebSocketUpgrade) -> WebSocketUpgrade,
) -> (TestClient, mpsc::UnboundedReceiver<(String, bool, Duration)>) {
    let (told, outcomes) = mpsc::unbounded_channel();
    let told = Arc::new(told);
    let client = client(move |upgrade: WebSocketUpgrade| {
        let told = Arc::clone(&told);
        async move {
            change(upgrade).on_upgrade(async move |mut socket| {
                let began = Instant::now();
                let outcome = loop {
                    match socket.recv().await {
                        Some(Ok(_)) => {}
                        Some(Err(error)) => break (error.to_string(), error.is_timeout(), began.elapsed()),
                        None => break ("end".to_owned(), false, began.elapsed()),
                    }
                };
                let _ = told.send(outcome);
            })
        }
    });
    (client, outcomes)
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_asked_and_given_up() {
    let (client, mut outcomes) = outcome_client(|upgrade| upgrade);
    let mut connection = open(&client, "").await;
    let began = Instant::now();
    assert_eq!(read_frame(&mut connection).await.unwrap(), (0x89, Vec::new()));
    assert_eq!(began.elapsed().as_secs(), 30);
    assert_eq!(connection.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(began.elapsed().as_secs(), 50);
    let (error, is_timeout, after) = outcomes.recv().await.unwrap();
    assert_eq!(
        (error.as_str(), is_timeout),
        ("peer did not answer a ping within 20s", true)
    );
    assert_eq!(after.as_secs(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_or_says_anything_stays() {
    let (client, mut outcomes) =
        outcome_client(|upgrade| upgrade.keep_alive(Duration::from_secs(10), Duration::from_secs(5)));
    let mut connection = open(&client, "").await;
    for answer in [
        frame(0x8a, b""),
        frame(0x8a, b"unasked"),
        frame(0x81, b"text"),
        frame(0x89, b""),
    ] {
        let (first, _) = read_frame(&mut connection).await.unwrap();
        assert_eq!(first, 0x89);
        sleep(Duration::from_secs(4)).await;
        let is_ping = answer[0] == 0x89;
        connection.write_all(&answer).await.unwrap();
        if is_ping {
            assert_eq!(read_frame(&mut connection).await.unwrap().0, 0x8a);
        }
    }
    assert!(outcomes.try_recv().is_err());
    connection.write_all(&frame(0x88, b"")).await.unwrap();
    assert_eq!(outcomes.recv().await.unwrap().0, "end");
}

#[tokio::test(start_paused = true)]
async fn without_it_a_silent_peer_stays_for_ever() {
    let (client, mut outcomes) = outcome_client(WebSocketUpgrade::without_keep_alive);
    let mut connection = open(&client, "").await;
    assert!(
        timeout(Duration::from_secs(1_000_000), connection.read(&mut [0]))
            .await
            .is_err()
    );
    assert!(outcomes.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn an_application_that_takes_nothing_does_not_cost_the_peer_its_connection() {
    let client = client(async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |mut socket| {
            sleep(Duration::from_secs(600)).await;
            let mut bytes = 0;
            while bytes < 1_000_000 {
                bytes += socket.recv().await.unwrap().unwrap().data().map_or(0, <[u8]>::len);
            }
            socket.send("all").await.unwrap();
        })
    });
    // More than is read ahead and fits the pipe: behind it no pong would be seen.
    let mut socket = client.transport_buffer(1024).websocket("/ws").await;
    for _ in 0..100 {
        socket.send(vec![1; 10_000]).await;
    }
    assert_eq!(socket.text().await, "all");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_given_up_and_who_sends_has_waited() {
    let (told, mut sent) = mpsc::unbounded_channel();
    let client = client(move |upgrade: WebSocketUpgrade| {
        let told = told.clone();
        async move {
            upgrade.on_upgrade(async move |mut socket| {
                let began = Instant::now();
                let mut messages = 0;
                let error = loop {
                    match socket.send(vec![0; 1000]).await {
                        Ok(()) => messages += 1,
                        Err(error) => break error,
                    }
                };
                told.send((messages, error.is_closed(), began.elapsed().as_secs()))
                    .unwrap();
                let error = socket.recv().await.unwrap().unwrap_err();
                assert_eq!(error.to_string(), "peer took nothing of what was sent for 30s");
                told.send((0, error.is_timeout(), 0)).unwrap();
            })
        }
    });
    let connection = open(&client.transport_buffer(1024), "").await;
    let (messages, is_closed, after) = sent.recv().await.unwrap();
    assert!(messages < 80, "{messages} KB are kept for a peer that reads nothing");
    assert!(is_closed);
    assert_eq!(after, 30);
    assert_eq!(sent.recv().await.unwrap(), (0, true, 0));
    drop(connection);
}

#[tokio::test(start_paused = true)]
async fn an_echo_waits_for_its_reader_and_loses_nothing() {
    let client = TestClient::new(echo_server()).transport_buffer(1024);
    let (sender, mut receiver) = client.websocket("/ws").await.into_inner().split();
    let sending = tokio::spawn(async move {
        for number in 0..2000_u32 {
            sender.send(number.to_be_bytes().repeat(100)).await.unwrap();
        }
        sender
    });
    sleep(Duration::from_secs(20)).await;
    assert!(!sending.is_finished(), "it waits");
    for number in 0..2000_u32 {
        let message = receiver.recv().await.unwrap().unwrap();
        assert_eq!(message.data().unwrap()[..4], number.to_be_bytes());
    }
    sending.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_half_open_client_that_still_reads_is_told_and_left() {
    let mut connection = open(&TestClient::new(echo_server()), "").await;
    connection.write_all(&frame(0x81, b"last words")).await.unwrap();
    assert_eq!(read_frame(&mut connection).await.unwrap().1, b"last words");
    connection.shutdown().await.unwrap();
    assert_eq!(connection.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_never_ends_is_given_up_with_its_silence() {
    let mut connection = open(&TestClient::new(echo_server()), "").await;
    connection.write_all(&frame(0x81, &[b'x'; 1000])[..500]).await.unwrap();
    let began = Instant::now();
    assert_eq!(read_frame(&mut connection).await.unwrap().0, 0x89);
    assert_eq!(connection.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(began.elapsed().as_secs(), 50);
}

#[tokio::test(start_paused = true)]
async fn closing_does_not_wait_for_a_peer_that_goes_on_talking() {
    let client = client(async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |socket| {
            let _ = socket.close(1000, "").await;
        })
    });
    let connection = open(&client, "").await;
    let (mut reads, mut writes) = tokio::io::split(connection);
    let talking = tokio::spawn(async move {
        while writes.write_all(&frame(0x81, b"blah")).await.is_ok() {
            sleep(Duration::from_millis(100)).await;
        }
    });
    let began = Instant::now();
    let mut rest = Vec::new();
    let _ = reads.read_to_end(&mut rest).await;
    assert!(rest.starts_with(b"\x88\x02\x03\xe8"));
    assert_eq!(began.elapsed().as_secs(), 5);
    talking.await.unwrap();
}
