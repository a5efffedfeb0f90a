//! `Csrf`.

use hyperlane::StatusCode;
use hyperlane::middleware::Csrf;

use crate::support::{app, call, request};

async fn status(method: &str, headers: &[(&str, &str)]) -> StatusCode {
    let app = app(|server| {
        server
            .middleware(Csrf::new().trust("https://pay.example"))
            .route("/", async || "changed");
    });
    let mut all = vec![("host", "shop.example")];
    all.extend_from_slice(headers);
    call(&app, request(method, "/", &all, "")).await.status()
}

#[tokio::test]
async fn safe_methods_pass_whatever_they_come_from() {
    for method in ["GET", "HEAD", "OPTIONS"] {
        let headers = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
        assert_eq!(status(method, &headers).await, 200, "{method}: RFC 9110 §9.2.1");
    }
}

#[tokio::test]
async fn requests_of_the_same_origin_and_of_other_clients_pass() {
    for headers in [
        &[("sec-fetch-site", "same-origin"), ("origin", "https://shop.example")][..],
        &[("sec-fetch-site", "none")],
        &[("origin", "https://shop.example")],
        &[("origin", "https://shop.example:443")],
        &[("origin", "http://SHOP.example")],
        &[],
    ] {
        assert_eq!(status("POST", headers).await, 200, "{headers:?}");
    }
}

#[tokio::test]
async fn requests_of_other_sites_are_refused() {
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://shop.example")],
        &[("sec-fetch-site", "nonsense")],
        &[("sec-fetch-site", "")],
        &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "https://shop.example.evil.example")],
        &[("origin", "https://shop.example:8443")],
        &[("origin", "https://evil.example/shop.example")],
        &[("origin", "https://shop.example@evil.example")],
        &[("origin", "shop.example")],
        &[("origin", "null")],
        &[("origin", "https://shop.example"), ("origin", "https://evil.example")],
    ] {
        for method in ["POST", "PUT", "DELETE", "PATCH", "CONJURE"] {
            assert_eq!(status(method, headers).await, 403, "{method} {headers:?}");
        }
    }
}

#[tokio::test]
async fn a_websocket_of_another_site_is_refused() {
    let upgrade = ("upgrade", "websocket");
    let from = async |origin| status("GET", &[upgrade, ("origin", origin)]).await;
    assert_eq!(from("https://evil.example").await, 403, "RFC 6455 §10.2");
    assert_eq!(from("https://shop.example").await, 200);
    assert_eq!(from("https://pay.example").await, 200);
    assert_eq!(status("GET", &[upgrade]).await, 200, "no browser");
}

#[tokio::test]
async fn trusted_origins_pass_and_only_these() {
    let trusted = [("sec-fetch-site", "cross-site"), ("origin", "https://pay.example")];
    assert_eq!(status("POST", &trusted).await, 200);
    for origin in [
        "http://pay.example",
        "https://pay.example:444",
        "https://pay.example.evil",
    ] {
        let headers = [("sec-fetch-site", "cross-site"), ("origin", origin)];
        assert_eq!(status("POST", &headers).await, 403, "{origin}");
    }
}
