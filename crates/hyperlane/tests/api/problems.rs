//! What a client is told of what is wrong with its request (RFC 9457).

use hyperlane::{Bytes, Extension, Json, MatchedPath, Method, Path, Problem, Query, Rejection, RejectionKind, State};
use serde::Deserialize;
use serde_json::json;

use crate::support::{app, call, get, post, problem, request};

#[derive(Debug, Deserialize)]
struct User {
    #[expect(dead_code, reason = "only its type matters")]
    name: String,
    #[serde(default)]
    #[expect(dead_code, reason = "only its type matters")]
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
struct Tag {
    #[serde(rename = "a/b")]
    #[expect(dead_code, reason = "only its type matters")]
    slash: u8,
}

async fn document(body: &str) -> serde_json::Value {
    let app = app(|server| {
        server.post("/", async |_: Json<User>| "");
    });
    problem(&call(&app, post("/", "application/json", body.to_owned())).await)
}

#[tokio::test]
async fn a_field_of_json_that_does_not_fit_is_named_with_path_and_pointer() {
    let document = document(r#"{"name":"n","tags":[{"a/b":1},{"a/b":300}]}"#).await;
    let detail = "invalid value: integer `300`, expected u8 at line 1 column 40";
    assert_eq!(
        document,
        json!({
            "type": "about:blank",
            "title": "Unprocessable Entity",
            "status": 422,
            "detail": format!("json body does not fit at `tags[1].a/b`: {detail}"),
            "code": "invalid",
            "errors": [{"in": "body", "field": "tags[1].a/b", "pointer": "#/tags/1/a~1b", "detail": detail}],
        })
    );
}

#[tokio::test]
async fn a_missing_field_of_json_is_named_itself() {
    let missing = document(r#"{"tags":[]}"#).await;
    assert_eq!(
        (&missing["errors"][0]["field"], &missing["errors"][0]["pointer"]),
        (&json!("name"), &json!("#/name"))
    );
    let nested = document(r#"{"name":"","tags":[{}]}"#).await;
    assert_eq!(nested["errors"][0]["field"], "tags[0].a/b");
    let other = document("7").await;
    assert_eq!(
        (&other["errors"][0]["field"], &other["errors"][0]["pointer"]),
        (&json!(""), &json!("#"))
    );
}

#[tokio::test]
async fn what_is_no_json_is_malformed_and_names_no_field() {
    for body in ["", "{", r#"{"name":""}x"#, "\u{feff}{}", "nul"] {
        let document = document(body).await;
        assert_eq!(
            (&document["status"], &document["code"]),
            (&json!(400), &json!("malformed")),
            "{body:?}"
        );
        assert_eq!(document.get("errors"), None, "{body:?}");
    }
}

#[tokio::test]
async fn a_body_of_another_type_is_told_which_is_taken() {
    let app = app(|server| {
        server.post("/", async |_: Json<User>| "");
    });
    let document = problem(&call(&app, post("/", "text/plain", "{}")).await);
    assert_eq!(
        (&document["status"], &document["code"]),
        (&json!(415), &json!("unsupported-media-type"))
    );
    assert_eq!(
        document["errors"],
        json!([{"in": "header", "field": "content-type", "detail": "must be `application/json`"}])
    );
    let document = problem(&call(&app, request(Method::POST, "/", "")).await);
    assert_eq!(
        (&document["status"], &document["code"]),
        (&json!(400), &json!("missing"))
    );
}

#[tokio::test]
async fn parameters_of_path_and_query_are_named() {
    #[derive(Deserialize)]
    struct Page {
        #[expect(dead_code, reason = "only its type matters")]
        page: u32,
    }
    let app = app(|server| {
        server.get("/{id}", async |_: Path<u8>, _: Query<Page>| "");
    });
    let document = problem(&get(&app, "/256").await);
    assert_eq!(
        document["errors"],
        json!([{"in": "path", "field": "id", "detail": "\"256\" is not a whole number from 0 to 255"}])
    );
    let document = problem(&get(&app, "/1?page=x").await);
    assert_eq!(
        (&document["status"], &document["errors"][0]["field"]),
        (&json!(400), &json!("page"))
    );
    assert_eq!(document["errors"][0]["in"], "query");
    let document = problem(&get(&app, "/1").await);
    assert_eq!(document["errors"][0]["field"], "page");
}

/// Whoever sends much is not answered with as much.
#[tokio::test]
async fn what_a_request_said_is_repeated_in_part_only() {
    let huge = "ü".repeat(100_000);
    let answer = document(&format!(r#"{{"name":"","tags":"{huge}"}}"#)).await;
    assert!(answer.to_string().len() < 4000, "{} bytes", answer.to_string().len());
    let answer = document(&format!(r#"{{"name":"","tags":[{{"a/b":"{huge}"}}]}}"#)).await;
    assert!(answer.to_string().len() < 4000, "{} bytes", answer.to_string().len());
}

#[tokio::test]
async fn a_mistake_of_the_program_is_a_500_that_tells_nothing() {
    let app = app(|server| {
        server.get("/extension", async |_: Extension<u8>| "");
        server.get("/path/{a}/{b}", async |_: Path<u8>| "");
        server.fallback(async |_: MatchedPath| "");
    });
    for target in ["/extension", "/path/1/2", "/nowhere"] {
        let document = problem(&get(&app, target).await);
        assert_eq!(
            document,
            json!({"type": "about:blank", "title": "Internal Server Error", "status": 500}),
            "{target}"
        );
    }
}

#[tokio::test]
async fn every_rejection_travels_with_its_problem() {
    let app = app(|server| {
        server.get("/{id}", async |_: Path<u8>| "");
    });
    let response = get(&app, "/x").await.response;
    let problem = response.extensions().unwrap().get::<Problem>().unwrap();
    assert_eq!(
        (problem.status().as_u16(), problem.member("code")),
        (400, Some("\"invalid\""))
    );
    assert_eq!(problem.errors()[0].field(), "id");
}

#[tokio::test]
async fn a_handler_can_look_at_the_kind_and_shape_the_answer_itself() {
    let app = app(|server| {
        server.post("/", async |body: Result<Json<User>, Rejection>| match body {
            Ok(_) => "fine".to_owned(),
            Err(rejection) => format!(
                "{:?} {} {}",
                rejection.kind(),
                rejection.status(),
                rejection.fields().len()
            ),
        });
        server.post("/state", async |state: Option<State<u8>>, bytes: Bytes| {
            format!("{} {}", state.is_none(), bytes.len())
        });
    });
    assert_eq!(
        call(&app, post("/", "application/json", "{")).await.text,
        "Malformed 400 Bad Request 0"
    );
    assert_eq!(
        call(&app, post("/", "text/plain", "{")).await.text,
        "UnsupportedMediaType 415 Unsupported Media Type 1"
    );
    assert_eq!(
        call(&app, post("/", "application/json", "1")).await.text,
        "Invalid 422 Unprocessable Entity 1"
    );
    assert_eq!(call(&app, post("/state", "text/plain", "1")).await.text, "true 1");
    assert_eq!(RejectionKind::RuleBroken.as_str(), "rule-broken");
}
