//! A value to be validated whose type has no rules.

use hyperlane::{Json, Server, Valid};

#[derive(serde::Deserialize)]
struct User {}

async fn handler(Valid(Json(_user)): Valid<Json<User>>) {}

fn main() {
    Server::new().post("/", handler);
}
