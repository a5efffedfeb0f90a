//! A dashboard out of three sources. Each has its own time-out, retry, breaker, cache or fallback; none fails the whole.
//! `/dashboard` is one report, `/tiles` sends each part as soon as it is there.
//!
//! Run it: `cargo run -p example-aggregation`, or on another port: `PORT=3000 cargo run -p example-aggregation`.
//! Then `curl localhost:8080/dashboard` and `curl -N localhost:8080/tiles`.

use std::io;
use std::time::Duration;

use futures::StreamExt;
use hyperlane::sse::{Event, Sse};
use hyperlane::{Context, Error, Server, ServerConfig, State};
use hyperlane_aggregate::{Aggregate, Breaker, Cache, Report, Retry, Source};
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
    let cache = Cache::fresh_for(Duration::from_secs(5)).stale_if_error(Duration::from_secs(600));
    let orders = Source::new("orders", count_orders).cache(cache);
    let weather = Source::new("weather", ask_weather)
        .timeout(Duration::from_millis(300))
        .retry(Retry::new().attempts(2))
        .breaker(Breaker::new())
        .fallback(|_| "as always".to_owned());
    let motto = Source::new("motto", read_motto);
    let sources = Aggregate::new().source(orders).source(weather).source(motto);

    let server = Server::new();
    server
        .state(sources.within(Duration::from_secs(1)).required("orders"))
        .get("/dashboard", dashboard)
        .get("/tiles", tiles);
    server
}

async fn dashboard(ctx: Context, State(sources): State<Aggregate>) -> Report {
    sources.run(&ctx).await
}

async fn tiles(ctx: Context, State(sources): State<Aggregate>) -> Sse {
    let parts = sources.stream(&ctx);
    Sse::new(parts.map(|part| Event::json(&part).map(|event| event.with_name(part.name()))))
}

/// Stands for a query.
async fn count_orders() -> Result<u64, io::Error> {
    sleep(Duration::from_millis(50)).await;
    Ok(42)
}

/// Stands for a service that is down and does not say so.
async fn ask_weather() -> Result<String, io::Error> {
    std::future::pending().await
}

async fn read_motto() -> Result<String, io::Error> {
    tokio::fs::read_to_string("motto.txt").await
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;
    use serde_json::Value;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_there_is_told_and_what_is_not_is_named() {
        let response = TestClient::new(app()).get("/dashboard").await;
        response.assert_status(200);
        let report: Value = response.json().await;
        assert_eq!(report["complete"], false);
        let told = |name: &str| {
            (
                report["parts"][name]["state"].clone(),
                report["parts"][name]["value"].clone(),
            )
        };
        assert_eq!(told("orders"), ("fresh".into(), 42.into()));
        assert_eq!(told("weather"), ("fallback".into(), "as always".into()));
        assert_eq!(told("motto"), ("failed".into(), Value::Null));
        assert_eq!(report["parts"]["weather"]["attempts"], 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_tiles_fill_as_their_sources_answer() {
        let mut tiles = TestClient::new(app()).get("/tiles").await.events();
        let mut names = Vec::new();
        while let Some(tile) = tiles.next().await {
            names.push(tile.name);
        }
        // The file is looked for on a thread, in real time.
        names.retain(|name| name != "motto");
        assert_eq!(names, ["orders", "weather"]);
    }
}
