//! An argument taken by reference.

use hyperlane::{Context, Server};

async fn handler(ctx: &Context) -> String {
    ctx.path().to_owned()
}

fn main() {
    Server::new().get("/", handler);
}
