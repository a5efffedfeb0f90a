//! `Cors`.

use std::time::Duration;

use hyperlane::Method;
use hyperlane::middleware::Cors;

use crate::support::{app, call, get, header, request, text, three_pieces};

fn sharing(cors: Cors) -> hyperlane::App {
    app(|server| {
        server
            .middleware(cors)
            .get("/", async || ([("vary", "cookie"), ("etag", "\"1\"")], "hello"))
            .get("/stream", three_pieces);
    })
}

async fn preflight(app: &hyperlane::App, origin: &str) -> hyperlane::Response {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", "PUT"),
        ("access-control-request-headers", "content-type"),
    ];
    call(app, request("OPTIONS", "/", &headers, "")).await
}

#[tokio::test]
async fn a_preflight_of_a_named_origin_is_answered_with_what_is_allowed() {
    let cors = Cors::new()
        .origin("https://app.example")
        .methods([Method::GET, Method::PUT])
        .headers(["content-type", "x-version"])
        .credentials()
        .max_age(Duration::from_secs(60));
    let response = preflight(&sharing(cors), "https://app.example").await;
    assert_eq!(response.status(), 204);
    assert_eq!(header(&response, "access-control-allow-origin"), "https://app.example");
    assert_eq!(header(&response, "access-control-allow-methods"), "GET,PUT");
    assert_eq!(
        header(&response, "access-control-allow-headers"),
        "content-type,x-version"
    );
    assert_eq!(header(&response, "access-control-allow-credentials"), "true");
    assert_eq!(header(&response, "access-control-max-age"), "60");
    assert!(header(&response, "vary").contains("origin"));
}

#[tokio::test]
async fn an_origin_that_was_not_named_gets_no_permission() {
    let app = sharing(Cors::new().origin("https://app.example").credentials());
    for origin in [
        "https://evil.example",
        "https://app.example.evil.example",
        "http://app.example",
        "https://app.example:8443",
        "https://APP.example",
        "null",
        "",
    ] {
        for response in [
            preflight(&app, origin).await,
            get(&app, "/", &[("origin", origin)]).await,
        ] {
            assert_eq!(header(&response, "access-control-allow-origin"), "", "{origin}");
            assert!(response.headers().get_all("vary").iter().any(|value| value == "origin"));
        }
    }
    let nobody = sharing(Cors::new());
    assert_eq!(
        header(
            &preflight(&nobody, "https://a.example").await,
            "access-control-allow-origin"
        ),
        ""
    );
}

#[tokio::test]
async fn an_answer_says_who_may_read_it_and_keeps_the_rest() {
    let app = sharing(Cors::new().origin("https://app.example").expose(["etag"]));
    let response = get(&app, "/", &[("origin", "https://app.example")]).await;
    assert_eq!(header(&response, "access-control-allow-origin"), "https://app.example");
    assert_eq!(header(&response, "access-control-expose-headers"), "etag");
    let vary: Vec<_> = response.headers().get_all("vary").iter().collect();
    assert_eq!(vary, ["cookie", "origin"]);
    assert_eq!(crate::support::length(&response), Some(5));
    assert_eq!(text(response).await, "hello");
    let stream = get(&app, "/stream", &[("origin", "https://app.example")]).await;
    assert_eq!(text(stream).await, "one two three");
    let error = get(&app, "/nowhere", &[("origin", "https://app.example")]).await;
    assert_eq!(error.status(), 404);
    assert_eq!(header(&error, "access-control-allow-origin"), "https://app.example");
}

#[tokio::test]
async fn options_that_are_no_preflight_reach_the_route() {
    let app = sharing(Cors::new().origin("https://app.example"));
    let response = call(&app, request("OPTIONS", "/", &[("origin", "https://app.example")], "")).await;
    assert!(header(&response, "allow").contains("GET"), "RFC 9110 §9.3.7");
    assert_eq!(
        header(&response, "access-control-allow-origin"),
        "https://app.example",
        "a page may read it"
    );
    assert_eq!(
        header(&response, "access-control-allow-methods"),
        "",
        "that is for preflight requests"
    );
    let other = call(&app, request("OPTIONS", "/", &[("origin", "https://evil.example")], "")).await;
    assert_eq!(header(&other, "access-control-allow-origin"), "");
}

#[tokio::test]
async fn origins_may_be_all_or_chosen_by_a_function() {
    let any = sharing(Cors::new().any_origin().any_header());
    let response = preflight(&any, "https://whoever.example").await;
    assert_eq!(header(&response, "access-control-allow-origin"), "*");
    assert_eq!(header(&response, "access-control-allow-headers"), "content-type");
    assert_eq!(header(&response, "access-control-allow-credentials"), "");

    let chosen = sharing(Cors::new().origin_if(|origin| origin.starts_with("https://pr-")));
    let ask = async |origin| {
        header(
            &get(&chosen, "/", &[("origin", origin)]).await,
            "access-control-allow-origin",
        )
        .to_owned()
    };
    assert_eq!(ask("https://pr-7.example").await, "https://pr-7.example");
    assert_eq!(ask("https://evil.example").await, "");
}
