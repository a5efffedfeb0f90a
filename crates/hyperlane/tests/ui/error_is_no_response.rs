//! A result whose error can't be made into a response.

use hyperlane::Server;

async fn handler() -> Result<String, std::io::Error> {
    std::fs::read_to_string("greeting.txt")
}

fn main() {
    Server::new().get("/", handler);
}
