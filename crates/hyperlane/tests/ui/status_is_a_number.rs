//! A status as a plain number.

use hyperlane::Server;

async fn handler() -> (u16, &'static str) {
    (201, "made")
}

fn main() {
    Server::new().post("/", handler);
}
