use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hyperlane::{Server, State};

#[derive(Clone, Default)]
struct Hits(Arc<AtomicU64>);

pub fn app() -> Server {
    let server = Server::new();
    server.state(Hits::default()).get("/", count);
    server
}

async fn count(State(hits): State<Hits>) -> String {
    format!("hit {}", hits.0.fetch_add(1, Ordering::Relaxed) + 1)
}
