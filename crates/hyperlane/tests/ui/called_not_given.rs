//! A handler that is called where it should be given.

use hyperlane::Server;

async fn handler() -> &'static str {
    "hello"
}

fn main() {
    Server::new().get("/", handler());
}
