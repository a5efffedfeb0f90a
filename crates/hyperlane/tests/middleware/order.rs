//! Orders of middleware that can't work.

use std::time::Duration;

use hyperlane::middleware::{
    AccessLog, BasicAuth, BodyLimit, CatchPanic, Compression, ConcurrencyLimit, Cors, Csrf, Decompression, ETags,
    MemoryStore, RateLimit, RequestIds, SecurityHeaders, Sessions, Timeout, Trace,
};
use hyperlane::{Route, Router, Server};

#[test]
fn the_documented_order_has_no_warning_and_stands_in_the_route_table() {
    let second = Duration::from_secs(1);
    let server = Server::new();
    server
        .middleware(RequestIds::new())
        .middleware(AccessLog::new())
        .middleware(Trace::new())
        .middleware(CatchPanic::new())
        .middleware(SecurityHeaders::new())
        .middleware(Cors::new())
        .middleware(RateLimit::new(1, second))
        .middleware(ConcurrencyLimit::new(1))
        .middleware(Timeout::new(second))
        .middleware(Compression::new())
        .middleware(ETags::new())
        .middleware(Csrf::new())
        .middleware(Decompression::new())
        .middleware(BodyLimit::new(1))
        .middleware(Sessions::new(MemoryStore::new()))
        .middleware(BasicAuth::new("a").user("b", "c"))
        .get("/", async || "");
    let table = server.routes().unwrap();
    assert!(table.warnings().is_empty(), "{:?}", table.warnings());
    let order = "RequestIds → AccessLog → Trace → CatchPanic → SecurityHeaders → Cors → RateLimit → ConcurrencyLimit → \
                 Timeout → Compression → ETags → Csrf → Decompression → BodyLimit → Sessions → BasicAuth";
    assert!(table.to_string().contains(order), "{table}");
}

#[test]
fn what_can_not_work_is_told_once_with_the_first_route_where_it_is() {
    let api = Router::new();
    api.middleware(Compression::new())
        .get("/a", async || "")
        .get("/b", async || "");
    let server = Server::new();
    server.middleware(ETags::new()).nest("/api", api).get(
        "/fine",
        Route::new(async || "").middleware(BasicAuth::new("a").user("b", "c")),
    );
    let table = server.routes().unwrap();
    assert_eq!(
        table.warnings(),
        [
            "`Compression` stands inside of `ETags`, which gives tags to whole bodies alone, and gets a stream: register \
          `Compression` before it (route GET `/api/a`)"
        ]
    );
    assert!(table.to_string().ends_with("(route GET `/api/a`)\n"), "{table}");
    assert!(server.build().is_ok(), "it is no error");
}

#[test]
fn preflight_requests_must_come_before_credentials_are_asked_for() {
    let server = Server::new();
    server
        .middleware(BasicAuth::new("a").user("b", "c"))
        .get("/", Route::new(async || "").middleware(Cors::new()));
    let warnings = server.routes().unwrap().warnings().join("");
    assert!(warnings.contains("`Cors` stands inside of `BasicAuth`"), "{warnings}");
}

#[test]
fn two_of_one_kind_are_told_where_they_are_in_each_others_way() {
    let server = Server::new();
    server
        .middleware(RequestIds::new())
        .get("/", Route::new(async || "").middleware(RequestIds::new()));
    let warnings = server.routes().unwrap().warnings().join("");
    assert!(warnings.contains("`RequestIds` stands there twice"), "{warnings}");
}
