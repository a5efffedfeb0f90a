//! All of them around one route, in the order that their documentation asks for.

use std::time::Duration;

use hyperlane::middleware::{
    AccessFormat, AccessLog, BodyLimit, CatchPanic, Compression, ConcurrencyLimit, Cors, Csrf, Decompression, ETags,
    MemoryStore, RateLimit, RequestIds, SecurityHeaders, Sessions, Timeout, Trace,
};
use hyperlane::{Context, HeaderValue, Response, Server};
use hyperlane_core::ConnectProtocol;

use crate::support::{app, call, get, header, post, request, text};

fn register(server: &Server) {
    server
        .middleware(RequestIds::new())
        .middleware(AccessLog::new().writer(std::io::sink(), AccessFormat::Json))
        .middleware(Trace::new())
        .middleware(CatchPanic::new())
        .middleware(SecurityHeaders::new())
        .middleware(Cors::new().origin("https://app.example"))
        .middleware(RateLimit::new(100, Duration::from_secs(60)))
        .middleware(ConcurrencyLimit::new(10))
        .middleware(Timeout::new(Duration::from_secs(30)))
        .middleware(Compression::new())
        .middleware(ETags::new())
        .middleware(Csrf::new().trust("https://app.example"))
        .middleware(Decompression::new())
        .middleware(BodyLimit::new(1024 * 1024))
        .middleware(Sessions::new(MemoryStore::new()))
        .get("/", async || "words and words and ".repeat(200))
        .post("/", async |body: String| body)
        .get("/socket", async || {
            Response::upgrade(HeaderValue::from_static("echo"), async |_| {})
        });
}

#[tokio::test]
async fn a_request_passes_all_of_them() {
    let app = app(register);
    let headers = [("accept-encoding", "gzip"), ("origin", "https://app.example")];
    let response = get(&app, "/", &headers).await;
    assert_eq!(response.status(), 200);
    for (name, value) in [
        ("content-encoding", "gzip"),
        ("x-content-type-options", "nosniff"),
        ("access-control-allow-origin", "https://app.example"),
        ("ratelimit-policy", "\"default\";q=100;w=60"),
    ] {
        assert_eq!(header(&response, name), value);
    }
    assert_eq!(header(&response, "x-request-id").len(), 32);
    let tag = header(&response, "etag").to_owned();
    let known = [headers[0], headers[1], ("if-none-match", tag.as_str())];
    assert_eq!(get(&app, "/", &known).await.status(), 304);
    let echo = post(&app, "/", &headers, "small").await;
    assert_eq!(text(echo).await, "small");
    let error = get(&app, "/nowhere", &[]).await;
    assert_eq!(error.status(), 404);
    assert_eq!(header(&error, "x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn an_upgrade_passes_all_of_them() {
    let app = app(register);
    let mut response = call(&app, request("GET", "/socket", &[("upgrade", "echo")], "")).await;
    assert_eq!(response.status(), 101);
    assert!(response.take_upgrade().is_some(), "RFC 9110 §7.8");
}

/// RFC 8441 §5: what follows is the other protocol, not a body that limits, codings and origins could be about.
#[tokio::test]
async fn an_extended_connect_passes_what_is_about_bodies() {
    let app = app(|server| {
        server
            .middleware(Csrf::new())
            .middleware(Decompression::new())
            .middleware(BodyLimit::new(4))
            .get("/socket", async |ctx: Context| ctx.bytes().await);
    });
    let connect = async |headers: &[(&str, &str)]| {
        let mut request = request("CONNECT", "/socket", headers, "more than four bytes");
        request.extensions_mut().insert(ConnectProtocol::new("websocket"));
        call(&app, request).await
    };
    let coded = connect(&[("content-encoding", "gzip"), ("sec-fetch-site", "same-origin")]).await;
    assert_eq!(coded.status(), 200);
    assert_eq!(text(coded).await, "more than four bytes");
    let foreign = [("host", "bank.example"), ("origin", "https://evil.example")];
    assert_eq!(connect(&foreign).await.status(), 403, "RFC 6455 §10.2");
    let own = [("host", "bank.example"), ("origin", "https://bank.example")];
    assert_eq!(connect(&own).await.status(), 200);
}

#[test]
fn the_route_table_shows_their_order() {
    let server = Server::new();
    register(&server);
    let table = server.routes().unwrap().to_string();
    let line = table.lines().find(|line| line.starts_with("POST")).unwrap();
    assert!(
        line.contains(
            "RequestIds → AccessLog → Trace → CatchPanic → SecurityHeaders → Cors → RateLimit → ConcurrencyLimit → \
             Timeout → Compression → ETags → Csrf → Decompression → BodyLimit → Sessions"
        ),
        "{line}"
    );
}
