//! What is sent and received (RFC 6455 §5 and §6).

use futures::{SinkExt, StreamExt};
use hyperlane::Bytes;
use hyperlane::testing::TestClient;
use hyperlane::websocket::{Message, WebSocketUpgrade};
use tokio::io::AsyncWriteExt;

use super::raw::{client, echo, echo_server, frame, open, read_frame};

#[tokio::test]
async fn text_and_bytes_come_back() {
    let mut socket = TestClient::new(echo_server()).websocket("/ws").await;
    socket.send("hello").await;
    assert_eq!(socket.text().await, "hello");
    for length in [0, 1, 125, 126, 65_535, 65_536, 1024 * 1024] {
        let data = Bytes::from(vec![length as u8; length]);
        socket.send(data.clone()).await;
        assert_eq!(socket.binary().await, data);
    }
    socket.close(1000, "").await;
}

#[tokio::test]
async fn messages_are_compressed_where_both_want_it() {
    let client = TestClient::new(echo_server());
    for (target, compressed, agreed) in [
        (
            "/deflate",
            true,
            Some("permessage-deflate; server_no_context_takeover; client_no_context_takeover"),
        ),
        ("/deflate", false, None),
        ("/ws", true, None),
    ] {
        let request = client.websocket(target);
        let request = if compressed { request.compressed() } else { request };
        let mut socket = request.await;
        let header = socket.headers().get("sec-websocket-extensions");
        assert_eq!(header.map(|value| value.to_str().unwrap()), agreed);
        for text in ["short", &"long ".repeat(10_000)] {
            socket.send(text).await;
            assert_eq!(socket.text().await, *text);
        }
    }
}

#[tokio::test]
async fn a_compressed_answer_is_shorter_than_its_message() {
    let client = client(async |upgrade: WebSocketUpgrade| {
        let compression = hyperlane::websocket::Compression::new();
        upgrade.compression(compression).on_upgrade(echo)
    });
    let mut connection = open(&client, "sec-websocket-extensions: permessage-deflate\r\n").await;
    connection.write_all(&frame(0x81, &[b'a'; 1000])).await.unwrap();
    let (first, payload) = read_frame(&mut connection).await.unwrap();
    assert_eq!(first, 0xc1);
    assert!(payload.len() < 50, "{} bytes", payload.len());
    connection.write_all(&frame(0x81, b"short")).await.unwrap();
    assert_eq!(read_frame(&mut connection).await.unwrap(), (0x81, b"short".to_vec()));
}

#[tokio::test]
async fn json_is_read_and_written_and_a_mistake_does_not_end_the_socket() {
    let client = client(async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |mut socket| {
            while let Some(numbers) = socket.recv_json::<Vec<u32>>().await {
                let _ = match numbers {
                    Ok(numbers) => socket.send_json(&numbers.len()).await,
                    Err(error) if error.is_json() => socket.send(error.to_string()).await,
                    Err(_) => break,
                };
            }
        })
    });
    let mut socket = client.websocket("/ws").await;
    socket.send_json(&[1, 2, 3]).await;
    assert_eq!(socket.json::<usize>().await, 3);
    socket.send("[1, true]").await;
    assert!(
        socket
            .text()
            .await
            .starts_with("message is not the json that it should be: ")
    );
    socket.send(Bytes::from_static(b"[7]")).await;
    assert_eq!(socket.json::<usize>().await, 1);
    socket.close(1000, "").await;
}

#[tokio::test]
async fn it_is_a_stream_and_a_sink() {
    let client = client(async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |socket| {
            let (sink, stream) = StreamExt::split(socket);
            let data = stream.filter_map(async |message| {
                let message = message.ok()?;
                message.data().is_some().then_some(Ok(message))
            });
            let _ = data.forward(sink).await;
        })
    });
    let mut socket = client.websocket("/ws").await.into_inner();
    SinkExt::send(&mut socket, Message::from("one")).await.unwrap();
    SinkExt::feed(&mut socket, Message::from("two")).await.unwrap();
    SinkExt::flush(&mut socket).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::from("one"));
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::from("two"));
    SinkExt::close(&mut socket).await.unwrap();
}

#[tokio::test]
async fn section_5_4_fragments_become_one_message_and_pings_between_are_answered() {
    let mut connection = open(&TestClient::new(echo_server()), "").await;
    for (first, payload) in [(0x01, &b"a"[..]), (0x89, b"ping"), (0x00, b"b"), (0x80, b"c")] {
        connection.write_all(&frame(first, payload)).await.unwrap();
    }
    assert_eq!(read_frame(&mut connection).await.unwrap(), (0x8a, b"ping".to_vec()));
    assert_eq!(read_frame(&mut connection).await.unwrap(), (0x81, b"abc".to_vec()));
}

#[tokio::test]
async fn what_comes_with_the_handshake_is_not_lost() {
    let client = TestClient::new(echo_server());
    let mut connection = client.connect();
    let mut bytes = format!("{}\r\n", super::raw::HANDSHAKE).into_bytes();
    bytes.extend(frame(0x81, b"early"));
    connection.write_all(&bytes).await.unwrap();
    super::raw::read_head(&mut connection).await;
    assert_eq!(read_frame(&mut connection).await.unwrap(), (0x81, b"early".to_vec()));
}

#[tokio::test]
async fn many_small_messages_go_out_in_few_writes() {
    // The pipe holds them all, so that one read of it shows what was written at once.
    let client = client(async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |mut socket| {
            for number in 0..100 {
                socket.send(number.to_string()).await.unwrap();
            }
            socket.recv().await;
        })
    });
    let mut connection = open(&client, "").await;
    let mut buffer = [0; 4096];
    let n = tokio::io::AsyncReadExt::read(&mut connection, &mut buffer)
        .await
        .unwrap();
    assert_eq!(n, 10 * 3 + 90 * 4);
}

#[tokio::test]
async fn pings_are_answered_while_the_application_only_sends() {
    let client = client(async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |socket| {
            std::future::pending::<()>().await;
            drop(socket);
        })
    });
    let mut connection = open(&client, "").await;
    for number in 0..10_u8 {
        connection.write_all(&frame(0x89, &[number])).await.unwrap();
        assert_eq!(read_frame(&mut connection).await.unwrap(), (0x8a, vec![number]));
    }
}

#[tokio::test]
async fn a_control_frame_of_ones_own_must_fit() {
    let client = client(async |upgrade: WebSocketUpgrade| {
        upgrade.on_upgrade(async |mut socket| {
            let error = socket.send(Message::Ping(vec![0; 126].into())).await.unwrap_err();
            socket.send(error.to_string()).await.unwrap();
            socket.send(Message::Ping(vec![7; 125].into())).await.unwrap();
            socket.send(Message::Pong(Bytes::new())).await.unwrap();
        })
    });
    let mut connection = open(&client, "").await;
    let (_, error) = read_frame(&mut connection).await.unwrap();
    assert!(String::from_utf8(error).unwrap().contains("at most 125 bytes"));
    assert_eq!(read_frame(&mut connection).await.unwrap(), (0x89, vec![7; 125]));
    assert_eq!(read_frame(&mut connection).await.unwrap(), (0x8a, Vec::new()));
}
