//! A server that is out of descriptors goes on when one comes free. In a binary of its own: it takes them all.

use std::fs::File;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyperlane_core::{IntoResponse, Request, Response, Service};
use hyperlane_server::{Config, bind, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;

struct Word;

impl Service for Word {
    type Future = Ready<Response>;

    fn call(&self, _: Request) -> Self::Future {
        ready("word".into_response())
    }
}

#[tokio::test]
#[cfg(unix)]
async fn the_next_client_is_served_soon_after_a_descriptor_came_free() {
    let config = Config::default();
    let listener = bind("127.0.0.1", 0, &config).await.expect("a free port");
    let handle = serve(listener, Arc::new(Word), config);
    let socket = TcpSocket::new_v4().expect("a descriptor");
    let mut all = Vec::new();
    // A very large limit can't be used up in a test; then there is nothing to show.
    while let Ok(file) = File::open("/dev/null") {
        all.push(file);
        if all.len() > 1_000_000 {
            eprintln!("SKIPPED: this process may open more than a million files");
            return;
        }
    }
    let mut client = socket
        .connect(handle.local_addr())
        .await
        .expect("the kernel completes it");
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await
        .expect("open");
    let mut received = String::new();
    let too_early = tokio::time::timeout(Duration::from_millis(120), client.read_to_string(&mut received)).await;
    assert!(too_early.is_err(), "there was no descriptor for it: {received:?}");
    all.pop();
    let freed = Instant::now();
    client.read_to_string(&mut received).await.expect("served");
    assert!(received.ends_with("word"), "{received}");
    assert!(freed.elapsed() < Duration::from_millis(200), "{:?}", freed.elapsed());
}
