//! A server that is out of descriptors goes on when one comes free. In a binary of its own: it takes them all.

use std::fs::File;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyperlane_core::{IntoResponse, Request, Response, Service};
use hyperlane_server::{Config, Runtime, bind, serve};
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
    // In one test, since each of them takes all descriptors of the process.
    for runtime in [Runtime::Shared, Runtime::PerCore, Runtime::IoUring] {
        served_soon_after_a_descriptor_came_free(runtime).await;
    }
    a_thread_that_can_t_be_started_is_an_error_that_says_so().await;
}

/// All descriptors that the process may have. `None`: the limit is too large to be used up in a test.
#[cfg(unix)]
fn take_all_descriptors() -> Option<Vec<File>> {
    let mut all = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        all.push(file);
        if all.len() > 1_000_000 {
            eprintln!("SKIPPED: this process may open more than a million files");
            return None;
        }
    }
    Some(all)
}

#[cfg(unix)]
async fn a_thread_that_can_t_be_started_is_an_error_that_says_so() {
    let mut config = Config::default();
    config.runtime = Runtime::PerCore;
    config.threads = Some(2);
    let listener = bind("127.0.0.1", 0, &config).await.expect("a free port");
    let Some(all) = take_all_descriptors() else {
        return;
    };
    let error = serve(listener, Arc::new(Word), config)
        .await
        .expect_err("a runtime needs descriptors");
    drop(all);
    assert!(error.to_string().contains("thread 1 of 2"), "{error}");
}

#[cfg(unix)]
async fn served_soon_after_a_descriptor_came_free(runtime: Runtime) {
    let mut config = Config::default();
    config.runtime = runtime;
    config.threads = Some(2);
    let listener = bind("127.0.0.1", 0, &config).await.expect("a free port");
    let handle = serve(listener, Arc::new(Word), config)
        .await
        .expect("two threads can be started");
    let socket = TcpSocket::new_v4().expect("a descriptor");
    let Some(mut all) = take_all_descriptors() else {
        return;
    };
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
    assert!(received.ends_with("word"), "{runtime:?}: {received}");
    drop(all);
    assert!(freed.elapsed() < Duration::from_millis(200), "{:?}", freed.elapsed());
    handle.shutdown().await;
}
