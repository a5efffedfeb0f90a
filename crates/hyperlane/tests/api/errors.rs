//! Errors of handlers: the client learns nothing that it must not, the log everything.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use hyperlane::{BodyError, BodyErrorKind, Error, IntoResponse, OrError, Problem, Rejection, StatusCode};
use serde_json::json;

use crate::support::{app, get, problem};

#[derive(Debug)]
struct Outer(Inner);

#[derive(Debug)]
struct Inner;

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("can't load the user")
    }
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("password of the database is `hunter2`")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl std::error::Error for Inner {}

fn load() -> Result<String, Outer> {
    Err(Outer(Inner))
}

/// What is logged while `run` runs.
fn logged(run: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, run);
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn any_error_is_a_500_that_tells_nothing() {
    let app = app(|server| {
        server.get("/", async || Ok::<_, Error>(load()?));
        server.get("/text", async || {
            Err::<(), _>(Error::new("the cache at 10.0.0.7 is cold"))
        });
    });
    for target in ["/", "/text"] {
        let document = problem(&get(&app, target).await);
        assert_eq!(
            document,
            json!({"type": "about:blank", "title": "Internal Server Error", "status": 500})
        );
    }
}

#[test]
fn the_log_has_the_whole_chain_and_the_place() {
    let text = logged(|| {
        let load = || Ok::<_, Error>(load()?);
        load().into_response();
    });
    assert!(
        text.contains("can't load the user: password of the database is `hunter2`"),
        "{text}"
    );
    assert!(text.contains("ERROR") && text.contains("errors.rs"), "{text}");
}

#[tokio::test]
async fn a_status_and_a_public_text_are_added_by_hand() {
    let app = app(|server| {
        server.get("/status", async || load().or_status(StatusCode::BAD_GATEWAY));
        server.get("/detail", async || {
            Err::<(), _>(
                Error::new(Inner)
                    .with_status(StatusCode::CONFLICT)
                    .with_detail("the name is taken"),
            )
        });
        server.get("/none", async || Ok::<_, Error>(None::<&str>.or_not_found()?));
        server.get("/problem", async || {
            None::<&str>.or_problem(Problem::new(StatusCode::GONE).with_title("It left"))
        });
    });
    let document = problem(&get(&app, "/status").await);
    assert_eq!(
        document,
        json!({"type": "about:blank", "title": "Bad Gateway", "status": 502})
    );
    assert_eq!(problem(&get(&app, "/detail").await)["detail"], "the name is taken");
    assert_eq!(problem(&get(&app, "/none").await)["status"], 404);
    assert_eq!(problem(&get(&app, "/problem").await)["title"], "It left");
}

#[test]
fn what_the_client_may_know_already_is_kept() {
    let rejection = Error::from(Rejection::new(StatusCode::BAD_REQUEST, "`page` is too small"));
    assert_eq!(
        (rejection.status(), rejection.public().detail()),
        (StatusCode::BAD_REQUEST, Some("`page` is too small"))
    );
    let problem = Error::from(Problem::new(StatusCode::GONE).with_detail("sold out"));
    assert_eq!(
        (problem.status(), problem.public().detail()),
        (StatusCode::GONE, Some("sold out"))
    );
    let body = Error::from(BodyError::new(BodyErrorKind::TooLarge { limit: 7 }));
    assert_eq!(body.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let producer = Error::from(BodyError::with_source(BodyErrorKind::Producer, "secret"));
    assert_eq!(
        (producer.status(), producer.public().detail()),
        (StatusCode::INTERNAL_SERVER_ERROR, None)
    );
}

#[test]
fn a_refusal_is_no_error_in_the_log() {
    let text = logged(|| {
        Error::new("no such user")
            .with_status(StatusCode::NOT_FOUND)
            .into_response();
        Problem::new(StatusCode::NOT_FOUND).into_response();
    });
    assert!(!text.contains("ERROR"), "{text}");
}

#[test]
fn main_prints_a_readable_line() {
    let server = hyperlane::Server::new();
    server.get("/{a}", async || "").get("/{b}", async || "");
    let error = Error::from(server.build().unwrap_err());
    let text = format!("{error:?}");
    assert!(text.contains("conflicts with") && !text.contains('\n'), "{text}");
}
