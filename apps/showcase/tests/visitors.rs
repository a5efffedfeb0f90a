//! The guest book in memory, through the client for tests: sessions, forms, rules, and who may do what.

#![expect(
    clippy::unwrap_used,
    reason = "how a test says what must hold, in its helpers as well"
)]

use hyperlane::{StatusCode, testing::TestClient};
use serde_json::{Value, json};
use showcase::{
    app::{Showcase, app},
    args::Args,
};
use tempfile::TempDir;

/// A showcase in memory, over a database in a folder of its own.
struct Visited {
    client: TestClient,
    showcase: Showcase,
    folder: TempDir,
}

impl Visited {
    async fn new() -> Self {
        Self::with(|_| {}, tempfile::tempdir().unwrap()).await
    }

    async fn with(change: impl FnOnce(&mut Args), folder: TempDir) -> Self {
        let mut args = Args {
            data_dir: folder.path().to_owned(),
            scale: 0.0,
            ..Args::default()
        };
        change(&mut args);
        let showcase = Showcase::open(&args).await.unwrap();
        let client = TestClient::new(app(showcase.clone()));
        Self {
            client,
            showcase,
            folder,
        }
    }

    async fn get(&self, path: &str) -> Value {
        self.client.get(path).await.assert_status(200).json().await
    }
}

#[tokio::test]
async fn a_visitor_is_known_in_the_next_request_and_forgotten_on_demand() {
    let visited = Visited::new().await;
    let client = &visited.client;
    assert_eq!(visited.get("/visitor").await, json!({ "name": null, "own_notes": [] }));
    assert_eq!(client.cookie("session"), None, "who only looks gets no cookie");

    let response = client.post("/visitor").form(&[("name", "Kim")]).await;
    response.assert_status(200);
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    let [cookie] = cookies[..] else { panic!("{cookies:?}") };
    let cookie = cookie.to_str().unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    assert!(!cookie.contains("Kim"), "it says nothing by itself: {cookie}");

    assert_eq!(visited.get("/visitor").await["name"], "Kim");
    let other = client.another();
    let stranger: Value = other.get("/visitor").await.json().await;
    assert_eq!(stranger["name"], Value::Null);

    client.delete("/visitor").await.assert_status(204);
    assert_eq!(visited.get("/visitor").await["name"], Value::Null);
    visited.showcase.close().await;
}

#[tokio::test]
async fn a_session_outlives_the_server() {
    let visited = Visited::new().await;
    visited
        .client
        .post("/visitor")
        .form(&[("name", "Kim")])
        .await
        .assert_status(200);
    let response = visited.client.get("/visitor").await;
    response.assert_json(json!({ "name": "Kim", "own_notes": [] })).await;
    let cookie = visited.client.cookie("session").unwrap();
    visited.showcase.close().await;

    let again = Visited::with(|_| {}, visited.folder).await;
    let response = again.client.get("/visitor").cookie("session", &cookie).await;
    response.assert_json(json!({ "name": "Kim", "own_notes": [] })).await;
    again.showcase.close().await;
}

#[tokio::test]
async fn a_note_has_a_place_and_only_its_author_removes_it() {
    let visited = Visited::new().await;
    let client = &visited.client;
    client
        .post("/visitor")
        .form(&[("name", "Kim")])
        .await
        .assert_status(200);
    let response = client.post("/notes").json(&json!({ "text": "a <b>note</b>" })).await;
    response.assert_status(201);
    let place = response.header("location").unwrap().to_owned();
    let note: Value = response.json().await;
    assert_eq!(
        (&note["url"], &note["author"], &note["text"], &note["own"]),
        (&json!(place), &json!("Kim"), &json!("a <b>note</b>"), &json!(true))
    );
    assert_eq!(visited.get(&place).await, note);

    let other = client.another();
    let seen: Value = other.get(&place).await.json().await;
    assert_eq!(seen["own"], false);
    let refused = other.delete(&place).await;
    refused
        .assert_status(403)
        .assert_header("content-type", "application/problem+json");
    assert_eq!(
        refused.json::<Value>().await["detail"],
        "only who wrote a note may remove it"
    );

    client.delete(&place).await.assert_status(204);
    for response in [client.get(&place).await, client.delete(&place).await] {
        response
            .assert_status(404)
            .assert_header("content-type", "application/problem+json");
    }
    client.get("/notes/x").await.assert_status(404);
    visited.showcase.close().await;
}

