use std::collections::HashMap;

use hyperlane::testing::TestClient;
use hyperlane::{Context, IntoResponse, Path, Server, State as Shared};
use hyperlane_aggregate::{Aggregate, Cache, Failure, Report, Source, State};
use serde_json::{Value, json};
use tokio::time::advance;

use crate::support::{Calls, ms, source};

fn aggregate() -> Aggregate {
    Aggregate::new()
        .source(Source::new("number", async || Ok::<_, String>(7_u64)))
        .source(
            Source::new("text", async || Err::<String, _>("the secret of the database"))
                .fallback(|_| "none".to_owned()),
        )
        .source(Source::new("gone", async || {
            Err::<u64, _>("the secret of the database")
        }))
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_told_and_what_is_not_is_named_without_secrets() {
    let report = aggregate().run(ms(1000)).await;
    assert_eq!(report.get::<u64>("number"), Some(&7));
    assert_eq!(report.get::<String>("number"), None, "it is of another type");
    assert_eq!(report.get::<String>("text").map(String::as_str), Some("none"));
    assert_eq!(report.get::<u64>("gone"), None);
    assert!(report.part("nobody").is_none() && !report.is_complete());

    let response = TestClient::new(server(aggregate())).get("/").await;
    response.assert_status(200);
    assert_eq!(response.header("cache-control"), Some("no-store"));
    let why = "the source answered with an error";
    let expected = json!({
        "complete": false,
        "elapsed_ms": 0.0,
        "parts": {
            "number": { "state": "fresh", "value": 7, "elapsed_ms": 0.0, "attempts": 1 },
            "text": { "state": "fallback", "value": "none", "elapsed_ms": 0.0, "attempts": 1, "failure": "error", "why": why },
            "gone": { "state": "failed", "value": null, "elapsed_ms": 0.0, "attempts": 1, "failure": "error", "why": why },
        },
    });
    response.assert_json(expected).await;
}

/// RFC 9457.
#[tokio::test(start_paused = true)]
async fn without_a_required_part_the_answer_is_a_bad_gateway_that_names_it() {
    let response = TestClient::new(server(aggregate().required("gone").required("text")))
        .get("/")
        .await;
    response.assert_status(502);
    assert_eq!(response.header("content-type"), Some("application/problem+json"));
    let problem: Value = response.json().await;
    assert_eq!(problem["detail"], "nothing to be had from: gone");
    assert_eq!(problem["parts"]["number"]["value"], 7);
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_may_be_kept_by_caches() {
    let report = Aggregate::new()
        .source(Source::new("one", async || Ok::<_, String>(1)))
        .required("one");
    let report = report.run(ms(1000)).await;
    assert!(report.is_complete());
    let response = report.into_response();
    assert_eq!(response.status(), 200);
    assert!(response.headers().get("cache-control").is_none());
}

#[tokio::test(start_paused = true)]
async fn an_old_part_says_how_old_it_is_and_why() {
    let calls = Calls::new();
    let cache = Cache::fresh_for(ms(100)).stale_if_error(ms(10_000));
    let aggregate = Aggregate::new().source(source(&calls, ms(0)).cache(cache));
    aggregate.run(ms(1000)).await;
    calls.fail(true);
    advance(ms(500)).await;
    let report = aggregate.run(ms(1000)).await;
    let part = report.part("source").expect("it is one of the sources");
    assert_eq!(
        (part.state(), part.failure().map(Failure::code)),
        (State::Stale, Some("error"))
    );
    let json = serde_json::to_value(part).expect("it is json");
    assert!(json["age_ms"].as_f64().is_some_and(|age| age >= 500.0), "{json}");
}

#[tokio::test(start_paused = true)]
async fn a_request_asks_each_source_with_what_concerns_it() {
    let user = Source::keyed("user", async |id: u64| Ok::<_, String>(format!("user {id}")));
    let news = Source::keyed("news", async |language: String| {
        Ok::<_, String>(format!("news in {language}"))
    });
    let all = Source::new("all", async || Ok::<_, String>("for all".to_owned()));
    let page = Aggregate::<(u64, String)>::keyed()
        .source_by(user, |(id, _)| *id)
        .source_by(news, |(_, language)| language.clone())
        .source_by(all, |_| ());
    assert_eq!(page.names().collect::<Vec<_>>(), ["user", "news", "all"]);
    let server = Server::new();
    type Page = Aggregate<(u64, String)>;
    server.state(page).get(
        "/{id}/{language}",
        async |ctx: Context, Path(key): Path<(u64, String)>, Shared(page): Shared<Page>| page.run_for(key, &ctx).await,
    );
    let report: Value = TestClient::new(server).get("/7/fr").await.json().await;
    let values = ["user", "news", "all"].map(|name| report["parts"][name]["value"].clone());
    assert_eq!(values, ["user 7", "news in fr", "for all"]);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_no_json_fails_its_part_alone() {
    let pairs = Source::new("pairs", async || Ok::<_, String>(HashMap::from([((1, 2), 3)])));
    let all = aggregate().source(pairs);
    let response = TestClient::new(server(all.clone())).get("/").await;
    response.assert_status(200);
    let report: Value = response.json().await;
    assert_eq!(report["parts"]["number"]["value"], 7);
    assert_eq!(report["parts"]["pairs"]["state"], "failed");

    let response = TestClient::new(server(all.required("pairs"))).get("/").await;
    response.assert_status(502);
}

#[test]
#[should_panic(expected = "two sources named \"one\"")]
fn two_sources_of_one_name_are_a_mistake_of_the_program() {
    let one = Source::new("one", async || Ok::<_, String>(1));
    let _ = Aggregate::new().source(one.clone()).source(one);
}

#[test]
#[should_panic(expected = "requires \"two\"")]
fn to_require_a_source_that_is_none_is_a_mistake_of_the_program() {
    let _ = Aggregate::new()
        .source(Source::new("one", async || Ok::<_, String>(1)))
        .required("two");
}

fn server(aggregate: Aggregate) -> Server {
    let server = Server::new();
    server.state(aggregate).get(
        "/",
        async |ctx: Context, Shared(sources): Shared<Aggregate>| -> Report { sources.run(&ctx).await },
    );
    server
}
