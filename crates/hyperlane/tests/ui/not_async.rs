//! A function without `async`.

use hyperlane::{Context, Server};

fn handler(_ctx: Context) -> &'static str {
    "hello"
}

fn main() {
    Server::new().get("/", handler);
}
