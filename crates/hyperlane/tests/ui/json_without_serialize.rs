//! JSON to be written of a type that can't be written.

use hyperlane::{Json, Server};

struct User;

async fn handler() -> Json<User> {
    Json(User)
}

fn main() {
    Server::new().get("/", handler);
}
