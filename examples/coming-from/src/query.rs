use hyperlane::{Query, Server};
use serde::Deserialize;

#[derive(Deserialize)]
struct Search {
    q: String,
    page: Option<u32>,
}

pub fn app() -> Server {
    let server = Server::new();
    server.get("/search", search);
    server
}

async fn search(Query(search): Query<Search>) -> String {
    format!("{}, page {}", search.q, search.page.unwrap_or(1))
}
