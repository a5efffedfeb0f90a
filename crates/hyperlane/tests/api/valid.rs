//! Rules of types, checked before the handler runs.

use garde::Validate;
use hyperlane::{App, Form, Json, Path, Query, Valid};
use serde::Deserialize;
use serde_json::json;

use crate::support::{app, call, get, post, problem};

#[derive(Debug, Deserialize, Validate)]
struct User {
    #[garde(length(chars, min = 1, max = 10))]
    name: String,
    #[garde(range(min = 18))]
    age: u8,
    #[serde(default)]
    #[garde(dive)]
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize, Validate)]
struct Tag {
    #[garde(length(min = 1))]
    text: String,
}

fn users() -> App {
    app(|server| {
        server.post("/json", async |Valid(Json(user)): Valid<Json<User>>| user.name);
        server.post("/form", async |Valid(Form(user)): Valid<Form<User>>| user.name);
        server.get("/query", async |Valid(Query(user)): Valid<Query<User>>| user.name);
        server.get("/path/{name}/{age}", async |Valid(Path(user)): Valid<Path<User>>| {
            user.name
        });
        server.post("/optional", async |user: Option<Valid<Json<User>>>| {
            user.is_some().to_string()
        });
    })
}

#[tokio::test]
async fn what_follows_the_rules_is_taken() {
    let app = users();
    assert_eq!(
        call(&app, post("/json", "application/json", r#"{"name":"a","age":18}"#))
            .await
            .text,
        "a"
    );
    assert_eq!(
        call(
            &app,
            post("/form", "application/x-www-form-urlencoded", "name=a&age=18")
        )
        .await
        .text,
        "a"
    );
    assert_eq!(get(&app, "/query?name=a&age=18").await.text, "a");
    assert_eq!(get(&app, "/path/a/18").await.text, "a");
    assert_eq!(call(&app, hyperlane_request("/optional")).await.text, "false");
}

fn hyperlane_request(target: &str) -> http::Request<hyperlane::Body> {
    crate::support::request(hyperlane::Method::POST, target, "")
}

#[tokio::test]
async fn each_broken_rule_is_told_with_its_field() {
    let app = users();
    for target in ["/json", "/optional"] {
        let body = r#"{"name":"","age":17,"tags":[{"text":"x"},{"text":""}]}"#;
        let document = problem(&call(&app, post(target, "application/json", body)).await);
        assert_eq!(
            document,
            json!({
                "type": "about:blank",
                "title": "Unprocessable Entity",
                "status": 422,
                "detail": "3 fields break their rules",
                "code": "rule-broken",
                "errors": [
                    {"in": "body", "field": "age", "pointer": "#/age", "detail": "lower than 18"},
                    {"in": "body", "field": "name", "pointer": "#/name", "detail": "length is lower than 1"},
                    {"in": "body", "field": "tags[1].text", "pointer": "#/tags/1/text", "detail": "length is lower than 1"},
                ],
            })
        );
    }
    for (target, status, place) in [("/query?name=a&age=1", 400, "query"), ("/path/a/1", 400, "path")] {
        let document = problem(&get(&app, target).await);
        assert_eq!(
            (document["status"].as_u64(), &document["errors"][0]["in"]),
            (Some(status), &place.into())
        );
        assert_eq!(document["errors"][0].get("pointer"), None);
    }
    let document = problem(&call(&app, post("/form", "application/x-www-form-urlencoded", "name=a&age=1")).await);
    assert_eq!(
        (document["status"].as_u64(), &document["errors"][0]["in"]),
        (Some(422), &"form".into())
    );
    assert_eq!(document["detail"], "a field breaks its rule");
}

#[tokio::test]
async fn what_can_not_be_read_is_rejected_before_any_rule() {
    let app = users();
    assert_eq!(
        problem(&call(&app, post("/json", "application/json", "{}")).await)["code"],
        "invalid"
    );
    assert_eq!(problem(&get(&app, "/query").await)["code"], "invalid");
}

/// Whoever sends a huge list of wrong things is not answered with one.
#[tokio::test]
async fn the_number_of_broken_rules_that_are_told_is_limited() {
    let tags = r#"{"text":""},"#.repeat(5000);
    let body = format!(r#"{{"name":"a","age":18,"tags":[{}]}}"#, tags.trim_end_matches(','));
    let document = problem(&call(&users(), post("/json", "application/json", body)).await);
    assert_eq!(document["errors"].as_array().unwrap().len(), 100);
    assert_eq!(document["detail"], "5000 fields break their rules");
}
