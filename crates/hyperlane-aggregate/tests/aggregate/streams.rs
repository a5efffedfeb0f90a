use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use hyperlane::sse::{Event, Sse};
use hyperlane::testing::TestClient;
use hyperlane::{Context, Server, State as Shared};
use hyperlane_aggregate::{Aggregate, AnyPart, Part, Source, State};
use tokio::time::{Instant, sleep};

use crate::support::{Calls, ms};

fn aggregate(calls: &Calls) -> Aggregate {
    let timed = |name: &'static str, time| {
        let calls = calls.clone();
        Source::new(name, move || {
            let calls = calls.clone();
            async move { calls.call(ms(time)).await }
        })
    };
    Aggregate::new()
        .source(timed("slow", 300))
        .source(timed("hangs", 60_000))
        .source(timed("quick", 10))
}

#[tokio::test(start_paused = true)]
async fn each_part_comes_as_soon_as_it_is_there() {
    let begun = Instant::now();
    let mut parts = aggregate(&Calls::new()).stream(ms(500));
    let mut seen = Vec::new();
    while let Some(part) = parts.next().await {
        seen.push((part.name().to_owned(), begun.elapsed(), part.state()));
    }
    let expected = [
        ("quick", 10, State::Fresh),
        ("slow", 300, State::Fresh),
        ("hangs", 500, State::Failed),
    ];
    assert_eq!(
        seen,
        expected.map(|(name, time, state)| (name.to_owned(), ms(time), state))
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_cancels_what_still_runs() {
    let calls = Calls::new();
    let mut parts = aggregate(&calls).stream(ms(1000));
    let first = parts.next().await;
    assert_eq!(first.as_ref().map(Part::name), Some("quick"));
    drop(parts);
    while calls.dropped() < 2 {
        sleep(ms(1)).await;
    }
    assert_eq!((calls.begun(), calls.ended(), calls.dropped()), (3, 1, 2));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_on_holds_no_source_beyond_the_deadline() {
    let calls = Calls::new();
    let mut parts = aggregate(&calls).stream(ms(500));
    let first = parts.next().await;
    assert_eq!(first.as_ref().map(Part::name), Some("quick"));
    sleep(ms(5000)).await;
    assert_eq!(
        (calls.ended(), calls.dropped()),
        (2, 1),
        "nobody polled, and yet they are over"
    );
    assert_eq!(parts.next().await.map(|part| part.elapsed()), Some(ms(300)));
    assert_eq!(parts.next().await.map(|part| part.elapsed()), Some(ms(500)));
    assert!(parts.next().await.is_none());
}

fn server(calls: &Calls) -> Server {
    let server = Server::new();
    server
        .state(aggregate(calls))
        .get("/tiles", async |ctx: Context, Shared(sources): Shared<Aggregate>| {
            let tile = |part: AnyPart| Event::json(&part).map(|event| event.with_name(part.name()));
            Sse::new(sources.stream(&ctx).map(tile))
        })
        .get("/report", async |ctx: Context, Shared(sources): Shared<Aggregate>| {
            sources.run(&ctx).await
        });
    server
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_leaves_its_events_cancels_what_still_runs() {
    let calls = Calls::new();
    let mut tiles = TestClient::new(server(&calls)).get("/tiles").await.events();
    let first = tiles.next().await.expect("there is an event");
    assert_eq!(first.name, "quick");
    drop(tiles);
    while calls.dropped() < 2 {
        sleep(ms(1)).await;
    }
    assert_eq!((calls.begun(), calls.ended()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_its_request_cancels_all_sources() {
    let calls = Calls::new();
    let client = TestClient::new(server(&calls));
    let request = tokio::time::timeout(ms(100), async { client.get("/report").await });
    assert!(request.await.is_err(), "it left");
    while calls.dropped() < 2 {
        sleep(ms(1)).await;
    }
    assert_eq!((calls.begun(), calls.ended()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn who_observes_is_told_of_every_part() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = seen.clone();
    let source = Source::new("down", async || Err::<u64, _>("no")).observe(move |observation| {
        let failure = observation.failure.map(|failure| failure.code());
        let line = (
            observation.source.to_owned(),
            observation.state,
            failure,
            observation.attempts,
        );
        told.lock().expect("nobody panicked").push(line);
    });
    source.ask((), ms(100)).await;
    let seen = seen.lock().expect("nobody panicked");
    assert_eq!(*seen, [("down".to_owned(), State::Failed, Some("error"), 1)]);
}
