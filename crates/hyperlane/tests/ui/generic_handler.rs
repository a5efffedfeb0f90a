//! A generic handler that nobody has chosen a type for.

use hyperlane::{Json, Server};

async fn handler<T: serde::de::DeserializeOwned + Send + 'static>(Json(_value): Json<T>) {}

fn main() {
    Server::new().post("/", handler);
}
