//! Large request bodies over one connection in memory: they arrive whole, whatever path through the engine they take.

use std::pin::Pin;
use std::sync::Arc;

use hyperlane_core::{Body, Bytes, ConnectionInfo, Request, Response, Service};
use hyperlane_server::{Config, serve_transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

/// Sends a request's body back once it has come; what it holds in memory is at most four times its length.
struct Echo;

impl Service for Echo {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(&self, mut request: Request) -> Self::Future {
        Box::pin(async move {
            let mut all = Vec::new();
            while let Some(piece) = request.body_mut().chunk().await {
                let piece = piece.expect("a whole body");
                all.extend_from_slice(&piece);
                let length = piece.len();
                let held = piece.try_into_mut().map_or(length, |piece| piece.capacity());
                assert!(held <= 4 * length + 64, "{held} bytes held for {length}");
            }
            Response::new(Body::from(all))
        })
    }
}

/// A connection that holds `width` bytes on their way.
fn connect(width: usize) -> DuplexStream {
    let (client, server) = duplex(width);
    let info = ConnectionInfo::default();
    tokio::spawn(serve_transport(server, info, Arc::new(Echo), Config::default()));
    client
}

/// Sends `request` and, behind it, one that closes the connection; returns the two answers' bytes.
async fn exchange(width: usize, request: Vec<u8>) -> Vec<u8> {
    let (mut reading, mut writing) = tokio::io::split(connect(width));
    let sent = tokio::spawn(async move {
        writing.write_all(&request).await.expect("the server reads");
        let last = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        writing.write_all(last).await.expect("the server reads");
        writing
    });
    let mut received = Vec::new();
    reading.read_to_end(&mut received).await.expect("in memory");
    sent.await.expect("no panic");
    received
}

fn pattern(length: usize) -> Bytes {
    (0..length).map(|index| (index % 251) as u8).collect()
}

/// Whether `received` is two answers, the first of which has this body.
fn assert_echo(received: &[u8], body: &[u8], what: &str) {
    let length = format!("content-length: {}\r\n", body.len());
    let head_end = received
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("a head");
    let (head, rest) = received.split_at(head_end + 4);
    assert!(
        String::from_utf8_lossy(head).contains(&length),
        "{what}: {}",
        String::from_utf8_lossy(head)
    );
    let (echo, rest) = rest.split_at(body.len());
    assert!(echo == body, "{what}: another body");
    assert!(rest.starts_with(b"HTTP/1.1 200 OK\r\n"), "{what}: no second answer");
}

#[tokio::test]
async fn chunks_of_any_size_arrive_whole_through_any_pipe_rfc9112_7_1() {
    // Small ones come through the connection's buffer, large ones past it.
    for chunk in [1, 100, 16 * 1024 - 1, 16 * 1024, 100_000, 300_000] {
        let body = pattern(chunk.max(1000) * 3 / 2);
        let mut request = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        for data in body.chunks(chunk) {
            request.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
            request.extend_from_slice(data);
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"0\r\n\r\n");
        for width in [7, 4096, 1 << 20] {
            let received = exchange(width, request.clone()).await;
            assert_echo(&received, &body, &format!("chunks of {chunk}, width {width}"));
        }
    }
}

#[tokio::test]
async fn a_body_of_a_known_length_arrives_whole_through_any_pipe_rfc9112_6_3() {
    for length in [1, 8191, 70_000, 1_000_000] {
        let body = pattern(length);
        let mut request = format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n\r\n").into_bytes();
        request.extend_from_slice(&body);
        for width in [100, 4096, 1 << 21] {
            let received = exchange(width, request.clone()).await;
            assert_echo(&received, &body, &format!("length {length}, width {width}"));
        }
    }
}
