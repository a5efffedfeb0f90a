//! A value that can't cross threads, held while the handler waits.

use std::rc::Rc;

use hyperlane::Server;

async fn handler() -> String {
    let count = Rc::new(7);
    tokio::task::yield_now().await;
    count.to_string()
}

fn main() {
    Server::new().get("/", handler);
}
