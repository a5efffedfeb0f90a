//! Parameters of the path and of the query, as values of the types that the handlers name.
//!
//! Run it: `cargo run -p example-path-and-query`, or on another port: `PORT=3000 cargo run -p example-path-and-query`.

use hyperlane::{Context, Error, Path, Query, Server, ServerConfig};
use serde::Deserialize;

#[derive(Deserialize)]
struct Day {
    year: u16,
    month: u8,
    day: u8,
}

#[derive(Deserialize)]
struct Search {
    q: String,
    #[serde(default)]
    tag: Vec<String>,
    page: Option<u32>,
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
        .get("/users/{id}", user)
        .get("/shops/{shop}/items/{item}", item)
        .get("/archive/{year}/{month}/{day}", day)
        .get("/files/{*path}", file)
        .get("/search", search)
        .get("/raw", raw);
    server
}

/// One parameter, by its type.
async fn user(Path(id): Path<u64>) -> String {
    format!("user {id}")
}

/// Several, in their order.
async fn item(Path((shop, item)): Path<(String, u32)>) -> String {
    format!("item {item} of {shop}")
}

/// Several, by their names.
async fn day(Path(day): Path<Day>) -> String {
    format!("{:04}-{:02}-{:02}", day.year, day.month, day.day)
}

/// All that is left of the path.
async fn file(Path(path): Path<String>) -> String {
    format!("file {path}")
}

/// A query: a value, a list, and one that may be missing.
async fn search(Query(search): Query<Search>) -> String {
    let page = search.page.unwrap_or(1);
    format!("{} in {:?}, page {page}", search.q, search.tag)
}

/// The same by hand.
async fn raw(ctx: Context) -> String {
    let name = ctx.query("name").unwrap_or_default();
    format!("{name} out of {:?}", ctx.query_string())
}

#[cfg(test)]
mod tests {
    use hyperlane::testing::TestClient;

    use super::*;

    #[tokio::test]
    async fn parameters_become_values() {
        let client = TestClient::new(app());
        for (target, text) in [
            ("/users/7", "user 7"),
            ("/shops/caf%C3%A9%20b/items/3", "item 3 of café b"),
            ("/archive/2026/2/9", "2026-02-09"),
            ("/files/a/b%20c.txt", "file a/b c.txt"),
            ("/search?q=a+b&tag=x&tag=y", "a b in [\"x\", \"y\"], page 1"),
            ("/search?q=&page=2", " in [], page 2"),
            ("/raw?name=%C3%BC", "ü out of Some(\"name=%C3%BC\")"),
        ] {
            client.get(target).await.assert_status(200).assert_text(text).await;
        }
    }

    #[tokio::test]
    async fn what_does_not_fit_is_a_bad_request() {
        let client = TestClient::new(app());
        for target in ["/users/seven", "/archive/2026/300/1", "/search", "/search?q=a&page=x"] {
            client.get(target).await.assert_status(400);
        }
    }
}
