//! Streamed responses and event streams, piece by piece.

use std::time::Duration;

use hyperlane::testing::StreamItem;
use hyperlane::{Context, SendError};
use tokio::time::{Instant, sleep};

use super::client;

async fn ticks(ctx: Context) -> Result<(), SendError> {
    let first = ctx
        .header("last-event-id")
        .and_then(|id| id.parse::<u32>().ok())
        .unwrap_or(0)
        + 1;
    ctx.set_response_header("content-type", "text/event-stream");
    ctx.send_piece("retry: 1500\n: welcome\n\n").await?;
    for n in first..=3 {
        sleep(Duration::from_secs(3600)).await;
        // Cut in the middle of a field, of a line end, and of a character.
        let text = format!("id: {n}\r\nevent: tick\r\ndata: ü{n}\r\n\r\n");
        for byte in text.as_bytes() {
            ctx.send_piece(vec![*byte]).await?;
        }
    }
    ctx.closed().await
}

#[tokio::test(start_paused = true)]
async fn pieces_arrive_when_they_are_sent_however_long_that_takes() {
    let client = client(|server| {
        server.get("/", async |ctx: Context| {
            for piece in ["a", "b", "c"] {
                ctx.send_piece(piece).await.unwrap();
                sleep(Duration::from_secs(3600)).await;
            }
        });
    });
    let start = Instant::now();
    let response = client.get("/").await;
    assert_eq!(response.chunk().await.unwrap(), "a");
    assert_eq!(start.elapsed().as_secs(), 0);
    assert_eq!(response.chunk().await.unwrap(), "b");
    assert_eq!(start.elapsed().as_secs(), 3600);
    assert_eq!(response.text().await, "c");
    assert_eq!(start.elapsed().as_secs(), 3 * 3600);
}

#[tokio::test(start_paused = true)]
async fn events_are_read_as_a_browser_reads_them() {
    let client = client(|server| {
        server.get("/", ticks);
    });
    let mut events = client.get("/").header("accept", "text/event-stream").await.events();
    assert_eq!(
        events.next_item().await,
        Some(StreamItem::Retry(Duration::from_millis(1500)))
    );
    assert_eq!(events.next_item().await, Some(StreamItem::Comment("welcome".into())));
    let first = events.next().await.unwrap();
    assert_eq!(
        (first.name.as_str(), first.data.as_str(), first.id.as_str()),
        ("tick", "ü1", "1")
    );
    assert_eq!(events.retry(), Some(Duration::from_millis(1500)));
    let id = events.last_event_id().to_owned();
    drop(events);

    let mut events = client.get("/").header("last-event-id", id).await.events();
    assert_eq!(events.next().await.unwrap().data, "ü2");
    assert_eq!(events.next().await.unwrap().data, "ü3");
    assert_eq!(events.next().await, None);
}

#[tokio::test]
#[should_panic(expected = "this is no event stream")]
async fn what_is_no_event_stream_has_no_events() {
    let client = client(|server| {
        server.get("/", async || "data: x\n\n");
    });
    client.get("/").await.events();
}
