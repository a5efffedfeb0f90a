//! A function without an attribute has no pattern to be added with.

use hyperlane::Server;

async fn plain() {}

fn main() {
    Server::new().add(plain);
}
