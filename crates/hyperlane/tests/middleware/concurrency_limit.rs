//! `ConcurrencyLimit`.

use std::sync::Arc;
use std::time::Duration;

use hyperlane::middleware::ConcurrencyLimit;
use hyperlane::{App, Bytes, HeaderValue, Response, Upgraded};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;

use crate::support::{app, get, header, settle, text, three_pieces};

/// An app whose `/wait` answers when the semaphore has a permit.
fn waiting(limit: ConcurrencyLimit) -> (Arc<App>, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let app = app(|server| {
        server
            .middleware(limit)
            .get("/stream", three_pieces)
            .get("/wait", move || {
                let held = Arc::clone(&held);
                async move {
                    held.acquire().await.unwrap().forget();
                    "done"
                }
            });
    });
    (Arc::new(app), gate)
}

fn begin(app: &Arc<App>) -> tokio::task::JoinHandle<u16> {
    let app = Arc::clone(app);
    tokio::spawn(async move { get(&app, "/wait", &[]).await.status().as_u16() })
}

#[tokio::test]
async fn turns_away_what_is_too_much_and_serves_again_afterwards() {
    let (app, gate) = waiting(ConcurrencyLimit::new(2).retry_after(7));
    let running = [begin(&app), begin(&app)];
    settle().await;
    let refused = get(&app, "/wait", &[]).await;
    assert_eq!(refused.status(), 503, "RFC 9110 §15.6.4");
    assert_eq!(header(&refused, "retry-after"), "7", "RFC 9110 §10.2.3");
    gate.add_permits(3);
    for request in running {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!(get(&app, "/wait", &[]).await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_queue_holds_some_for_a_while() {
    let (app, gate) = waiting(ConcurrencyLimit::new(1).queue(1, Duration::from_secs(2)));
    let (running, patient) = (begin(&app), begin(&app));
    settle().await;
    let begun = tokio::time::Instant::now();
    assert_eq!(get(&app, "/wait", &[]).await.status(), 503, "the queue is full");
    assert!(begun.elapsed().is_zero(), "it is told at once");
    assert_eq!(patient.await.unwrap(), 503);
    assert_eq!(begun.elapsed().as_secs(), 2, "patience ends");
    let next = begin(&app);
    settle().await;
    gate.add_permits(2);
    assert_eq!((running.await.unwrap(), next.await.unwrap()), (200, 200));
}

#[tokio::test]
async fn a_stream_counts_until_it_has_ended() {
    let (app, _gate) = waiting(ConcurrencyLimit::new(1));
    let stream = get(&app, "/stream", &[]).await;
    assert_eq!(stream.status(), 200);
    assert_eq!(get(&app, "/stream", &[]).await.status(), 503);
    assert_eq!(text(stream).await, "one two three");
    drop(get(&app, "/stream", &[]).await);
    assert_eq!(
        get(&app, "/stream", &[]).await.status(),
        200,
        "one that is dropped is over"
    );
}

#[tokio::test]
async fn a_request_that_is_given_up_leaves_its_place() {
    let (app, _gate) = waiting(ConcurrencyLimit::new(1));
    let running = begin(&app);
    settle().await;
    running.abort();
    let _ = running.await;
    assert_eq!(get(&app, "/stream", &[]).await.status(), 200);
}

#[tokio::test]
async fn an_upgrade_that_must_not_be_sent_stays_so() {
    let app = app(|server| {
        server.middleware(ConcurrencyLimit::new(1)).get("/socket", async || {
            Response::upgrade(HeaderValue::from_static("echo"), |_: Upgraded| async {}).with_header("x-mine", "a\nb")
        });
    });
    assert!(get(&app, "/socket", &[("upgrade", "echo")]).await.defect().is_some());
}

#[tokio::test]
async fn an_upgraded_connection_keeps_its_place_until_it_ends() {
    let app = app(|server| {
        server.middleware(ConcurrencyLimit::new(1)).get("/socket", async || {
            Response::upgrade(HeaderValue::from_static("echo"), |mut io: Upgraded| async move {
                let mut byte = [0];
                let _ = io.read_exact(&mut byte).await;
            })
            .with_header("x-mine", "yes")
        });
    });
    let mut response = get(&app, "/socket", &[("upgrade", "echo")]).await;
    assert_eq!(response.status(), 101);
    assert_eq!(
        (header(&response, "upgrade"), header(&response, "x-mine")),
        ("echo", "yes")
    );
    let upgrade = response.take_upgrade().expect("it is passed on");
    drop(response);
    assert_eq!(get(&app, "/socket", &[]).await.status(), 503, "the head is not the end");
    let (mut client, server) = tokio::io::duplex(8);
    let running = tokio::spawn(upgrade.run(Upgraded::new(server, Bytes::new())));
    settle().await;
    assert_eq!(get(&app, "/socket", &[]).await.status(), 503);
    client.write_all(b"x").await.unwrap();
    running.await.unwrap();
    assert_eq!(get(&app, "/socket", &[]).await.status(), 101);
}
