//! `Trace`.

use std::sync::{Arc, Mutex};

use hyperlane::middleware::{RequestIds, Trace};
use hyperlane::{Context, Route, Router, StatusCode};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{app, get, settle, text, three_pieces};

/// What the subscriber wrote.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

/// A subscriber for this thread, which is the only one of the test.
fn subscribe(level: tracing_subscriber::filter::LevelFilter) -> (Lines, impl Sized) {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(lines.clone())
        .with_max_level(level)
        .with_ansi(false)
        .finish();
    let guard = tracing_subscriber::util::SubscriberInitExt::set_default(subscriber);
    (lines, guard)
}

const INFO: tracing_subscriber::filter::LevelFilter = tracing_subscriber::filter::LevelFilter::INFO;

fn traced() -> hyperlane::App {
    app(|server| {
        server
            .middleware(RequestIds::new())
            .middleware(Trace::new())
            .get("/item/{id}", async |_: Context| "four")
            .get("/stream", three_pieces)
            .get("/fails", async || StatusCode::BAD_GATEWAY)
            .get("/never", async || std::future::pending::<()>().await);
    })
}

#[tokio::test]
async fn a_span_has_the_fields_of_the_request_and_of_its_answer() {
    let (lines, _guard) = subscribe(INFO);
    let app = traced();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = [("x-request-id", "r-7"), ("traceparent", parent)];
    let response = get(&app, "/item/5?token=secret", &headers).await;
    assert_eq!(lines.take(), "", "it ends with the body");
    assert_eq!(text(response).await, "four");
    let line = lines.take();
    for part in [
        "INFO request{",
        "method=GET",
        "pattern=\"/item/{id}\"",
        "path=\"/item/5\"",
        "id=r-7",
        "trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\"",
        "parent_id=\"00f067aa0ba902b7\"",
        "status=200",
        "bytes=4",
        "ms=",
        "hyperlane::request: finished",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!line.contains("secret") && !line.contains("aborted"), "{line}");
}

#[tokio::test]
async fn a_stream_is_within_the_span_until_its_end() {
    let (lines, _guard) = subscribe(INFO);
    let app = traced();
    let response = get(&app, "/stream", &[]).await;
    assert_eq!(text(response).await, "one two three");
    assert!(lines.take().contains("bytes=13"));
    drop(get(&app, "/stream", &[]).await);
    settle().await;
    assert!(lines.take().contains("aborted=true"));
}

#[tokio::test]
async fn a_handler_has_a_span_of_its_own_within_that_of_the_request() {
    async fn item(_: Context) -> &'static str {
        tracing::info!("at work");
        "four"
    }

    let (lines, _guard) = subscribe(INFO);
    let app = app(|server| {
        server.get("/untraced/{id}", item).nest("/a", {
            let router = Router::new();
            router
                .middleware(Trace::new())
                .get("/item/{id}", item)
                .get("/route", Route::new(item).name("named"))
                .get("/later", async |_: Context| {
                    tokio::task::yield_now().await;
                    tracing::info!("later");
                });
            router
        });
    });
    drop(text(get(&app, "/a/item/7", &[]).await).await);
    let text_of = lines.take();
    let line = text_of.lines().find(|line| line.contains("at work")).unwrap();
    let spans = ["request{method=GET", ":handler{route=\"/a/item/{id}\" name=\"item\"}"];
    assert!(spans.iter().all(|span| line.contains(span)), "{line}");
    let end = text_of.lines().find(|line| line.contains("finished")).unwrap();
    assert!(!end.contains("handler{"), "{end}");
    drop(text(get(&app, "/a/route", &[]).await).await);
    assert!(lines.take().contains("handler{route=\"/a/route\" name=\"item\"}"));
    drop(text(get(&app, "/a/later", &[]).await).await);
    let later = lines.take();
    assert!(later.contains("name=\"closure in a_handler_has"), "{later}");
    drop(text(get(&app, "/untraced/7", &[]).await).await);
    let untraced = lines.take();
    assert!(
        untraced.contains("at work") && !untraced.contains("handler{"),
        "{untraced}"
    );
}

#[tokio::test]
async fn failures_are_errors_and_requests_without_an_answer_are_aborted() {
    let (lines, _guard) = subscribe(INFO);
    let app = traced();
    drop(text(get(&app, "/fails", &[]).await).await);
    assert!(lines.take().contains("ERROR request{"));
    let given_up =
        futures::future::select(Box::pin(get(&app, "/never", &[])), Box::pin(tokio::task::yield_now())).await;
    drop(given_up);
    let line = lines.take();
    assert!(line.contains("aborted=true") && !line.contains("status="), "{line}");
}

#[tokio::test]
async fn the_level_can_be_set_and_what_is_not_wanted_costs_no_span() {
    let (lines, _guard) = subscribe(INFO);
    let app = app(|server| {
        server
            .middleware(Trace::new().level(tracing::Level::DEBUG))
            .get("/", async || "x");
    });
    assert_eq!(text(get(&app, "/", &[]).await).await, "x");
    assert_eq!(lines.take(), "");
}
