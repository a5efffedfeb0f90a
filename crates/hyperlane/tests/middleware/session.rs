//! `Sessions` with the store in memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use hyperlane::middleware::{MemoryStore, Session, SessionError, Sessions};
use hyperlane::{App, Context, Response};

use crate::support::{app, get, header, text};

fn register(server: &hyperlane::Server) {
    server
        .get("/plain", async || "no session")
        .get("/look", async |session: Session| -> Result<String, SessionError> {
            Ok(session
                .get::<u32>("n")
                .await?
                .map_or("none".to_owned(), |n| n.to_string()))
        })
        .get("/count", async |session: Session| -> Result<String, SessionError> {
            let n = session.get::<u32>("n").await?.unwrap_or(0) + 1;
            session.insert("n", n).await?;
            Ok(n.to_string())
        })
        .get("/log-in", async |session: Session| session.renew().await)
        .get("/log-out", async |session: Session| session.destroy().await)
        .get("/remove", async |session: Session| -> Result<String, SessionError> {
            Ok(format!("{:?}", session.remove::<u32>("n").await?))
        })
        .get("/as-text", async |session: Session| {
            session.get::<String>("n").await.map(Option::unwrap_or_default)
        })
        .get("/big", async |session: Session| {
            let outcome = session.insert("big", "x".repeat(2000)).await;
            outcome.is_err_and(|error| error.is_too_large()).to_string()
        })
        .get("/late", async |ctx: Context, session: Session| {
            ctx.set_response_body("begun ").send_body().await.unwrap();
            tokio::task::yield_now().await;
            let late = session.insert("n", 7).await.is_err_and(|error| error.is_closed());
            ctx.set_response_body(if late { "refused" } else { "lost" })
                .send_body()
                .await
                .unwrap();
        });
}

fn remembering(sessions: Sessions) -> App {
    app(|server| {
        server.middleware(sessions);
        register(server);
    })
}

/// A browser: it sends the cookie that it was given.
struct Browser<'a> {
    app: &'a App,
    cookie: Option<String>,
}

impl<'a> Browser<'a> {
    fn new(app: &'a App) -> Self {
        Self { app, cookie: None }
    }

    async fn get(&mut self, path: &str) -> Response {
        let response = match &self.cookie {
            Some(cookie) => get(self.app, path, &[("cookie", cookie)]).await,
            None => get(self.app, path, &[]).await,
        };
        let line = header(&response, "set-cookie");
        if line.contains("Max-Age=0") {
            self.cookie = None;
        } else if !line.is_empty() {
            self.cookie = line.split(';').next().map(str::to_owned);
        }
        response
    }

    async fn text(&mut self, path: &str) -> String {
        text(self.get(path).await).await
    }
}

#[tokio::test]
async fn values_last_from_request_to_request_and_browsers_are_kept_apart() {
    let app = remembering(Sessions::new(MemoryStore::new()));
    let (mut one, mut other) = (Browser::new(&app), Browser::new(&app));
    assert_eq!(
        (one.text("/count").await, one.text("/count").await),
        ("1".into(), "2".into())
    );
    assert_eq!(other.text("/count").await, "1");
    assert_eq!(one.text("/look").await, "2");
    assert_eq!(one.text("/remove").await, "Some(2)");
    assert_eq!(one.text("/look").await, "none");
}

#[tokio::test]
async fn the_cookie_is_bound_to_host_tls_and_http() {
    let app = remembering(Sessions::new(MemoryStore::new()));
    let line = header(&get(&app, "/count", &[]).await, "set-cookie").to_owned();
    let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
    assert_eq!((name, value.len()), ("__Host-session", 43), "RFC 6265bis §4.1.3.2");
    for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=1800"] {
        assert!(line.contains(attribute), "{attribute} in {line}");
    }
    assert!(!line.contains("Domain"));

    let open = remembering(Sessions::new(MemoryStore::new()).secure(false));
    let line = header(&get(&open, "/count", &[]).await, "set-cookie").to_owned();
    assert!(line.starts_with("session=") && !line.contains("Secure"), "{line}");
}

#[tokio::test]
async fn who_only_looks_gets_no_cookie_and_who_does_not_ask_costs_nothing() {
    let store = MemoryStore::new();
    let app = remembering(Sessions::new(store.clone()));
    let response = get(&app, "/look", &[]).await;
    assert_eq!(header(&response, "set-cookie"), "");
    assert_eq!(
        (header(&response, "vary"), header(&response, "cache-control")),
        ("cookie", "private")
    );
    let response = get(&app, "/plain", &[]).await;
    assert_eq!(
        (header(&response, "vary"), header(&response, "cache-control")),
        ("", "")
    );
    assert!(store.is_empty());
}

