//! Limits and time-outs. All of them hold by default; here each is set, and the tests show what a client meets.
//!
//! Run it: `cargo run -p example-timeouts-and-limits`, or on another port: `PORT=3000 cargo run -p example-timeouts-and-limits`.

use std::time::Duration;

use hyperlane::{Bytes, Error, Route, Server, ServerConfig};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let config = config();
    config.port(port);
    let server = app();
    server.config(&config);
    let handle = server.run().await?;
    println!("listening on http://{}", handle.local_addr());
    handle.wait().await;
    Ok(())
}

fn config() -> ServerConfig {
    let config = ServerConfig::new();
    config
        // How much a client may send.
        .request_line_limit(1024)
        .head_limit(4096)
        .header_count_limit(20)
        .body_limit(1000)
        // How long it may take to.
        .head_timeout(Duration::from_secs(5))
        .idle_timeout(Duration::from_secs(15))
        .body_timeout(Duration::from_secs(5))
        .write_timeout(Duration::from_secs(10))
        // How long a handler may take to begin its answer.
        .handler_timeout(Duration::from_secs(3))
        // How many clients there may be at once.
        .max_connections(1000);
    config
}

fn app() -> Server {
    let server = Server::new();
    server
        .get("/", async || "quick")
        .get("/slow", async || tokio::time::sleep(Duration::from_secs(60)).await)
        .post("/small", size)
        .post("/large", Route::new(size).body_limit(100_000));
    server
}

async fn size(body: Bytes) -> String {
    format!("{} bytes", body.len())
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::Instant;

    use super::*;

    fn client() -> TestClient {
        let server = app();
        server.config(config());
        TestClient::new(server)
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused_by_name() {
        let client = client();
        client.post("/small").body(vec![0; 1001]).await.assert_status(413);
        client
            .post("/large")
            .body(vec![0; 1001])
            .await
            .assert_text("1001 bytes")
            .await;
        client
            .get("/")
            .header("x-long", "x".repeat(4096))
            .await
            .assert_status(431);
        client.get(&format!("/{}", "x".repeat(1024))).await.assert_status(414);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_handler_is_answered_for() {
        let start = Instant::now();
        client().get("/slow").await.assert_status(503);
        assert_eq!(start.elapsed().as_secs(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_client_is_told_and_a_silent_one_is_not() {
        for (sent, answer, seconds) in [("GET / HT", "HTTP/1.1 408 ", 5), ("", "", 15)] {
            let start = Instant::now();
            let mut connection = client().connect();
            connection.write_all(sent.as_bytes()).await.expect("it listens");
            let mut received = String::new();
            connection
                .read_to_string(&mut received)
                .await
                .expect("it is closed in good order");
            assert!(
                received.starts_with(answer) && received.is_empty() == answer.is_empty(),
                "{received}"
            );
            assert_eq!(start.elapsed().as_secs(), seconds);
        }
    }
}
