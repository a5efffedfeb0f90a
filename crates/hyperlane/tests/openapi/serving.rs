//! How a document and its page are served.

use hyperlane::middleware::{BearerAuth, BearerError};
use hyperlane::openapi::{OpenApi, Security};
use hyperlane::{Request, Response, Route, Router, Server, StatusCode};
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
