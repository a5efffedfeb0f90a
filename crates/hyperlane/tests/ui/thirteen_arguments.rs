//! More arguments than a handler may have.

use hyperlane::{Context as C, Server};

async fn handler(_: C, _: C, _: C, _: C, _: C, _: C, _: C, _: C, _: C, _: C, _: C, _: C, _: C) {}

fn main() {
    Server::new().get("/", handler);
}
