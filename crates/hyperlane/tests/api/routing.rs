//! Which endpoint answers.

use hyperlane::{Context, Method, Path, Server, StatusCode};

use crate::support::{app, call, get, request};

fn several(server: &Server) {
    server
        .get("/both", async || "get")
        .post("/both", async || "post")
        .route("/mixed", async || "any")
        .put("/mixed", async || "put")
        .get("/user/{id}", async |Path(id): Path<String>| id)
        .get("/user/me", async || "myself")
        .get("/files/{*path}", async |ctx: Context| {
            ctx.param("path").map(str::to_owned).unwrap_or_default()
        });
}

#[tokio::test]
async fn methods_of_one_pattern_have_their_own_handlers() {
    let app = app(several);
    assert_eq!(get(&app, "/both").await.text, "get");
    assert_eq!(call(&app, request(Method::POST, "/both", "")).await.text, "post");
}

#[tokio::test]
async fn a_method_of_its_own_goes_before_any_method() {
    let app = app(several);
    assert_eq!(call(&app, request(Method::PUT, "/mixed", "")).await.text, "put");
    assert_eq!(call(&app, request(Method::DELETE, "/mixed", "")).await.text, "any");
    assert_eq!(call(&app, request(Method::OPTIONS, "/mixed", "")).await.text, "any");
    let brew = Method::from_bytes(b"BREW").unwrap();
    assert_eq!(call(&app, request(brew, "/mixed", "")).await.text, "any");
}

#[tokio::test]
async fn an_own_method_can_be_registered() {
    let brew = Method::from_bytes(b"BREW").unwrap();
    let app = app(|server| {
        server
            .on(brew.clone(), "/pot", async || "coffee")
            .delete("/pot", async || {});
    });
    assert_eq!(call(&app, request(brew, "/pot", "")).await.text, "coffee");
    assert_eq!(get(&app, "/pot").await.header("allow"), Some("OPTIONS, DELETE, BREW"));
}

/// RFC 9110 §15.5.6.
#[tokio::test]
async fn a_missing_method_is_a_405_that_lists_the_others() {
    let app = app(several);
    let answer = call(&app, request(Method::DELETE, "/both", "")).await;
    assert_eq!(
        (answer.status(), answer.header("allow")),
        (405, Some("GET, HEAD, OPTIONS, POST"))
    );
}

/// RFC 9110 §9.3.7.
#[tokio::test]
async fn options_is_answered_with_what_there_is() {
    let app = app(several);
    let answer = call(&app, request(Method::OPTIONS, "/both", "")).await;
    assert_eq!(
        (answer.status(), answer.header("allow")),
        (204, Some("GET, HEAD, OPTIONS, POST"))
    );
    let answer = call(&app, request(Method::OPTIONS, "*", "")).await;
    assert_eq!(
        (answer.status(), answer.header("allow")),
        (204, Some("GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE"))
    );
    assert_eq!(call(&app, request(Method::OPTIONS, "/nowhere", "")).await.status(), 404);
}

/// RFC 9110 §9.3.2.
#[tokio::test]
async fn head_is_answered_by_the_handler_of_get_unless_it_has_its_own() {
    let app = app(|server| {
        server.get("/a", async |ctx: Context| ctx.method().to_string());
        server
            .get("/b", async || "get")
            .head("/b", async || [("x", "own")].map(|(_, own)| own).concat());
        server.post("/c", async || "");
    });
    assert_eq!(call(&app, request(Method::HEAD, "/a", "")).await.text, "HEAD");
    assert_eq!(call(&app, request(Method::HEAD, "/b", "")).await.text, "own");
    assert_eq!(call(&app, request(Method::HEAD, "/c", "")).await.status(), 405);
}

#[tokio::test]
async fn text_goes_before_parameters_and_parameters_are_decoded() {
    let app = app(several);
    assert_eq!(get(&app, "/user/me").await.text, "myself");
    assert_eq!(get(&app, "/user/J%C3%BCrgen%2Fb").await.text, "Jürgen/b");
    assert_eq!(get(&app, "/files/a/b%20c").await.text, "a/b c");
}

#[tokio::test]
async fn no_pattern_is_a_404_and_a_bad_escape_a_400() {
    let app = app(several);
    assert_eq!(get(&app, "/nowhere").await.status(), 404);
    let answer = get(&app, "/user/%g1").await;
    assert_eq!(answer.status(), 400);
    assert!(answer.text.contains("escape"), "{}", answer.text);
    assert_eq!(get(&app, "/user/a%00b").await.status(), 400);
}

#[tokio::test]
async fn a_fallback_replaces_the_404_only() {
    let app = app(|server| {
        several(server);
        server.fallback(async |ctx: Context| {
            (
                StatusCode::NOT_FOUND,
                format!("{} {:?}", ctx.path(), ctx.matched_pattern()),
            )
        });
    });
    let answer = get(&app, "/nowhere").await;
    assert_eq!((answer.status(), answer.text.as_str()), (404, "/nowhere None"));
    assert_eq!(call(&app, request(Method::DELETE, "/both", "")).await.status(), 405);
}

#[tokio::test]
async fn the_context_knows_the_pattern_as_it_was_registered() {
    let app = app(|server| {
        server.get("/a", async || "").get("/user/{id}/x", async |ctx: Context| {
            ctx.matched_pattern().unwrap().to_owned()
        });
    });
    assert_eq!(get(&app, "/user/7/x").await.text, "/user/{id}/x");
}
