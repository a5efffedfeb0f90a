//! `Timeout`.

use std::time::Duration;

use hyperlane::middleware::Timeout;
use hyperlane::{Bytes, Context, Route, StatusCode};

use crate::support::{app, call, get, request, text, three_pieces};

#[tokio::test(start_paused = true)]
async fn answers_503_where_the_response_does_not_begin_in_time() {
    let app = app(|server| {
        server
            .middleware(Timeout::new(Duration::from_secs(5)))
            .get("/slow", async || std::future::pending::<()>().await)
            .get("/quick", async || {
                tokio::time::sleep(Duration::from_secs(4)).await;
                "in time"
            });
    });
    let response = get(&app, "/slow", &[]).await;
    assert_eq!(response.status(), 503, "RFC 9110 §15.6.4");
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json",
        "RFC 9457"
    );
    assert!(text(response).await.contains("5000 ms"));
    assert_eq!(text(get(&app, "/quick", &[]).await).await, "in time");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_has_begun_may_take_as_long_as_it_likes() {
    let app = app(|server| {
        server
            .middleware(Timeout::new(Duration::from_secs(1)))
            .get("/", async |ctx: Context| {
                for piece in ["a", "b"] {
                    ctx.set_response_body(piece).send_body().await.unwrap();
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
            })
            .get("/three", three_pieces);
    });
    assert_eq!(text(get(&app, "/", &[]).await).await, "ab");
    assert_eq!(text(get(&app, "/three", &[]).await).await, "one two three");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_counts_and_the_inner_limit_wins() {
    let app = app(|server| {
        server.middleware(Timeout::new(Duration::from_secs(60))).post(
            "/",
            Route::new(async |body: Bytes| body)
                .middleware(Timeout::new(Duration::from_secs(1)).status(StatusCode::GATEWAY_TIMEOUT)),
        );
    });
    let begun = tokio::time::Instant::now();
    let (_sender, body) = hyperlane::Body::channel(None);
    let response = call(&app, request("POST", "/", &[], body)).await;
    assert_eq!(response.status(), 504);
    assert_eq!(begun.elapsed().as_secs(), 1);
}
