//! One answer out of several slow sources. They are asked at once, each has a time limit, and what does not come in time
//! is left out of the answer, and named there.
//!
//! Run it: `cargo run -p example-parallel-sources`, or on another port: `PORT=3000 cargo run -p example-parallel-sources`.

use std::time::Duration;

use futures::future::join_all;
use hyperlane::{Error, Json, Path, Server, ServerConfig, StatusCode};
use serde::Serialize;
use tokio::time::{sleep, timeout};

const LIMIT: Duration = Duration::from_millis(800);

#[derive(Serialize)]
struct Price {
    shop: &'static str,
    cents: u32,
}

#[derive(Serialize)]
struct Answer {
    prices: Vec<Price>,
    missing: Vec<&'static str>,
}

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
    server.get("/prices/{item}", prices);
    server
}

async fn prices(Path(item): Path<String>) -> Result<Json<Answer>, (StatusCode, &'static str)> {
    let ask = async |shop| (shop, timeout(LIMIT, price(shop, &item)).await);
    let mut answer = Answer {
        prices: Vec::new(),
        missing: Vec::new(),
    };
    for (shop, result) in join_all(["corner", "market", "faraway"].map(ask)).await {
        match result {
            Ok(Some(cents)) => answer.prices.push(Price { shop, cents }),
            Ok(None) | Err(_) => answer.missing.push(shop),
        }
    }
    if answer.prices.is_empty() {
        return Err((StatusCode::BAD_GATEWAY, "no shop answers"));
    }
    answer.prices.sort_by_key(|price| price.cents);
    Ok(Json(answer))
}

/// Stands for a request to another service.
async fn price(shop: &str, item: &str) -> Option<u32> {
    let (millis, cents) = match shop {
        "corner" => (100, 250),
        "market" => (500, 190),
        _ => (5000, 120),
    };
    sleep(Duration::from_millis(millis)).await;
    (item == "bread").then_some(cents)
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;
    use serde_json::json;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_answer_takes_no_longer_than_the_limit_of_one() {
        let start = Instant::now();
        let response = TestClient::new(app()).get("/prices/bread").await;
        assert_eq!(start.elapsed(), LIMIT);
        let prices = json!([{ "shop": "market", "cents": 190 }, { "shop": "corner", "cents": 250 }]);
        response
            .assert_json(json!({ "prices": prices, "missing": ["faraway"] }))
            .await;
    }

    #[tokio::test(start_paused = true)]
    async fn without_any_source_there_is_no_answer() {
        TestClient::new(app()).get("/prices/gold").await.assert_status(502);
    }
}
