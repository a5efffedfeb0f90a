use hyperlane::testing::TestClient;
use serde_json::json;

use crate::json::app;

#[tokio::test]
async fn a_user_is_created() {
    let client = TestClient::new(app());
    let response = client.post("/users").json(&json!({ "name": "Ada" })).await;
    response.assert_status(201);
    response.assert_json(json!({ "id": 1, "name": "Ada" })).await;
}