#[tokio::test]
async fn the_latest_notes_come_first_and_no_more_than_asked_for() {
    let visited = Visited::new().await;
    for n in 1..=12 {
        let note = json!({ "text": format!("note {n}") });
        visited.client.post("/notes").json(&note).await.assert_status(201);
    }
    let texts = |notes: &Value| -> Vec<String> {
        let notes = notes.as_array().unwrap().iter();
        notes.map(|note| note["text"].as_str().unwrap().to_owned()).collect()
    };
    let all = texts(&visited.get("/notes").await);
    assert_eq!((all.len(), all[0].as_str()), (10, "note 12"));
    assert_eq!(texts(&visited.get("/notes?limit=2").await), ["note 12", "note 11"]);
    for limit in ["0", "51", "-1", "two", "256"] {
        let response = visited.client.get(&format!("/notes?limit={limit}")).await;
        let problem: Value = response.assert_status(400).json().await;
        assert_eq!(
            (&problem["errors"][0]["in"], &problem["errors"][0]["field"]),
            (&json!("query"), &json!("limit")),
            "{limit}"
        );
    }
    visited.showcase.close().await;
}

#[tokio::test]
async fn what_breaks_a_rule_is_told_by_field() {
    let visited = Visited::new().await;
    for name in [String::new(), "é".repeat(41)] {
        let response = visited.client.post("/visitor").form(&[("name", &name)]).await;
        let problem: Value = response.assert_status(422).json().await;
        assert_eq!(
            (&problem["errors"][0]["in"], &problem["errors"][0]["field"]),
            (&json!("form"), &json!("name"))
        );
    }
    let long = "é".repeat(40);
    visited
        .client
        .post("/visitor")
        .form(&[("name", &long)])
        .await
        .assert_status(200);
    for (note, pointer) in [
        (json!({ "text": "" }), "#/text"),
        (json!({ "text": "x".repeat(281) }), "#/text"),
        (json!({ "text": 1 }), "#/text"),
        (json!({}), "#/text"),
        (json!({ "text": "x", "id": 1 }), "#/id"),
    ] {
        let response = visited.client.post("/notes").json(&note).await;
        let problem: Value = response.assert_status(422).json().await;
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{note}: {problem}");
    }
    visited.showcase.close().await;
}

#[tokio::test]
async fn another_site_writes_nothing() {
    let visited = Visited::new().await;
    let foreign = visited.client.post("/visitor").header("sec-fetch-site", "cross-site");
    foreign.form(&[("name", "Eve")]).await.assert_status(403);
    let foreign = visited.client.post("/notes").header("origin", "https://evil.example");
    foreign.json(&json!({ "text": "spam" })).await.assert_status(403);
    assert_eq!(visited.get("/notes").await, json!([]));
    let own = visited.client.post("/notes").header("sec-fetch-site", "same-origin");
    own.json(&json!({ "text": "ham" })).await.assert_status(201);
    visited.showcase.close().await;
}

#[tokio::test]
async fn who_writes_too_often_has_to_wait_and_may_still_read() {
    let visited = Visited::with(|args| args.writes_per_minute = 3, tempfile::tempdir().unwrap()).await;
    let note = json!({ "text": "again" });
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let response = visited.client.post("/notes").json(&note).await;
        statuses.push(response.status());
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            assert!(response.header("retry-after").is_some());
        }
    }
    assert_eq!(
        statuses,
        [
            StatusCode::CREATED,
            StatusCode::CREATED,
            StatusCode::CREATED,
            StatusCode::TOO_MANY_REQUESTS
        ]
    );
    assert_eq!(visited.get("/notes").await.as_array().unwrap().len(), 3);
    visited.showcase.close().await;
}

#[tokio::test]
async fn the_page_comes_in_the_colours_that_were_chosen() {
    let visited = Visited::new().await;
    let page = async |theme: &'static str| visited.client.get("/").cookie("theme", theme).await.text().await;
    assert!(page("dark").await.contains("<html lang=\"en\" data-theme=\"dark\">"));
    for theme in ["", "pink", "\"><script>"] {
        assert!(page(theme).await.contains("<html lang=\"en\">"), "{theme}");
    }
    visited.showcase.close().await;
}

#[tokio::test]
async fn middleware_stands_in_its_order() {
    let visited = Visited::new().await;
    let server = app(visited.showcase.clone());
    let table = server.routes().unwrap().to_string();
    let line = |method: &str, path: &str| {
        let mut lines = table.lines();
        let found = lines.find(|line| line.contains(method) && line.contains(path));
        found.unwrap_or_else(|| panic!("{method} {path} in {table}")).to_owned()
    };
    let write = line("POST", "/notes");
    let places: Vec<_> = [
        "RequestIds",
        "AccessLog",
        "SecurityHeaders",
        "RateLimit",
        "Csrf",
        "Sessions",
    ]
    .into_iter()
    .map(|name| write.find(name).unwrap_or_else(|| panic!("{name} in {write}")))
    .collect();
    assert!(places.is_sorted(), "{write}");
    assert!(!line("GET", "/async-data").contains("Sessions"));
    visited.showcase.close().await;
}
