//! Connections that leave HTTP, through the proxy.

use std::time::Duration;

use hyperlane::{Context, HeaderValue, Response, StatusCode};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::support::{PATIENCE, Raw, Then, ask_raw, client, proxy_server, serve, to};

/// Lines come back louder, and a farewell behind their end.
async fn shout(ctx: Context) -> Response {
    if ctx.header("upgrade") != Some("shout") {
        return Response::from(StatusCode::UPGRADE_REQUIRED).with_header("upgrade", "shout");
    }
    Response::upgrade(HeaderValue::from_static("shout"), async |connection| {
        let mut connection = BufReader::new(connection);
        let mut line = String::new();
        while connection.read_line(&mut line).await.is_ok_and(|n| n > 0) {
            if connection.write_all(line.to_uppercase().as_bytes()).await.is_err() {
                return;
            }
            let _ = connection.flush().await;
            line.clear();
        }
        let _ = connection.write_all(b"BYE\n").await;
        let _ = connection.shutdown().await;
    })
    .with_header("x-accepted", "yes")
}

async fn upstream() -> hyperlane::ServerHandle {
    serve(|server| {
        server.get("/", shout);
    })
    .await
}

#[tokio::test]
async fn an_upgrade_passes_through_with_both_halves_ending_by_themselves() {
    let upstream = upstream().await;
    let client = client(to(upstream.local_addr()));
    let mut connection = client.upgrade("/", "shout").await;
    connection.write_all("hey\ngrüße\n".as_bytes()).await.unwrap();
    connection.shutdown().await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, connection.read_to_string(&mut answer))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(answer, "HEY\nGRÜSSE\nBYE\n");
}

#[tokio::test]
async fn what_follows_the_heads_at_once_is_not_lost() {
    let upstream = Raw::start(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: shout\r\nx-accepted: yes\r\n\r\nwelcome\n",
        Then::Close,
    )
    .await;
    let proxy = proxy_server(to(upstream.addr)).await;
    let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: shout\r\n\r\nearly\n";
    let answer = ask_raw(proxy.local_addr(), request).await;
    assert!(
        answer.starts_with("HTTP/1.1 101 ") && answer.ends_with("\r\n\r\nwelcome\n"),
        "{answer}"
    );
    assert!(
        answer.contains("upgrade: shout\r\n") && answer.contains("x-accepted: yes\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn what_was_not_offered_is_not_switched_to() {
    for (upgrade, status) in [("shout", 101), ("whisper", 502), ("SHOUT, whisper", 101), ("h2c", 502)] {
        let upstream = Raw::start(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: shout\r\n\r\n",
            Then::Close,
        )
        .await;
        let proxy = proxy_server(to(upstream.addr)).await;
        let request = format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: {upgrade}\r\n\r\n");
        let answer = ask_raw(proxy.local_addr(), request.as_bytes()).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{upgrade}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_request_without_upgrade_is_told_what_is_spoken() {
    let upstream = upstream().await;
    let response = client(to(upstream.local_addr())).get("/").await;
    response.assert_status(426).assert_header("upgrade", "shout");
}

/// Requests in the guise of another version of HTTP would go past the proxy.
#[tokio::test]
async fn an_upgrade_to_http_2_is_not_passed_on() {
    let upstream = Raw::start("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Then::Continue).await;
    let proxy = proxy_server(to(upstream.addr)).await;
    for upgrade in ["h2c", "H2C, h2", "HTTP/2.0"] {
        let request = format!(
            "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade, http2-settings\r\nupgrade: {upgrade}\r\nhttp2-settings: AAMAAABk\r\n\r\n"
        );
        ask_raw(proxy.local_addr(), request.as_bytes()).await;
        let seen = upstream.requests.lock().unwrap().pop().unwrap().to_lowercase();
        assert!(!seen.contains("upgrade") && !seen.contains("http2-settings"), "{seen}");
    }
}

#[tokio::test]
async fn large_traffic_both_ways_at_once_arrives_whole() {
    let upstream = serve(|server| {
        server.get("/", async || {
            Response::upgrade(HeaderValue::from_static("echo"), async |connection| {
                let (mut read, mut write) = tokio::io::split(connection);
                let _ = tokio::io::copy(&mut read, &mut write).await;
                let _ = write.shutdown().await;
            })
        });
    })
    .await;
    let connection = client(to(upstream.local_addr())).upgrade("/", "echo").await;
    let (mut read, mut write) = tokio::io::split(connection);
    let sending = tokio::spawn(async move {
        for n in 0..256_u32 {
            write.write_all(&vec![n as u8; 16 * 1024]).await.unwrap();
        }
        write.shutdown().await.unwrap();
    });
    let mut all = Vec::new();
    timeout(PATIENCE, read.read_to_end(&mut all)).await.unwrap().unwrap();
    sending.await.unwrap();
    assert_eq!(all.len(), 256 * 16 * 1024);
    assert!(
        all.chunks(16 * 1024)
            .enumerate()
            .all(|(n, chunk)| chunk.iter().all(|byte| *byte == n as u8))
    );
}

#[tokio::test]
async fn a_tunnel_ends_with_either_side_with_silence_and_with_the_server() {
    // The client leaves.
    let mut hung = Raw::start(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: shout\r\n\r\n",
        Then::Hang,
    )
    .await;
    let connection = client(to(hung.addr)).upgrade("/", "shout").await;
    drop(connection);
    timeout(PATIENCE, hung.ended.recv())
        .await
        .expect("the upstream's side is closed");

    // Silence.
    let proxy = to(hung.addr).tunnel_idle_timeout(Duration::from_millis(100));
    let mut connection = client(proxy).upgrade("/", "shout").await;
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, connection.read_to_end(&mut rest)).await.unwrap();
    timeout(PATIENCE, hung.ended.recv())
        .await
        .expect("the upstream's side is closed");

    // The server shuts down, and does not wait for its deadline of a minute.
    let upstream = upstream().await;
    let proxy = proxy_server(to(upstream.local_addr())).await;
    let mut stream = TcpStream::connect(proxy.local_addr()).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: shout\r\n\r\n")
        .await
        .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let began = Instant::now();
    timeout(PATIENCE, proxy.shutdown()).await.unwrap();
    assert!(began.elapsed() < PATIENCE);
}

#[tokio::test]
async fn a_websocket_passes_through_with_its_subprotocol_and_its_close() {
    use hyperlane::websocket::WebSocketUpgrade;

    let upstream = serve(|server| {
        server.get("/ws", async |upgrade: WebSocketUpgrade| {
            upgrade.protocols(["chat"]).on_upgrade(async |mut socket| {
                while let Some(Ok(message)) = socket.recv().await {
                    if socket.send(message).await.is_err() {
                        return;
                    }
                }
            })
        });
    })
    .await;
    let client = client(to(upstream.local_addr()));
    let mut socket = client.websocket("/ws").protocol("chat").await;
    assert_eq!(socket.protocol(), Some("chat"));
    for text in ["one", &"long ".repeat(20_000)] {
        socket.send(text).await;
        assert_eq!(timeout(PATIENCE, socket.text()).await.unwrap(), text);
    }
    timeout(PATIENCE, socket.close(1000, "done")).await.unwrap();
}
