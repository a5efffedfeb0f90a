//! How an application is tested: in memory, through the real engine, without a port, and without waiting. What is tested is
//! a small shop of tickets that are reserved for ten minutes; what to look at is the tests below it.
//!
//! Run the tests: `cargo test -p example-testing`. Run the shop: `cargo run -p example-testing`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyperlane::{Context, Error, Json, PeerAddr, SendError, Server, ServerConfig, State, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

const RESERVED_FOR: Duration = Duration::from_secs(600);

#[derive(Deserialize, Serialize)]
struct Seat {
    number: u32,
}

/// Until when each seat is reserved.
#[derive(Clone, Default)]
struct Seats(Arc<Mutex<HashMap<u32, Instant>>>);

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
    server
        .state(Seats::default())
        .post("/reserve", reserve)
        .get("/countdown", countdown)
        .get("/whoami", async |PeerAddr(addr): PeerAddr| addr.ip().to_string());
    server
}

async fn reserve(State(seats): State<Seats>, Json(seat): Json<Seat>) -> StatusCode {
    let mut seats = seats.0.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    match seats.get(&seat.number) {
        Some(until) if *until > now => StatusCode::CONFLICT,
        _ => {
            seats.insert(seat.number, now + RESERVED_FOR);
            StatusCode::CREATED
        }
    }
}

async fn countdown(ctx: Context) -> Result<(), SendError> {
    for minutes in (1..=10).rev() {
        ctx.send_piece(format!("{minutes}\n")).await?;
        sleep(Duration::from_secs(60)).await;
    }
    ctx.closed().await
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// A request is made, awaited, and looked at. A check that fails shows the response.
    #[tokio::test]
    async fn a_seat_is_reserved_once() {
        let client = TestClient::new(app());
        client
            .post("/reserve")
            .json(&Seat { number: 7 })
            .await
            .assert_status(201);
        client
            .post("/reserve")
            .json(&Seat { number: 7 })
            .await
            .assert_status(409);
        client
            .post("/reserve")
            .json(&Seat { number: 8 })
            .await
            .assert_status(201);
    }

    /// With paused time ten minutes are over at once. Tokio's feature `test-util` has to be on.
    #[tokio::test(start_paused = true)]
    async fn a_seat_is_free_again_after_ten_minutes() {
        let client = TestClient::new(app());
        client
            .post("/reserve")
            .json(&Seat { number: 7 })
            .await
            .assert_status(201);
        sleep(RESERVED_FOR - Duration::from_secs(1)).await;
        client
            .post("/reserve")
            .json(&Seat { number: 7 })
            .await
            .assert_status(409);
        sleep(Duration::from_secs(1)).await;
        client
            .post("/reserve")
            .json(&Seat { number: 7 })
            .await
            .assert_status(201);
    }

    /// A stream is read as it comes. Dropping its response is a client that leaves.
    #[tokio::test(start_paused = true)]
    async fn the_countdown_goes_minute_by_minute() {
        let response = TestClient::new(app()).get("/countdown").await;
        let start = Instant::now();
        assert_eq!(response.chunk().await.as_deref(), Some(&b"10\n"[..]));
        assert_eq!(response.chunk().await.as_deref(), Some(&b"9\n"[..]));
        assert_eq!(start.elapsed().as_secs(), 60);
        drop(response);
    }

    /// The client may come from anywhere.
    #[tokio::test]
    async fn clients_are_known_by_their_addresses() {
        let client = TestClient::new(app()).peer_addr(([203, 0, 113, 9], 4000).into());
        client.get("/whoami").await.assert_text("203.0.113.9").await;
    }

    /// The settings of the server hold, here with bytes that no client would send.
    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_go_on_is_shut_out() {
        let server = app();
        server.config(ServerConfig::new().head_timeout(Duration::from_secs(5)));
        let mut connection = TestClient::new(server).connect();
        connection.write_all(b"GET /whoami HT").await.expect("it listens");
        let mut answer = String::new();
        connection
            .read_to_string(&mut answer)
            .await
            .expect("it is closed in good order");
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
}
