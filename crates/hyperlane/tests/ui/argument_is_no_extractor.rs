//! An argument that can't be read from a request.

use hyperlane::Server;

struct User;

async fn handler(_user: User) -> &'static str {
    "hello"
}

fn main() {
    Server::new().get("/", handler);
}
