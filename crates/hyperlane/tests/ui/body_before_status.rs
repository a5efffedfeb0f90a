//! A tuple in the wrong order.

use hyperlane::{Server, StatusCode};

async fn handler() -> (&'static str, StatusCode) {
    ("made", StatusCode::CREATED)
}

fn main() {
    Server::new().post("/", handler);
}
