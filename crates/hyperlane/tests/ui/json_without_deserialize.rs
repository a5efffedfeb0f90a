//! JSON to be read as a type that can't be read.

use hyperlane::{Json, Server};

struct User;

async fn handler(Json(_user): Json<User>) {}

fn main() {
    Server::new().post("/", handler);
}
