//! Settings that make no sense: errors of `run` that name the middleware.

use std::time::Duration;

use hyperlane::middleware::{
    BasicAuth, Compression, ConcurrencyLimit, Cors, Csrf, Decompression, Jwt, MemoryStore, RateLimit, SecurityHeaders,
    Sessions, Timeout,
};
use hyperlane::{Middleware, Route, Router, SameSite, Server, StatusCode};

fn error_of<M: Middleware<A>, A: 'static>(middleware: M) -> String {
    let server = Server::new();
    server.middleware(middleware);
    let error = server.build().unwrap_err();
    assert!(error.is_config() && !error.is_route(), "{error}");
    error.to_string()
}

fn sessions() -> Sessions {
    Sessions::new(MemoryStore::new())
}

#[derive(Clone, serde::Deserialize)]
struct Claims {}

#[test]
fn each_names_its_middleware_and_says_what_to_do() {
    let second = Duration::from_secs(1);
    for (error, name, advice) in [
        (
            error_of(Cors::new().origin("*")),
            "Cors",
            "write scheme and host in lower case",
        ),
        (
            error_of(Cors::new().origin("https://app.example/")),
            "Cors",
            "`https://app.example/` is no origin",
        ),
        (
            error_of(Cors::new().origin("https://App.example")),
            "Cors",
            "lower case",
        ),
        (error_of(Cors::new().origin("app.example")), "Cors", "no origin"),
        (
            error_of(Cors::new().headers(["not a name"])),
            "Cors",
            "`not a name` is no name of a header",
        ),
        (error_of(Cors::new().expose(["a:b"])), "Cors", "no name of a header"),
        (
            error_of(Cors::new().any_origin().credentials()),
            "Cors",
            "name the origins",
        ),
        (
            error_of(Cors::new().credentials().any_origin()),
            "Cors",
            "name the origins",
        ),
        (
            error_of(Csrf::new().trust("https://pay.example/checkout")),
            "Csrf",
            "without a path",
        ),
        (error_of(RateLimit::new(0, second)), "RateLimit", "give at least one"),
        (
            error_of(RateLimit::new(5, Duration::ZERO).max_keys(7)),
            "RateLimit",
            "time for it",
        ),
        (
            error_of(Jwt::<Claims>::hs256(b"secret")),
            "Jwt",
            "has 6 bytes, and needs 32",
        ),
        (
            error_of(SecurityHeaders::none().set("x-a", "1\r\nset-cookie: a=b")),
            "SecurityHeaders",
            "line ends",
        ),
        (error_of(Timeout::new(Duration::ZERO)), "Timeout", "give it some"),
        (
            error_of(Timeout::new(second).status(StatusCode::OK)),
            "Timeout",
            "400 to 599",
        ),
        (
            error_of(ConcurrencyLimit::new(0)),
            "ConcurrencyLimit",
            "admit at least one",
        ),
        (error_of(Decompression::new().limit(0)), "Decompression", "0 bytes"),
        (
            error_of(Compression::new().zstd(false).br(false).gzip(false)),
            "Compression",
            "offer one",
        ),
        (error_of(BasicAuth::new("nobody")), "BasicAuth", "add a `user`"),
        (error_of(sessions().cookie_name("a b")), "Sessions", "not a token"),
        (
            error_of(sessions().cookie_name("__host-id").secure(false)),
            "Sessions",
            "only if it is secure",
        ),
        (
            error_of(sessions().same_site(SameSite::None).secure(false)),
            "Sessions",
            "only if it is secure",
        ),
        (error_of(sessions().idle(Duration::ZERO)), "Sessions", "no time"),
    ] {
        assert!(error.starts_with(&format!("middleware `{name}`: ")), "{error}");
        assert!(error.contains(advice), "{error}");
    }
}

#[test]
fn all_of_them_are_told_at_once_with_the_route_where_there_is_one() {
    let api = Router::new();
    api.middleware(Csrf::new().trust("x"))
        .get("/a", Route::new(async || "").middleware(Timeout::new(Duration::ZERO)));
    let server = Server::new();
    server.middleware(Cors::new().origin("y").origin("z")).nest("/api", api);
    let error = server.build().unwrap_err().to_string();
    for part in [
        "middleware `Cors`: `y` is no origin",
        "middleware `Cors`: `z` is no origin",
        "middleware `Csrf`: `x` is no origin",
        "route GET `/api/a`: middleware `Timeout`: a limit of no time",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
}
