//! A small JSON API: items are created, listed, changed and deleted, in memory that all handlers share.
//!
//! Run it: `cargo run -p example-json-api`, or on another port: `PORT=3000 cargo run -p example-json-api`.
//!
//! ```text
//! curl -i localhost:8080/items --json '{"name": "lamp", "price": 20}'
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyperlane::{Created, Error, Json, NoContent, OrError, Path, Server, ServerConfig, State};
use serde::{Deserialize, Serialize};

#[derive(Clone, Deserialize, Serialize)]
struct Item {
    name: String,
    price: u32,
}

#[derive(Serialize)]
struct Stored {
    id: u64,
    #[serde(flatten)]
    item: Item,
}

/// A state is cloned for each use: what is shared stands behind an `Arc`.
#[derive(Clone, Default)]
struct Items(Arc<Mutex<BTreeMap<u64, Item>>>);

impl Items {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Item>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let port = std::env::var("PORT").map_or(Ok(8080), |port| port.parse())?;
    let server = app();
    server.config(ServerConfig::new().port(port));
    let handle = server.run().await?;
    println!("listening on http://{}", handle.local_addr());
    handle.wait().await;
    Ok(())
}

fn app() -> Server {
    let server = Server::new();
    server
        .state(Items::default())
        .get("/items", list)
        .post("/items", create)
        .get("/items/{id}", read)
        .put("/items/{id}", replace)
        .delete("/items/{id}", delete);
    server
}

async fn list(State(items): State<Items>) -> Json<Vec<Stored>> {
    let stored = |(id, item): (&u64, &Item)| Stored {
        id: *id,
        item: item.clone(),
    };
    Json(items.lock().iter().map(stored).collect())
}

async fn create(State(items): State<Items>, Json(item): Json<Item>) -> Created<Json<Stored>> {
    let mut items = items.lock();
    let id = items.last_key_value().map_or(1, |(id, _)| id + 1);
    items.insert(id, item.clone());
    Created::new(format!("/items/{id}"), Json(Stored { id, item }))
}

async fn read(State(items): State<Items>, Path(id): Path<u64>) -> Result<Json<Stored>, Error> {
    let item = items.lock().get(&id).cloned().or_not_found()?;
    Ok(Json(Stored { id, item }))
}

async fn replace(
    State(items): State<Items>,
    Path(id): Path<u64>,
    Json(item): Json<Item>,
) -> Result<Json<Stored>, Error> {
    *items.lock().get_mut(&id).or_not_found()? = item.clone();
    Ok(Json(Stored { id, item }))
}

async fn delete(State(items): State<Items>, Path(id): Path<u64>) -> Result<NoContent, Error> {
    items.lock().remove(&id).or_not_found()?;
    Ok(NoContent)
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn an_item_lives_from_its_creation_to_its_deletion() {
        let client = TestClient::new(app());
        let made = client
            .post("/items")
            .json(&json!({ "name": "lamp", "price": 20 }))
            .await;
        made.assert_status(201).assert_header("location", "/items/1");
        let changed = json!({ "name": "lamp", "price": 15 });
        client.put("/items/1").json(&changed).await.assert_status(200);
        let stored = json!({ "id": 1, "name": "lamp", "price": 15 });
        client.get("/items/1").await.assert_json(&stored).await;
        client.get("/items").await.assert_json([&stored]).await;
        client.delete("/items/1").await.assert_status(204);
        client.get("/items/1").await.assert_status(404);
    }

    #[tokio::test]
    async fn what_does_not_fit_is_told_by_its_field() {
        let client = TestClient::new(app());
        let response = client
            .post("/items")
            .json(&json!({ "name": "lamp", "price": -1 }))
            .await;
        response
            .assert_status(422)
            .assert_header("content-type", "application/problem+json");
        assert!(response.text().await.contains("price"));
        client.post("/items").body("{}").await.assert_status(415);
        client.get("/items/one").await.assert_status(400);
    }
}
