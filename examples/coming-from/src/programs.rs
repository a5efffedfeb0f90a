//! What the programs do.

use std::time::Duration;

use hyperlane::testing::{TestClient, TestForm};
use serde_json::json;
use tokio::time::Instant;

use crate::*;

#[tokio::test]
async fn hello_says_hello() {
    TestClient::new(hello::app())
        .get("/")
        .await
        .assert_text("Hello, World!")
        .await;
}

#[tokio::test]
async fn parameters_of_the_path_have_types() {
    let client = TestClient::new(path_parameter::app());
    client.get("/users/7").await.assert_text("user 7").await;
    client
        .get("/users/7/posts/on%20tests")
        .await
        .assert_text("post on tests of user 7")
        .await;
    client.get("/users/x").await.assert_status(400);
}

#[tokio::test]
async fn a_query_may_leave_out_what_is_optional() {
    let client = TestClient::new(query::app());
    client.get("/search?q=a+b").await.assert_text("a b, page 1").await;
    client.get("/search?q=a&page=2").await.assert_text("a, page 2").await;
    client.get("/search").await.assert_status(400);
}

#[tokio::test]
async fn json_goes_in_and_out() {
    let client = TestClient::new(json::app());
    let made = client.post("/users").json(&json!({ "name": "Ada" })).await;
    made.assert_status(201)
        .assert_json(json!({ "id": 1, "name": "Ada" }))
        .await;
    client.post("/users").json(&json!({})).await.assert_status(422);
}

#[tokio::test]
async fn a_form_is_read_by_its_fields() {
    let client = TestClient::new(form::app());
    let response = client.post("/login").form(&[("name", "ada"), ("remember", "on")]).await;
    response.assert_text("welcome ada, for 30 days").await;
    client
        .post("/login")
        .form(&[("name", "ada")])
        .await
        .assert_text("welcome ada, for 1 days")
        .await;
}

#[tokio::test]
async fn the_state_is_one_for_all_requests() {
    let client = TestClient::new(shared_state::app());
    client.get("/").await.assert_text("hit 1").await;
    client.another().get("/").await.assert_text("hit 2").await;
}

#[tokio::test]
async fn each_error_has_its_status() {
    let client = TestClient::new(custom_error::app());
    client
        .post("/buy/0")
        .await
        .assert_status(200)
        .assert_text("2 left")
        .await;
    client
        .post("/buy/1")
        .await
        .assert_status(409)
        .assert_text("sold out")
        .await;
    client
        .post("/buy/2")
        .await
        .assert_status(404)
        .assert_text("no such item")
        .await;
}

#[tokio::test]
async fn the_middleware_stands_before_and_behind() {
    let client = TestClient::new(middleware::app());
    client.get("/").await.assert_status(401);
    let response = client.get("/").header("x-key", "secret").await;
    response.assert_header("x-checked", "yes").assert_text("inside").await;
}

#[tokio::test]
async fn nested_routes_are_below_their_prefix() {
    let client = TestClient::new(nested_routes::app());
    client.get("/").await.assert_text("home").await;
    client.get("/api/users").await.assert_text("all users").await;
    client.get("/api/users/7").await.assert_text("user 7").await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_arrives_as_it_is_made() {
    let response = TestClient::new(streaming_response::app()).get("/count").await;
    let start = Instant::now();
    assert_eq!(response.chunk().await.as_deref(), Some(&b"1\n"[..]));
    assert_eq!(response.text().await, "2\n3\n");
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

#[tokio::test]
async fn the_bytes_of_files_are_counted() {
    let form = TestForm::new().file("photo", "sea.jpg", "image/jpeg", vec![1; 100_000]);
    let response = TestClient::new(file_upload::app())
        .post("/upload")
        .multipart(&form)
        .await;
    response.assert_status(200).assert_text("sea.jpg: 100000 bytes\n").await;
}
