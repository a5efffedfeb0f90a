//! The guard of a lock of `std`, held while the handler waits.

use std::sync::Mutex;

use hyperlane::Server;

static COUNT: Mutex<u32> = Mutex::new(0);

async fn handler() -> String {
    let mut count = COUNT.lock().unwrap();
    tokio::task::yield_now().await;
    *count += 1;
    count.to_string()
}

fn main() {
    Server::new().get("/", handler);
}
