//! A response that is sent while it is made: a report line by line, at the pace of its reader. One that leaves stops the
//! work.
//!
//! Run it: `cargo run -p example-streaming-response`, or on another port: `PORT=3000 cargo run -p example-streaming-response`.
//!
//! ```text
//! curl -N localhost:8080/report
//! ```

use std::convert::Infallible;
use std::time::Duration;

use futures::stream::{StreamExt, iter};
use hyperlane::{Body, Context, Error, Response, SendError, Server, ServerConfig};
use tokio::time::sleep;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let server = app();
    server.config(ServerConfig::new().port(port));
    let handle = server.run().await?;
    println!("listening on http://{}", handle.local_addr());
    handle.wait().await;
    Ok(())
}

fn app() -> Server {
    let server = Server::new();
    server.get("/report", report).get("/zeros", zeros);
    server
}

/// Sends pieces by hand.
async fn report(ctx: Context) -> Result<(), SendError> {
    ctx.set_response_header("content-type", "text/csv");
    ctx.send_piece("day,visits\n").await?;
    for day in 1..=30 {
        let visits = count_visits(day).await;
        // It waits for the reader, and fails once there is none.
        ctx.send_piece(format!("{day},{visits}\n")).await?;
    }
    ctx.closed().await
}

async fn count_visits(day: u32) -> u32 {
    sleep(Duration::from_millis(200)).await;
    day * 17 % 23
}

/// Sends whatever a stream yields.
async fn zeros() -> Response {
    let pieces = iter(0..1024).map(|_| Ok::<_, Infallible>(vec![b'0'; 1024]));
    Response::new(Body::stream(pieces)).with_header("content-type", "application/octet-stream")
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn lines_arrive_as_they_are_made() {
        let response = TestClient::new(app()).get("/report").await;
        response.assert_header("content-type", "text/csv");
        let start = Instant::now();
        assert_eq!(response.chunk().await.as_deref(), Some(&b"day,visits\n"[..]));
        assert_eq!(response.chunk().await.as_deref(), Some(&b"1,17\n"[..]));
        assert_eq!(start.elapsed().as_millis(), 200);
        assert_eq!(response.text().await.lines().count(), 29);
        assert_eq!(start.elapsed().as_secs(), 6);
    }

    #[tokio::test]
    async fn a_stream_is_sent_whole() {
        let response = TestClient::new(app()).get("/zeros").await;
        assert_eq!(response.bytes().await.len(), 1 << 20);
    }
}
