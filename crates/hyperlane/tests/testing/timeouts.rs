//! The engine's time-outs, at once with paused time.

use std::time::Duration;

use hyperlane::testing::TestClient;
use hyperlane::{Body, Bytes, Server, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep};

fn client(config: impl Into<ServerConfig>) -> TestClient {
    let server = Server::new();
    server
        .config(config)
        .get("/", async || "quick")
        .get("/never", async || std::future::pending::<()>().await)
        .post("/", async |body: Bytes| body);
    TestClient::new(server)
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_too_long_is_answered_for() {
    let client = client(ServerConfig::new().handler_timeout(Duration::from_secs(30)));
    let start = Instant::now();
    client.get("/never").await.assert_status(503);
    assert_eq!(start.elapsed().as_secs(), 30);
    client.get("/").await.assert_text("quick").await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_that_the_server_closed_is_replaced() {
    let client = client(ServerConfig::new().idle_timeout(Duration::from_secs(15)));
    for seconds in [0, 14, 16, 3600] {
        sleep(Duration::from_secs(seconds)).await;
        client.get("/").await.assert_text("quick").await;
    }
    let start = Instant::now();
    let mut connection = client.connect();
    assert_eq!(connection.read(&mut [0; 1]).await.unwrap(), 0);
    assert_eq!(start.elapsed().as_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_end_is_answered_408() {
    let client = client(ServerConfig::new().head_timeout(Duration::from_secs(4)));
    let mut connection = client.connect();
    connection.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let start = Instant::now();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(start.elapsed().as_secs(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_answered_408() {
    let client = client(
        ServerConfig::new()
            .body_min_rate(0)
            .body_timeout(Duration::from_secs(7)),
    );
    let never = Body::stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
    let start = Instant::now();
    client.post("/").body(never).await.assert_status(408);
    assert_eq!(start.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_request_can_be_given_up() {
    let client = client(ServerConfig::new());
    let request = tokio::time::timeout(Duration::from_secs(86_400), client.get("/never").send());
    assert!(request.await.is_err());
    client.get("/").await.assert_text("quick").await;
}
