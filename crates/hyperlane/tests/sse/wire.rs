//! What is written is what a client reads (HTML standard §9.2.5 and §9.2.6).

use std::time::Duration;

use hyperlane::BoxError;
use hyperlane::sse::{Event, Sse};
use hyperlane::testing::StreamItem;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, proptest};

use super::client;

fn sse(events: Vec<Event>) -> Sse {
    Sse::from_events(events.into_iter().map(Ok::<_, BoxError>))
}

#[tokio::test]
async fn the_head_is_that_of_an_event_stream_which_nobody_stores_or_holds_back() {
    let client = client(|server| {
        server.get("/", async || sse(vec![Event::new("x")]));
    });
    let response = client.get("/").await;
    response
        .assert_status(200)
        .assert_header("content-type", "text/event-stream; charset=utf-8")
        .assert_header("cache-control", "no-store")
        .assert_header("x-accel-buffering", "no");
    response.assert_text("data: x\n\n").await;
    client.head("/").await.assert_status(200).assert_text("").await;
}

#[tokio::test]
async fn all_fields_of_an_event_arrive() {
    let client = client(|server| {
        server.get("/", async || {
            sse(vec![
                Event::comment("hi"),
                Event::json([1, 2]).unwrap().with_id(7).with_name("pair"),
                Event::new("").with_retry(Duration::from_millis(20)),
                Event::position("8"),
            ])
            .retry(Duration::from_secs(3))
        });
    });
    let mut events = client.get("/").await.events();
    assert_eq!(
        events.next_item().await,
        Some(StreamItem::Retry(Duration::from_secs(3)))
    );
    assert_eq!(events.next_item().await, Some(StreamItem::Comment("hi".into())));
    let pair = events.next().await.unwrap();
    assert_eq!(
        (pair.name.as_str(), pair.data.as_str(), pair.id.as_str()),
        ("pair", "[1,2]", "7")
    );
    assert_eq!(
        events.next_item().await,
        Some(StreamItem::Retry(Duration::from_millis(20)))
    );
    assert_eq!(events.next().await.unwrap().data, "", "empty data is data");
    assert!(events.next().await.is_none());
    assert_eq!(events.last_event_id(), "8", "an id alone counts");
}

#[tokio::test]
async fn an_id_or_name_that_would_forge_fields_breaks_the_stream_off_before_it() {
    for bad in ["1\ndata: forged", "1\rdata: forged", "\0"] {
        let client = client(|server| {
            server.get("/id", move || async move {
                sse(vec![Event::new("a"), Event::new("b").with_id(bad)])
            });
            server.get("/name", move || async move {
                sse(vec![Event::new("a"), Event::new("b").with_name(bad)])
            });
        });
        for path in ["/id", "/name"] {
            let mut events = client.get(path).await.events();
            assert_eq!(events.next().await.unwrap().data, "a", "{path} {bad:?}");
            assert!(events.try_next_item().await.is_err(), "{path} {bad:?}");
        }
    }
}

/// Any text, with many line ends in it.
fn text() -> impl Strategy<Value = String> {
    vec(
        proptest::prop_oneof!["\r", "\n", "\r\n", ":", " ", "\u{feff}", "data: ", "\\PC{0,8}"],
        0..8,
    )
    .prop_map(|parts| parts.concat())
}

fn word() -> impl Strategy<Value = String> {
    "[^\r\n\0]{0,12}"
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_written_is_read_back(
        events in vec((text(), option::of(word()), option::of(word()), option::of(text())), 1..12)
    ) {
        let made: Vec<Event> = events.iter().map(|(data, name, id, comment)| {
            let event = Event::new(data.as_str());
            let event = name.iter().fold(event, |event, name| event.with_name(name.as_str()));
            let event = id.iter().fold(event, Event::with_id);
            comment.iter().fold(event, |event, comment| event.with_comment(comment.as_str()))
        }).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = client(|server| {
                server.get("/", move || {
                    let events = sse(made.clone());
                    async { events }
                });
            });
            let mut read = client.get("/").await.events();
            let mut last_id = String::new();
            for (data, name, id, _) in &events {
                let event = read.next().await.unwrap();
                let data = data.replace("\r\n", "\n").replace('\r', "\n");
                if let Some(id) = id {
                    last_id.clone_from(id);
                }
                let name = name.as_deref().filter(|name| !name.is_empty()).unwrap_or("message");
                assert_eq!((event.data, event.name.as_str(), &event.id), (data, name, &last_id));
            }
            assert!(read.next().await.is_none());
        });
    }
}
