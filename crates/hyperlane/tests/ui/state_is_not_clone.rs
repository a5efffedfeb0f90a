//! A state whose type can't be cloned.

use hyperlane::{Server, State};

struct Database;

async fn handler(State(_database): State<Database>) {}

fn main() {
    Server::new().get("/", handler);
}