#[tokio::test]
async fn an_identifier_that_somebody_planted_is_never_taken_over() {
    let app = remembering(Sessions::new(MemoryStore::new()));
    let planted = format!("__Host-session={}", "A".repeat(43));
    let response = get(&app, "/count", &[("cookie", &planted)]).await;
    let line = header(&response, "set-cookie");
    assert!(
        line.starts_with("__Host-session=") && !line.contains(&"A".repeat(43)),
        "{line}"
    );
    let huge = "A".repeat(5000);
    for value in ["", "short", huge.as_str(), "../../etc", "a b"] {
        let cookie = format!("__Host-session={value}");
        assert_eq!(text(get(&app, "/look", &[("cookie", &cookie)]).await).await, "none");
    }
}

#[tokio::test]
async fn renewing_changes_the_identifier_and_keeps_the_values() {
    let app = remembering(Sessions::new(MemoryStore::new()));
    let mut browser = Browser::new(&app);
    browser.text("/count").await;
    let before = browser.cookie.clone().unwrap();
    assert_eq!(browser.get("/log-in").await.status(), 200);
    assert_ne!(browser.cookie.as_ref(), Some(&before));
    assert_eq!(browser.text("/look").await, "1");
    let old = get(&app, "/look", &[("cookie", &before)]).await;
    assert_eq!(
        header(&old, "set-cookie"),
        "",
        "the browser may have the new one already"
    );
    assert_eq!(text(old).await, "none", "the old one is worth nothing");
}

#[tokio::test]
async fn destroying_ends_it_for_good_even_for_a_request_that_began_before() {
    let store = MemoryStore::new();
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let held = std::sync::Arc::clone(&gate);
    let app = app(|server| {
        server.middleware(Sessions::new(store.clone()));
        register(server);
        server.get("/slow", move |session: Session| {
            let held = std::sync::Arc::clone(&held);
            async move {
                let _ = session.get::<u32>("n").await;
                held.acquire().await.unwrap().forget();
                session.insert("n", 99).await
            }
        });
    });
    let mut browser = Browser::new(&app);
    browser.text("/count").await;
    let cookie = browser.cookie.clone().unwrap();
    let headers = [("cookie", cookie.as_str())];
    let slow = get(&app, "/slow", &headers);
    let log_out = async {
        crate::support::settle().await;
        let response = browser.get("/log-out").await;
        gate.add_permits(1);
        response
    };
    let (slow, out) = futures::join!(slow, log_out);
    assert!(header(&out, "set-cookie").contains("Max-Age=0"));
    assert_eq!(header(&slow, "set-cookie"), "", "it can't bring the session back");
    assert!(store.is_empty());
    assert_eq!(text(get(&app, "/look", &headers).await).await, "none");
}

static NOW: AtomicU64 = AtomicU64::new(1_800_000_000);

fn clock() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(NOW.load(Ordering::Relaxed))
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_it_is_not_used_and_in_any_case_after_its_time() {
    let later = async |seconds| {
        NOW.fetch_add(seconds, Ordering::Relaxed);
        tokio::time::advance(Duration::from_secs(seconds)).await;
    };
    let store = MemoryStore::new();
    let sessions = Sessions::new(store.clone())
        .idle(Duration::from_secs(100))
        .absolute(Duration::from_secs(250))
        .clock(clock);
    let app = remembering(sessions);
    let mut browser = Browser::new(&app);
    browser.text("/count").await;
    for _ in 0..3 {
        later(70).await;
        let response = browser.get("/look").await;
        assert!(
            header(&response, "set-cookie").contains("Max-Age="),
            "that it is used keeps it alive"
        );
        assert_eq!(text(response).await, "1");
    }
    later(5).await;
    let response = browser.get("/look").await;
    assert_eq!(header(&response, "set-cookie"), "", "but it is not written each time");
    later(40).await;
    assert_eq!(browser.text("/look").await, "none", "the absolute time is over");
    assert!(store.is_empty(), "in the browser the cookie's own `Max-Age` ends it");

    browser.text("/count").await;
    later(101).await;
    assert_eq!(browser.text("/look").await, "none", "it was idle");
    assert!(store.is_empty());
}

#[tokio::test]
async fn what_is_of_another_type_too_large_or_too_late_is_an_error() {
    let app = remembering(Sessions::new(MemoryStore::new()).max_size(1000));
    let mut browser = Browser::new(&app);
    browser.text("/count").await;
    let response = browser.get("/as-text").await;
    assert_eq!(response.status(), 500);
    assert!(
        !text(response).await.contains("invalid type"),
        "no detail for the client"
    );
    assert_eq!(browser.text("/big").await, "true");
    assert_eq!(browser.text("/look").await, "1", "what was there stays");
    assert_eq!(browser.text("/late").await, "begun refused");
}

#[tokio::test]
async fn the_store_in_memory_is_bounded() {
    let store = MemoryStore::new().max_sessions(3);
    let app = remembering(Sessions::new(store.clone()));
    let mut last = Browser::new(&app);
    for _ in 0..10 {
        last = Browser::new(&app);
        last.text("/count").await;
    }
    assert_eq!(store.len(), 3);
    assert_eq!(last.text("/look").await, "1", "the youngest is there");
}

#[tokio::test]
async fn a_handler_without_the_middleware_is_a_500() {
    let app = app(register);
    assert_eq!(get(&app, "/look", &[]).await.status(), 500);
}
