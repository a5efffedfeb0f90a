//! How a document and its page are served.

use hyperlane::middleware::{BearerAuth, BearerError};
use hyperlane::openapi::{OpenApi, Security};
use hyperlane::{Request, Response, Route, Router, Server, StatusCode, TrailingSlash};
use serde_json::{Value, json};

async fn get(server: &Server, paths: &[&str]) -> Vec<Response> {
    let app = server.build().expect("all is well");
    let mut responses = Vec::new();
    for path in paths {
        let request = http::Request::get(*path).body("").expect("it is one");
        responses.push(app.call(Request::from(request)).await);
    }
    responses
}

async fn text(response: &mut Response) -> String {
    let bytes = response.body_mut().bytes().await.expect("it is in memory");
    String::from_utf8(bytes.to_vec()).expect("it is text")
}

#[tokio::test]
async fn the_document_has_routes_that_were_registered_after_it() {
    let server = Server::new();
    OpenApi::new("late", "2").path("/api/openapi.json").serve(&server);
    server
        .get("/late", async || "")
        .get("/hidden", Route::new(async || "").undocumented());
    let mut responses = get(&server, &["/api/openapi.json"]).await;
    assert_eq!(responses[0].headers()["content-type"], "application/json");
    let document: Value = serde_json::from_str(&text(&mut responses[0]).await).expect("it is json");
    assert_eq!(document["info"], json!({ "title": "late", "version": "2" }));
    assert_eq!(
        document["paths"]
            .as_object()
            .expect("it is one")
            .keys()
            .collect::<Vec<_>>(),
        ["/late"]
    );
}

#[test]
fn what_is_told_of_the_api_is_in_the_document() {
    let api = OpenApi::new("all", "1")
        .description("text")
        .license("MIT", "MIT")
        .contact("us", "us@example.com")
        .server("https://api.example.com/v1", "live")
        .tag("a", "all of it")
        .security("basic", Security::basic())
        .security("session", Security::cookie("sid").description("by logging in"))
        .edit(|document| document["x-own"] = json!(1));
    let document = api.document(&Server::new()).expect("all is well");
    let document = document.as_value();
    assert_eq!(document["info"]["license"]["identifier"], "MIT");
    assert_eq!(document["servers"][0]["url"], "https://api.example.com/v1");
    assert_eq!(document["tags"][0]["name"], "a");
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(schemes["basic"], json!({ "type": "http", "scheme": "basic" }));
    assert_eq!(
        (&schemes["session"]["in"], &schemes["session"]["name"]),
        (&json!("cookie"), &json!("sid"))
    );
    assert_eq!(document["x-own"], 1);
}

#[test]
fn routes_behind_the_middleware_that_asks_are_described_as_secured() {
    async fn verify(_: String) -> Result<(), BearerError> {
        Ok(())
    }
    let inside = Router::new();
    inside
        .middleware(BearerAuth::new("app", verify))
        .get("/inside", async || "");
    let server = Server::new();
    server.get("/outside", async || "").merge(inside);
    let api = OpenApi::new("secured", "1").security("token", Security::bearer());
    let document = api.document(&server).expect("all is well");
    let paths = &document.as_value()["paths"];
    assert_eq!(paths["/inside"]["get"]["security"], json!([{ "token": [] }]));
    assert!(paths["/inside"]["get"]["responses"].get("401").is_some());
    assert!(paths["/outside"]["get"].get("security").is_none());
}

#[tokio::test]
async fn the_page_has_a_policy_and_loads_its_own_files() {
    let server = Server::new();
    OpenApi::new("seen", "1")
        .server("https://api.example.com/v1", "live")
        .viewer("/a/docs")
        .serve(&server);
    let files = [
        "/a/docs",
        "/a/docs/start.js",
        "/a/docs/swagger-ui.css",
        "/a/docs/swagger-ui-bundle.js",
    ];
    let mut responses = get(&server, &files).await;
    assert!(responses.iter().all(|response| response.status() == StatusCode::OK));
    let policy = responses[0].headers()["content-security-policy"]
        .to_str()
        .expect("it is ascii")
        .to_owned();
    assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self' https://api.example.com;"));
    assert_eq!(responses[3].headers()["content-encoding"], "gzip");
    let page = text(&mut responses[0]).await;
    assert!(
        page.contains(r#"src="docs/start.js" data-document="../openapi.json""#),
        "{page}"
    );
}

#[tokio::test]
async fn the_page_finds_its_files_also_behind_a_slash_that_is_ignored() {
    let server = Server::new();
    server.trailing_slash(TrailingSlash::Ignore);
    OpenApi::new("seen", "1").viewer("/docs").serve(&server);
    let mut responses = get(&server, &["/docs", "/docs/"]).await;
    let (plain, slashed) = responses.split_at_mut(1);
    let plain = text(&mut plain[0]).await;
    assert!(
        plain.contains(r#"src="docs/start.js" data-document="openapi.json""#),
        "{plain}"
    );
    let slashed = text(&mut slashed[0]).await;
    assert!(
        slashed.contains(r#"src="start.js" data-document="../openapi.json""#),
        "{slashed}"
    );
}

/// Nothing that a server's URL holds becomes a directive of the policy (CSP 3 §2.3), and nobody's password stands in it.
#[tokio::test]
async fn the_policy_has_origins_and_nothing_else_of_a_servers_url() {
    let server = Server::new();
    OpenApi::new("seen", "1")
        .server("https://me:secret@api.example.com:8443/v1", "live")
        .server("https://odd;script-src", "odd")
        .server("/relative", "here")
        .viewer("/docs")
        .serve(&server);
    let responses = get(&server, &["/docs"]).await;
    let policy = responses[0].headers()["content-security-policy"]
        .to_str()
        .expect("it is ascii");
    assert!(
        policy.contains("connect-src 'self' https://api.example.com:8443; base-uri 'none'"),
        "{policy}"
    );
}

#[tokio::test]
async fn what_is_told_of_the_api_is_no_part_of_the_page() {
    let server = Server::new();
    let evil = "</script><script>alert(1)</script>";
    OpenApi::new(evil, "1")
        .description(evil)
        .path("/a\"b.json")
        .viewer("/docs")
        .serve(&server);
    let mut responses = get(&server, &["/docs"]).await;
    let page = text(&mut responses[0]).await;
    assert!(!page.contains("alert"), "{page}");
    assert!(page.contains(r#"data-document="a&quot;b.json""#), "{page}");
}

#[test]
#[should_panic(expected = "`my token` can't be the name of a security scheme")]
fn a_security_scheme_has_a_name_that_components_may_have() {
    let _ = OpenApi::new("secured", "1").security("my token", Security::bearer());
}

#[test]
fn a_tag_that_is_told_twice_is_there_once() {
    let api = OpenApi::new("tags", "1").tag("a", "old").tag("b", "").tag("a", "new");
    let document = api.document(&Server::new()).expect("all is well");
    let tags = document.as_value()["tags"].as_array().expect("there are some");
    let names: Vec<_> = tags.iter().map(|tag| (&tag["name"], &tag["description"])).collect();
    assert_eq!(names, [(&json!("b"), &json!("")), (&json!("a"), &json!("new"))]);
}
