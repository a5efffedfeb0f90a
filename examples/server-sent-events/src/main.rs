//! An event stream (HTML standard, "Server-sent events"): a browser shows what the server sends while the page is open,
//! comes back by itself when the connection is lost, and says which event it saw last.
//!
//! Run it: `cargo run -p example-server-sent-events`, or on another port: `PORT=3000 cargo run -p example-server-sent-events`.

use std::time::Duration;

use hyperlane::{Context, Error, Html, SendError, Server, ServerConfig};
use tokio::time::sleep;

const PAGE: &str = "<!doctype html><title>Count</title><h1 id=n>…</h1><script>
new EventSource('/count').addEventListener('count', event => n.textContent = event.data)
</script>";

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
    server.get("/", async || Html(PAGE)).get("/count", count);
    server
}

async fn count(ctx: Context) -> Result<(), SendError> {
    // A browser that comes back goes on where it was.
    let last: u64 = ctx.header("last-event-id").and_then(|id| id.parse().ok()).unwrap_or(0);
    ctx.set_response_header("content-type", "text/event-stream")
        .set_response_header("cache-control", "no-store");
    ctx.send_piece("retry: 2000\n\n").await?;
    for number in last + 1.. {
        if number % 10 == 0 {
            // A comment: a sign of life for proxies on the way.
            ctx.send_piece(": still here\n\n").await?;
        }
        // It fails once the page is left, which ends the handler.
        ctx.send_piece(format!("id: {number}\nevent: count\ndata: {number}\n\n"))
            .await?;
        sleep(Duration::from_secs(1)).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::{StreamItem, TestClient};
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn events_come_once_a_second_and_go_on_after_a_break() {
        let client = TestClient::new(app());
        let mut events = client.get("/count").await.events();
        let start = Instant::now();
        for number in ["1", "2", "3"] {
            let event = events.next().await.expect("it never ends");
            assert_eq!((event.name.as_str(), event.data.as_str()), ("count", number));
        }
        assert_eq!(start.elapsed().as_secs(), 2);
        assert_eq!(events.retry(), Some(Duration::from_secs(2)));

        let id = events.last_event_id().to_owned();
        drop(events);
        let mut events = client.get("/count").header("last-event-id", id).await.events();
        assert_eq!(events.next().await.expect("it never ends").data, "4");
    }

    #[tokio::test(start_paused = true)]
    async fn a_sign_of_life_is_sent_now_and_then() {
        let mut events = TestClient::new(app()).get("/count").await.events();
        while events.next_item().await != Some(StreamItem::Comment("still here".to_owned())) {}
        assert_eq!(events.next().await.expect("it never ends").id, "10");
    }
}
