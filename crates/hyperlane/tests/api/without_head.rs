//! Requests that are answered before their head is copied: only where nothing but method and path decides.

use hyperlane::*;

use crate::support::{app, call, request};

/// What is answered without the head; `None` where that is not tried. It must be what is answered with it.
async fn early(app: &App, method: Method, path: &str) -> Option<String> {
    let mut response = Service::call_without_head(app, &method, path)?.await;
    let status = response.status().as_u16();
    let text = String::from_utf8(response.body_mut().bytes().await.unwrap().to_vec()).unwrap();
    let whole = call(app, request(method, path, "")).await;
    assert_eq!((status, &text), (whole.status(), &whole.text), "{path}");
    Some(text)
}

#[tokio::test]
async fn handlers_without_arguments_need_no_head() {
    let app = app(|server| {
        server
            .get("/", async || "root")
            .post("/", async || "posted")
            .route("/any", async || "any")
            .get("/a%20b", async || "encoded")
            .get("/context", async |_: Context| "context")
            .get("/items/{id}", async || "item");
    });
    assert_eq!(early(&app, Method::GET, "/").await.as_deref(), Some("root"));
    assert_eq!(early(&app, Method::HEAD, "/").await.as_deref(), Some("root"));
    assert_eq!(early(&app, Method::POST, "/").await.as_deref(), Some("posted"));
    assert_eq!(early(&app, Method::PUT, "/any").await.as_deref(), Some("any"));
    // Another method, another spelling, parameters, arguments: these take the usual way.
    for (method, path) in [
        (Method::PUT, "/"),
        (Method::OPTIONS, "/"),
        (Method::GET, "/%61ny"),
        (Method::GET, "/a%20b"),
        (Method::GET, "/items/1"),
        (Method::GET, "/context"),
        (Method::GET, "/missing"),
        (Method::GET, "//"),
    ] {
        assert_eq!(early(&app, method.clone(), path).await, None, "{method} {path}");
    }
}

#[tokio::test]
async fn whatever_looks_at_the_request_gets_its_head() {
    let guarded = app(|server| {
        server
            .get("/", async || "any")
            .get("/", Route::new(async || "two").guard(Guard::header("x-version", "2")));
    });
    assert_eq!(early(&guarded, Method::GET, "/").await, None);

    let around = app(|server| {
        server
            .middleware(async |ctx: Context, next: Next| next.run(ctx).await)
            .get("/", async || "inside");
    });
    assert_eq!(early(&around, Method::GET, "/").await, None);

    let timed = app(|server| {
        server.get(
            "/",
            Route::new(async || "in time").timeout(std::time::Duration::from_secs(1)),
        );
    });
    assert_eq!(early(&timed, Method::GET, "/").await, None);

    let hosts = app(|server| {
        let other = Router::new();
        other.get("/", async || "other");
        server.get("/", async || "default").host("other.example", other);
    });
    assert_eq!(early(&hosts, Method::GET, "/").await, None);
}
