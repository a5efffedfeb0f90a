//! How an event stream lives, and how it ends with its client or its source.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use hyperlane::middleware::Compression;
use hyperlane::sse::{Event, EventSender, LastEventId, Sse};
use hyperlane::testing::StreamItem;
use hyperlane::{BoxError, Route, State};
use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, sleep, timeout};

use super::client;

/// An event after each of these pauses, in seconds, then silence.
fn after(pauses: &'static [u64]) -> impl futures::Stream<Item = Result<Event, BoxError>> + Send {
    stream::iter(pauses)
        .then(async |pause| {
            sleep(Duration::from_secs(*pause)).await;
            Ok(Event::new(pause.to_string()))
        })
        .chain(stream::pending())
}

#[tokio::test(start_paused = true)]
async fn a_comment_is_sent_whenever_it_was_quiet_for_15_seconds() {
    let client = client(|server| {
        server.get("/", async || Sse::new(after(&[10, 10, 40])));
    });
    let mut events = client.get("/").await.events();
    let start = Instant::now();
    let mut seen = Vec::new();
    for _ in 0..6 {
        let item = events.next_item().await.unwrap();
        let what = if matches!(item, StreamItem::Comment(_)) {
            "comment"
        } else {
            "event"
        };
        seen.push((start.elapsed().as_secs(), what));
    }
    assert_eq!(
        seen,
        [
            (10, "event"),
            (20, "event"),
            (35, "comment"),
            (50, "comment"),
            (60, "event"),
            (75, "comment")
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_interval_can_be_set_and_the_comments_turned_off() {
    let client = client(|server| {
        server.get("/often", async || {
            Sse::new(after(&[])).keep_alive(Duration::from_secs(2))
        });
        server.get("/never", async || Sse::new(after(&[100])).without_keep_alive());
    });
    let start = Instant::now();
    let mut events = client.get("/often").await.events();
    assert!(matches!(events.next_item().await, Some(StreamItem::Comment(_))));
    assert_eq!(start.elapsed().as_secs(), 2);
    let mut events = client.get("/never").await.events();
    assert!(matches!(events.next_item().await, Some(StreamItem::Event(_))));
    assert_eq!(start.elapsed().as_secs(), 102);
}

#[tokio::test]
async fn the_stream_is_dropped_when_the_client_leaves() {
    struct Left(Arc<Notify>);
    impl Drop for Left {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let left = Arc::new(Notify::new());
    let client = client(|server| {
        server.state(Arc::clone(&left));
        server.get("/", async |State(left): State<Arc<Notify>>| {
            let guard = Left(left);
            let first = stream::iter([Ok::<_, BoxError>(Event::new("x"))]);
            Sse::new(first.chain(stream::pending().map(move |nothing: ()| {
                let _ = (&guard, nothing);
                Ok(Event::new(""))
            })))
            .keep_alive(Duration::from_millis(5))
        });
    });
    let mut events = client.get("/").await.events();
    events.next().await.unwrap();
    drop(events);
    timeout(Duration::from_secs(5), left.notified()).await.unwrap();
}

#[tokio::test]
async fn an_error_breaks_the_response_off_and_the_end_ends_it() {
    let client = client(|server| {
        server.get("/error", async || {
            Sse::from_events([Ok(Event::new("a")), Err(BoxError::from("the source is gone"))])
        });
        server.get("/end", async || Sse::from_events([Ok::<_, BoxError>(Event::new("a"))]));
    });
    let mut events = client.get("/error").await.events();
    assert_eq!(events.next().await.unwrap().data, "a");
    assert!(events.try_next_item().await.is_err());
    let mut events = client.get("/end").await.events();
    assert_eq!(events.next().await.unwrap().data, "a");
    assert_eq!(events.try_next_item().await.unwrap(), None);
}

/// The sender of the last channel.
type Slot = Arc<Mutex<Option<EventSender>>>;

async fn channel(State(slot): State<Slot>) -> Sse {
    let (sender, events) = Sse::channel(2);
    *slot.lock().await = Some(sender);
    events.without_keep_alive()
}

#[tokio::test(start_paused = true)]
async fn a_channel_holds_the_sender_back_at_the_clients_pace() {
    let slot = Slot::default();
    let client = client(|server| {
        server.state(Arc::clone(&slot)).get("/", channel);
    })
    .transport_buffer(256);
    let mut events = client.get("/").await.events();
    let sender = slot.lock().await.take().unwrap();
    let big = Event::new("x".repeat(64 * 1024));
    let mut sent = 0;
    // Nobody reads: the transport, the engine's buffer and the two places fill up.
    while timeout(Duration::from_millis(50), sender.send(big.clone()))
        .await
        .is_ok()
    {
        sent += 1;
        assert!(sent < 64, "the sender is never held back");
    }
    assert!(sender.try_send(big.clone()).unwrap_err().is_full());
    assert!(!sender.is_closed());
    for _ in 0..sent {
        assert_eq!(events.next().await.unwrap().data.len(), 64 * 1024);
    }
    drop(events);
    timeout(Duration::from_secs(5), sender.closed()).await.unwrap();
    assert!(sender.send(big).await.unwrap_err().is_closed());
    assert!(
        sender
            .send(Event::new("").with_id("\n"))
            .await
            .unwrap_err()
            .is_invalid()
    );
}

#[tokio::test]
async fn a_channel_ends_the_stream_with_its_last_sender() {
    let slot = Slot::default();
    let client = client(|server| {
        server.state(Arc::clone(&slot)).get("/", channel);
    });
    let mut events = client.get("/").await.events();
    let sender = slot.lock().await.take().unwrap();
    let other = sender.clone();
    sender.send(Event::new("1")).await.unwrap();
    drop(sender);
    other.try_send(Event::new("2")).unwrap();
    drop(other);
    assert_eq!(events.next().await.unwrap().data, "1");
    assert_eq!(events.next().await.unwrap().data, "2");
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn the_last_event_id_is_read_as_browsers_send_it() {
    let client = client(|server| {
        server.get("/", async |LastEventId(id): LastEventId| format!("{id:?}"));
    });
    client.get("/").await.assert_text("None").await;
    client
        .get("/")
        .header("last-event-id", "")
        .await
        .assert_text("None")
        .await;
    let utf8 = hyperlane::HeaderValue::from_bytes("grüße 7".as_bytes()).unwrap();
    client
        .get("/")
        .header("last-event-id", utf8)
        .await
        .assert_text("Some(\"grüße 7\")")
        .await;
    let broken = hyperlane::HeaderValue::from_bytes(b"a\xff").unwrap();
    client
        .get("/")
        .header("last-event-id", broken)
        .await
        .assert_text("Some(\"a\u{fffd}\")")
        .await;
}

/// By default an event stream is not compressed; where it is, every event is sent as it comes.
#[tokio::test(start_paused = true)]
async fn compression_does_not_hold_events_back() {
    let client = client(|server| {
        let plain = Route::new(async || Sse::new(after(&[1, 1]))).middleware(Compression::new());
        let compressed =
            Route::new(async || Sse::new(after(&[1, 1]))).middleware(Compression::new().event_streams(true));
        server.get("/plain", plain).get("/compressed", compressed);
    });
    let response = client.get("/plain").header("accept-encoding", "gzip").await;
    response.assert_no_header("content-encoding");
    let mut events = response.events();
    let start = Instant::now();
    events.next().await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 1);

    let response = client.get("/compressed").header("accept-encoding", "gzip").await;
    response.assert_header("content-encoding", "gzip");
    let start = Instant::now();
    let mut bytes = Vec::new();
    // The head of the coding and the first event: at least as much as an empty block and its flush.
    while bytes.len() < 20 {
        bytes.extend_from_slice(&response.chunk().await.unwrap());
    }
    assert!(
        start.elapsed().as_secs() <= 1,
        "{} bytes after {:?}",
        bytes.len(),
        start.elapsed()
    );
}

#[tokio::test]
async fn a_document_of_the_api_says_what_is_streamed() {
    use hyperlane::openapi::OpenApi;

    async fn feed(LastEventId(_): LastEventId) -> Sse {
        Sse::new(after(&[]))
    }
    let client = client(|server| {
        server.get("/feed", Route::new(feed).openapi(|operation| operation));
        OpenApi::new("test", "1").serve(server);
    });
    let document: serde_json::Value = client.get("/openapi.json").await.json().await;
    let get = &document["paths"]["/feed"]["get"];
    assert_eq!(get["parameters"][0]["name"], "last-event-id");
    assert_ne!(get["parameters"][0]["required"], true);
    assert_eq!(
        get["responses"]["200"]["content"]["text/event-stream"]["schema"]["type"],
        "string"
    );
}
