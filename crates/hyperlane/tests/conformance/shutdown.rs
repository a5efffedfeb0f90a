//! Graceful shutdown, as clients see it (RFC 9112 §9.6).

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::app::TestApp;
use crate::probe::{End, PATIENCE, Probe};

const GET: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
/// When a shutdown that has nothing to wait for must be over.
const BOUND: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_closes_idle_connections_and_finishes_requests() {
    let app = TestApp::start().await;
    let mut idle = Probe::connect(app.addr(), Vec::new())
        .await
        .expect("the server listens");
    idle.send(GET.as_bytes()).await;
    idle.read_until(|client| client.finals() == 1).await;
    let mut busy = Probe::connect(app.addr(), Vec::new())
        .await
        .expect("the server listens");
    busy.send(b"GET /held HTTP/1.1\r\nHost: a\r\n\r\n").await;
    while !app.marks().hit("held") {
        sleep(Duration::from_millis(2)).await;
    }

    let started = Instant::now();
    let shutdown = app.handle().shutdown_within(PATIENCE);
    // Like any client, they close their side when the server has closed its own.
    let idle = async move {
        idle.read_until(|_| false).await;
        (idle.replies.clone(), idle.end)
    };
    let busy = async move {
        busy.read_until(|_| false).await;
        (busy.replies.clone(), busy.end)
    };
    let all = timeout(PATIENCE, async { tokio::join!(idle, busy, shutdown) }).await;
    let (idle, busy, ()) = all.expect("the shutdown ends");
    assert!(
        started.elapsed() < BOUND,
        "the shutdown waited for more than its last request"
    );
    assert_eq!((idle.0.len(), idle.1), (1, Some(End::Closed)));
    assert_eq!((busy.0.len(), busy.1), (1, Some(End::Closed)));
    let reply = busy.0.first().expect("the request in progress is answered");
    assert_eq!((reply.status, &reply.body[..]), (200, &b"held"[..]));
    assert!(reply.announces_close(), "the last answer does not announce the close");
    assert!(
        Probe::connect(app.addr(), Vec::new()).await.is_err(),
        "the server still listens"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_ends_at_its_deadline() {
    let app = TestApp::start().await;
    let mut stuck = Probe::connect(app.addr(), Vec::new())
        .await
        .expect("the server listens");
    stuck.send(b"GET /never HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let mut slow = Probe::connect(app.addr(), Vec::new())
        .await
        .expect("the server listens");
    slow.send(b"GET /hel").await;
    let shutdown = app.handle().shutdown_within(Duration::from_millis(200));
    assert!(
        timeout(BOUND, shutdown).await.is_ok(),
        "a stuck handler holds the shutdown"
    );
}
