//! A value that can't be made into a response.

use hyperlane::Server;

struct User;

async fn handler() -> User {
    User
}

fn main() {
    Server::new().get("/", handler);
}
