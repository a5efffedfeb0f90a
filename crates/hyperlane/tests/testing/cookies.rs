//! Cookies between requests (RFC 6265).

use std::time::Duration;

use hyperlane::testing::TestClient;
use hyperlane::{Context, Cookie, Server};

fn client() -> TestClient {
    super::client(register)
}

fn register(server: &Server) {
    server
        .get("/set", async |ctx: Context| {
            ctx.set_response_cookie(Cookie::build(("session", "one")).path("/").http_only(true))
                .set_response_cookie(Cookie::build(("deep", "two")).path("/deep"));
        })
        .get("/short", async |ctx: Context| {
            ctx.set_response_header("set-cookie", "short=1; Max-Age=60; Path=/");
        })
        .get("/unset", async |ctx: Context| {
            ctx.set_response_header("set-cookie", "session=; Max-Age=0; Path=/");
        })
        .get("/cookies", show)
        .get("/deep/cookies", show);
}

async fn show(ctx: Context) -> String {
    ctx.header("cookie").unwrap_or_default().to_owned()
}

#[tokio::test]
async fn cookies_are_kept_sent_where_they_belong_and_removed() {
    let client = client();
    let response = client.get("/set").await;
    assert_eq!(response.cookie("session").unwrap().http_only(), Some(true));
    assert!(response.cookie("other").is_none());
    client.get("/cookies").await.assert_text("session=one").await;
    client
        .get("/deep/cookies")
        .await
        .assert_text("deep=two; session=one")
        .await;
    assert_eq!(client.cookie("session").as_deref(), Some("one"));
    client.get("/unset").await.assert_status(200);
    client.get("/cookies").await.assert_text("").await;
    assert_eq!(client.cookie("session"), None);
}

#[tokio::test]
async fn a_request_may_have_a_cookie_of_its_own() {
    let client = client();
    client.set_cookie(("session", "kept"));
    let text = client.get("/cookies").cookie("session", "own").cookie("x", "1").await;
    text.assert_text("session=own; x=1").await;
    client.get("/cookies").await.assert_text("session=kept").await;
    client.clear_cookies();
    client.get("/cookies").await.assert_text("").await;
}

#[tokio::test]
async fn another_client_has_cookies_of_its_own() {
    let client = client();
    client.get("/set").await.assert_status(200);
    client.another().get("/cookies").await.assert_text("").await;
}

#[tokio::test(start_paused = true)]
async fn a_cookie_ages_with_paused_time() {
    let client = client();
    client.get("/short").await.assert_status(200);
    tokio::time::sleep(Duration::from_secs(59)).await;
    client.get("/cookies").await.assert_text("short=1").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    client.get("/cookies").await.assert_text("").await;
}
