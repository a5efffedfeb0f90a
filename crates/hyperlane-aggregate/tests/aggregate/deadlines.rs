use std::time::Duration;

use hyperlane::testing::TestClient;
use hyperlane::{Context, Route, Server, State as Shared, StatusCode};
use hyperlane_aggregate::{Aggregate, Deadline, Report, Source, together};
use serde_json::Value;
use tokio::time::Instant;

use crate::support::{Calls, ms, source};

fn app(calls: &Calls) -> Server {
    let slow = calls.clone();
    let sources = Aggregate::new()
        .source(Source::new("quick", async || Ok::<_, String>("here")))
        .source(Source::new("slow", move || {
            let calls = slow.clone();
            async move { calls.call(ms(60_000)).await }
        }));
    let server = Server::new();
    server.state(sources);
    server
}

async fn dashboard(ctx: Context, Shared(sources): Shared<Aggregate>) -> Report {
    sources.run(&ctx).await
}

#[tokio::test(start_paused = true)]
async fn the_report_is_there_before_the_request_is_over() {
    let calls = Calls::new();
    let server = app(&calls);
    server.get("/", Route::new(dashboard).timeout(ms(500)));
    let begun = Instant::now();
    let response = TestClient::new(server).get("/").await;
    assert_eq!(begun.elapsed(), ms(450), "50 ms are kept to write the answer");
    response.assert_status(200);
    let report: Value = response.json().await;
    assert_eq!(report["parts"]["quick"]["value"], "here");
    assert_eq!(report["parts"]["slow"]["failure"], "deadline");
    assert_eq!(calls.dropped(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_aggregate_has_an_end_of_its_own() {
    let calls = Calls::new();
    let server = app(&calls);
    server.get("/", async |ctx: Context, Shared(sources): Shared<Aggregate>| {
        sources.within(ms(300)).run(&ctx).await
    });
    let begun = Instant::now();
    TestClient::new(server).get("/").await.assert_status(200);
    assert_eq!(begun.elapsed(), ms(300));
}

#[tokio::test(start_paused = true)]
async fn known_types_are_asked_at_once_and_end_at_once() {
    let calls = Calls::new();
    let number = source(&calls, ms(100));
    let text = Source::new("text", async || {
        tokio::time::sleep(ms(150)).await;
        Ok::<_, String>("a text".to_owned())
    });
    let hangs = source(&calls, ms(60_000));
    let begun = Instant::now();
    let (number, text, hangs) = together((&number, &text, &hangs), (), ms(200)).await;
    assert_eq!(begun.elapsed(), ms(200));
    assert_eq!(number.value(), Some(&1));
    assert_eq!(text.value().map(String::as_str), Some("a text"));
    assert!(hangs.value().is_none());
}

#[tokio::test(start_paused = true)]
async fn of_little_time_half_is_kept_and_none_is_never_more_than_none() {
    let server = Server::new();
    let deadlines = async |ctx: Context| {
        let begun = Instant::now();
        let left = |deadline: Deadline| deadline.instant().map(|instant| instant - begun);
        assert_eq!(left(Deadline::of(&ctx, Duration::from_secs(5))), Some(ms(50)));
        assert_eq!(left(Deadline::from(&ctx)), Some(ms(90)));
        assert_eq!(Deadline::from(&ctx).at_most(ms(1)), Deadline::from(ms(1)));
        StatusCode::NO_CONTENT
    };
    server.get("/", Route::new(deadlines).timeout(ms(100)));
    TestClient::new(server).get("/").await.assert_status(204);
}
