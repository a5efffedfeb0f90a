//! `ETags`.

use hyperlane::StatusCode;
use hyperlane::middleware::ETags;

use crate::support::{app, bytes, call, get, header, post, request, text, three_pieces};

fn tagging() -> hyperlane::App {
    app(|server| {
        server
            .middleware(ETags::new())
            .get("/", async || ([("cache-control", "max-age=60"), ("x-a", "1")], "body"))
            .get("/other", async || "other body")
            .get("/own", async || ([("etag", "\"v7\"")], "costly"))
            .get("/missing", async || (StatusCode::NOT_FOUND, "none"))
            .get("/secret", async || ([("cache-control", "private, No-Store")], "secret"))
            .get("/stream", three_pieces)
            .post("/", async || "made");
    })
}

#[tokio::test]
async fn the_same_body_has_the_same_weak_tag() {
    let app = tagging();
    let first = header(&get(&app, "/", &[]).await, "etag").to_owned();
    assert!(first.starts_with("W/\"") && first.ends_with('"'), "{first}");
    assert_eq!(header(&get(&app, "/", &[]).await, "etag"), first);
    assert_ne!(header(&get(&app, "/other", &[]).await, "etag"), first);
    let head = call(&app, request("HEAD", "/", &[], "")).await;
    assert_eq!(header(&head, "etag"), first, "RFC 9110 §9.3.2");
}

#[tokio::test]
async fn answers_304_without_a_body_to_who_has_it() {
    let app = tagging();
    let tag = header(&get(&app, "/", &[]).await, "etag").to_owned();
    let list = format!("\"x\", {tag}");
    for known in [tag.as_str(), &tag[2..], &list, "*"] {
        let response = get(&app, "/", &[("if-none-match", known)]).await;
        assert_eq!(response.status(), 304, "{known}: RFC 9110 §13.1.2");
        assert_eq!(header(&response, "etag"), tag);
        assert_eq!(header(&response, "cache-control"), "max-age=60", "RFC 9110 §15.4.5");
        assert_eq!(header(&response, "content-type"), "");
        assert!(bytes(response).await.is_empty());
    }
    let response = get(&app, "/", &[("if-none-match", "\"else\"")]).await;
    assert_eq!(
        (response.status().as_u16(), text(response).await.as_str()),
        (200, "body")
    );
}

#[tokio::test]
async fn a_tag_that_the_handler_knows_counts() {
    let app = tagging();
    assert_eq!(header(&get(&app, "/own", &[]).await, "etag"), "\"v7\"");
    assert_eq!(get(&app, "/own", &[("if-none-match", "W/\"v7\"")]).await.status(), 304);
}

#[tokio::test]
async fn streams_errors_secrets_and_other_methods_have_none() {
    let app = tagging();
    for path in ["/stream", "/missing", "/secret"] {
        let response = get(&app, path, &[("if-none-match", "*")]).await;
        assert_ne!(response.status(), 304, "{path}");
        assert_eq!(header(&response, "etag"), "", "{path}");
    }
    assert_eq!(text(get(&app, "/stream", &[]).await).await, "one two three");
    let response = post(&app, "/", &[("if-none-match", "*")], "").await;
    assert_eq!((response.status().as_u16(), header(&response, "etag")), (200, ""));
}
