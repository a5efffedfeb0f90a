//! A client that sends whatever it is told.

use hyperlane::testing::{TestClient, TestConnection};
use hyperlane::websocket::{Compression, WebSocket, WebSocketUpgrade};
use hyperlane::{Response, Server};
use hyperlane_proto::websocket::{OpCode, apply_mask, encode_head};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub(crate) const HANDSHAKE: &str = "GET /ws HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];

/// Sends every message back, and ends with the socket.
pub(crate) async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if message.data().is_some() && socket.send(message).await.is_err() {
            break;
        }
    }
}

/// An application that echoes at `/ws`, uncompressed, and at `/deflate`.
pub(crate) fn echo_server() -> Server {
    let server = Server::new();
    server
        .get("/ws", async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo))
        .get("/deflate", async |upgrade: WebSocketUpgrade| -> Response {
            upgrade.compression(Compression::new()).on_upgrade(echo)
        });
    server
}

/// A client of an application with one socket, at `/ws`.
pub(crate) fn client<F, Fut>(handler: F) -> TestClient
where
    F: Fn(WebSocketUpgrade) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Response> + Send + 'static,
{
    let server = Server::new();
    server.get("/ws", handler);
    TestClient::new(server)
}

/// A connection behind its handshake, with `more` headers.
pub(crate) async fn open(client: &TestClient, more: &str) -> TestConnection {
    let mut connection = client.connect();
    connection
        .write_all(format!("{HANDSHAKE}{more}\r\n").as_bytes())
        .await
        .unwrap();
    let head = read_head(&mut connection).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    connection
}

/// Everything up to the end of a head, in small letters but for the first line.
pub(crate) async fn read_head(connection: &mut TestConnection) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// A masked frame by its first byte and its payload.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_head(&mut bytes, OpCode::Text, false, payload.len(), Some(MASK));
    bytes[0] = first;
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    apply_mask(&mut bytes[start..], MASK, 0);
    bytes
}

/// The first byte and the payload of the next frame that the server sends; `None` at the end.
pub(crate) async fn read_frame(connection: &mut TestConnection) -> Option<(u8, Vec<u8>)> {
    let first = connection.read_u8().await.ok()?;
    let length = match connection.read_u8().await.unwrap() {
        126 => usize::from(connection.read_u16().await.unwrap()),
        127 => connection.read_u64().await.unwrap() as usize,
        short => {
            assert!(short < 126, "a server does not mask");
            usize::from(short)
        }
    };
    let mut payload = vec![0; length];
    connection.read_exact(&mut payload).await.unwrap();
    Some((first, payload))
}

/// The code of the close frame that comes next, and that the connection ends behind it.
pub(crate) async fn closes_with(connection: &mut TestConnection) -> u16 {
    let (first, payload) = read_frame(connection).await.expect("it closes with a frame");
    assert_eq!(first, 0x88, "{payload:?}");
    assert_eq!(connection.read(&mut [0]).await.unwrap(), 0, "the connection ends");
    u16::from_be_bytes([payload[0], payload[1]])
}
