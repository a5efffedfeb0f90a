//! The end of the server.

use std::time::Duration;

use hyperlane::websocket::{Message, WebSocketUpgrade};
use hyperlane::{Server, ServerConfig, ServerHandle};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::raw::{HANDSHAKE, echo, frame};

async fn run<F, Fut>(handler: F) -> ServerHandle
where
    F: Fn(WebSocketUpgrade) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = hyperlane::Response> + Send + 'static,
{
    let server = Server::new();
    server.config(ServerConfig::new().port(0).shutdown_deadline(Duration::from_secs(60)));
    server.get("/ws", handler);
    server.run().await.unwrap()
}

async fn connect(server: &ServerHandle) -> TcpStream {
    let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
    stream.write_all(format!("{HANDSHAKE}\r\n").as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "));
    stream
}

/// Reads the close frame of a shutdown.
async fn read_going_away(stream: &mut TcpStream) {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!((head[0], u16::from_be_bytes([head[2], head[3]])), (0x88, 1001));
    let mut reason = vec![0; usize::from(head[1]) - 2];
    stream.read_exact(&mut reason).await.unwrap();
    assert_eq!(reason, b"server shuts down");
}

#[tokio::test]
async fn open_sockets_are_closed_with_1001_and_not_waited_for_beyond() {
    let server = run(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo)).await;
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(connect(&server).await);
    }
    let began = Instant::now();
    let ending = tokio::spawn(async move { server.shutdown().await });
    for socket in &mut sockets {
        read_going_away(socket).await;
        socket.write_all(&frame(0x88, b"\x03\xe9")).await.unwrap();
        assert_eq!(socket.read(&mut [0]).await.unwrap(), 0);
    }
    timeout(Duration::from_secs(20), ending).await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(20), "well before the deadline");
}

#[tokio::test]
async fn the_application_sees_the_end_and_can_finish() {
    let (told, mut ends) = tokio::sync::mpsc::unbounded_channel();
    let server = run(move |upgrade: WebSocketUpgrade| {
        let told = told.clone();
        async move {
            upgrade.on_upgrade(async move |mut socket| {
                let last = socket.recv().await;
                let over = socket.recv().await.is_none();
                told.send((matches!(last, Some(Ok(Message::Close(Some(_))))), over))
                    .unwrap();
            })
        }
    })
    .await;
    let mut socket = connect(&server).await;
    let ending = tokio::spawn(async move { server.shutdown().await });
    read_going_away(&mut socket).await;
    socket.write_all(&frame(0x88, b"\x03\xe9")).await.unwrap();
    assert_eq!(ends.recv().await.unwrap(), (true, true));
    timeout(Duration::from_secs(20), ending).await.unwrap().unwrap();
}

#[tokio::test]
async fn neither_a_deaf_peer_nor_a_deaf_application_holds_the_end_up() {
    let server = run(async |upgrade: WebSocketUpgrade| {
        upgrade
            .close_timeout(Duration::from_millis(200))
            .on_upgrade(async |socket| {
                std::future::pending::<()>().await;
                drop(socket);
            })
    })
    .await;
    let mut socket = connect(&server).await;
    let ending = tokio::spawn(async move { server.shutdown().await });
    read_going_away(&mut socket).await;
    // It never answers; the deadline is a minute away.
    timeout(Duration::from_secs(20), ending).await.unwrap().unwrap();
}
