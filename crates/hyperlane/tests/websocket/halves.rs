//! Sending and receiving in several tasks.

use hyperlane::testing::TestClient;
use hyperlane::websocket::{Message, WebSocketUpgrade};
use tokio::io::AsyncWriteExt;

use super::raw::{client, frame, open, read_frame};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_halves_work_in_two_tasks() {
    let client = client(async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |socket| {
            let (sender, mut receiver) = socket.split();
            let (queue, mut queued) = tokio::sync::mpsc::channel(1);
            // Both outlive the handler's function, and the socket stays open for them.
            tokio::spawn(async move {
                while let Some(Ok(message)) = receiver.recv().await {
                    if queue.send(message).await.is_err() {
                        break;
                    }
                }
            });
            tokio::spawn(async move {
                while let Some(message) = queued.recv().await {
                    if sender.send(message).await.is_err() {
                        break;
                    }
                }
            });
        })
    });
    let mut socket = client.websocket("/ws").await;
    for number in 0..1000 {
        socket.send(format!("message {number}")).await;
        if number % 10 == 9 {
            for number in number - 9..=number {
                assert_eq!(socket.text().await, format!("message {number}"));
            }
        }
    }
    socket.close(1000, "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_messages_go_both_ways_at_once() {
    let server = hyperlane::Server::new();
    server.get("/ws", async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |socket| {
            let (sender, mut receiver) = socket.split();
            let sending = tokio::spawn(async move {
                for _ in 0..20 {
                    sender.send(vec![7; 1_000_000]).await.unwrap();
                }
            });
            for _ in 0..20 {
                let message = receiver.recv().await.unwrap().unwrap();
                assert_eq!(message.data().map(<[u8]>::len), Some(1_000_000));
            }
            sending.await.unwrap();
        })
    });
    let (sender, mut receiver) = TestClient::new(server).websocket("/ws").await.into_inner().split();
    let sending = tokio::spawn(async move {
        for _ in 0..20 {
            sender.send(vec![9; 1_000_000]).await.unwrap();
        }
        sender
    });
    for _ in 0..20 {
        let message = receiver.recv().await.unwrap().unwrap();
        assert!(message.data().unwrap().iter().all(|byte| *byte == 7));
    }
    sending.await.unwrap();
    assert!(matches!(receiver.recv().await, Some(Ok(Message::Close(_)))));
}

#[tokio::test]
async fn many_tasks_send_through_clones_of_the_sender() {
    let client = client(async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |socket| {
            let (sender, receiver) = socket.split();
            let tasks: Vec<_> = (0..8)
                .map(|task| {
                    let sender = sender.clone();
                    tokio::spawn(async move {
                        for number in 0..100_u32 {
                            sender.send_json(&(task, number)).await.unwrap();
                        }
                    })
                })
                .collect();
            drop((sender, receiver));
            for task in tasks {
                task.await.unwrap();
            }
        })
    });
    let mut socket = client.websocket("/ws").await;
    let mut next = [0_u32; 8];
    for _ in 0..800 {
        let (task, number): (usize, u32) = socket.json().await;
        assert_eq!(number, next[task], "in the order of their sender");
        next[task] += 1;
    }
    assert_eq!(socket.closed().await.unwrap().code, 1000);
}

#[tokio::test]
async fn without_a_receiver_messages_are_thrown_away_and_pings_answered() {
    let client = client(async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |socket| {
            let (sender, receiver) = socket.split();
            drop(receiver);
            sender.closed().await;
        })
    });
    let mut connection = open(&client, "").await;
    for _ in 0..100 {
        connection.write_all(&frame(0x82, &[1; 50_000])).await.unwrap();
    }
    connection.write_all(&frame(0x89, b"still there?")).await.unwrap();
    assert_eq!(
        read_frame(&mut connection).await.unwrap(),
        (0x8a, b"still there?".to_vec())
    );
}

#[tokio::test]
async fn a_dropped_socket_is_closed_although_its_function_goes_on() {
    let client = client(async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |socket| {
            drop(socket);
            std::future::pending::<()>().await;
        })
    });
    let mut socket = client.websocket("/ws").await;
    assert_eq!(socket.closed().await.unwrap().code, 1000);
}
