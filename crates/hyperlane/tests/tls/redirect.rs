//! From `http` to `https`.

use std::sync::Arc;

use hyperlane::tls::RedirectToHttps;
use hyperlane::{App, ConnectionInfo, Response, Server, StatusCode};
use hyperlane_core::{TlsInfo, TlsVersion};

fn app(redirect: RedirectToHttps) -> App {
    let server = Server::new();
    server.middleware(redirect);
    server.get("/page", async || "page").post("/page", async || "posted");
    server.build().expect("valid")
}

async fn ask(app: &App, request: http::Request<&'static str>) -> (StatusCode, Option<String>) {
    let response: Response = app.call(request.into()).await;
    let location = response
        .headers()
        .get("location")
        .map(|value| value.to_str().expect("ascii").to_owned());
    (response.status(), location)
}

fn get(target: &str, host: &str) -> http::Request<&'static str> {
    http::Request::get(target).header("host", host).body("").expect("valid")
}

#[tokio::test]
async fn path_query_and_method_are_kept() {
    let app = app(RedirectToHttps::new());
    let (status, location) = ask(&app, get("/page?a=1&b=%20", "example.org")).await;
    assert_eq!(
        (status, location.as_deref()),
        (
            StatusCode::PERMANENT_REDIRECT,
            Some("https://example.org/page?a=1&b=%20")
        )
    );
    let post = http::Request::post("/page")
        .header("host", "example.org")
        .body("body")
        .expect("valid");
    assert_eq!(ask(&app, post).await.0, StatusCode::PERMANENT_REDIRECT);
    // Unknown paths too: what is there is for the other side to say.
    assert_eq!(
        ask(&app, get("//evil.example/", "example.org")).await.1.as_deref(),
        Some("https://example.org//evil.example/")
    );
}

#[tokio::test]
async fn the_port_is_that_of_https_and_not_the_client_s() {
    let plain = app(RedirectToHttps::new());
    assert_eq!(
        ask(&plain, get("/page", "example.org:8080")).await.1.as_deref(),
        Some("https://example.org/page")
    );
    assert_eq!(
        ask(&plain, get("/page", "[::1]:8080")).await.1.as_deref(),
        Some("https://[::1]/page")
    );
    let other = app(RedirectToHttps::new().port(8443));
    assert_eq!(
        ask(&other, get("/page", "example.org")).await.1.as_deref(),
        Some("https://example.org:8443/page")
    );
}

#[tokio::test]
async fn hosts_that_can_t_be_are_refused() {
    let free = app(RedirectToHttps::new());
    for host in ["user@example.org", "", "ex ample", "a/b", "a%0d%0ab", "a?b"] {
        let (status, location) = ask(&free, get("/page", host)).await;
        assert_eq!((status, location), (StatusCode::BAD_REQUEST, None), "{host:?}");
    }
    let known = app(RedirectToHttps::new().hosts(["example.org"]));
    assert_eq!(
        ask(&known, get("/page", "EXAMPLE.org")).await.0,
        StatusCode::PERMANENT_REDIRECT
    );
    assert_eq!(
        ask(&known, get("/page", "evil.example")).await.0,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn who_came_by_https_passes() {
    let app = app(RedirectToHttps::new());
    let mut info = ConnectionInfo::default();
    info.tls = Some(Arc::new(TlsInfo::new(TlsVersion::Tls13, "TLS13_AES_128_GCM_SHA256")));
    let mut request = get("/page", "example.org");
    request.extensions_mut().insert(Arc::new(info));
    assert_eq!(ask(&app, request).await, (StatusCode::OK, None));
    // A header that anybody may send says nothing.
    let mut claimed = get("/page", "example.org");
    claimed
        .headers_mut()
        .insert("x-forwarded-proto", "https".parse().expect("valid"));
    assert_eq!(ask(&app, claimed).await.0, StatusCode::PERMANENT_REDIRECT);
}
