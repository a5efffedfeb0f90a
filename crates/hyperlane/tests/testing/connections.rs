//! Connections: kept, closed, and left.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyperlane::{ConnectionInfo, Context, Next, Request, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, oneshot};

use super::client;

#[tokio::test]
async fn a_panic_costs_its_own_connection_and_the_next_request_opens_another() {
    let client = client(|server| {
        server
            .get("/panic", async || -> &'static str { panic!("on purpose") })
            .get("/", async || "fine");
    });
    for _ in 0..3 {
        client.get("/").await.assert_text("fine").await;
        let response = client.get("/panic").await;
        response.assert_status(500).assert_header("connection", "close");
    }
}

#[tokio::test]
async fn a_connection_is_kept_where_its_response_has_arrived() {
    // All requests of a connection share what describes it.
    let seen = Arc::new(Mutex::new(Vec::<Arc<ConnectionInfo>>::new()));
    let connections = Arc::clone(&seen);
    let note = move |request: Request, next: Next| {
        let mut seen = connections.lock().unwrap();
        if !seen.iter().any(|known| Arc::ptr_eq(known, request.connection())) {
            seen.push(Arc::clone(request.connection()));
        }
        next.run(request)
    };
    let client = client(|server| {
        server
            .middleware(note)
            .get("/", async || "a short text")
            .get("/none", async || StatusCode::NO_CONTENT)
            .get("/large", async || vec![0_u8; 200_000]);
    });
    client.get("/").await.assert_status(200);
    client.head("/large").await.assert_status(200);
    client.get("/none").await.assert_status(204);
    let large = client.get("/large").await;
    assert_eq!(large.bytes().await.len(), 200_000);
    client.get("/").await.assert_status(200);
    assert_eq!(seen.lock().unwrap().len(), 1);
    drop(client.get("/large").await);
    client.get("/").await.assert_status(200);
    assert_eq!(seen.lock().unwrap().len(), 2, "what was not read is not kept");
}

#[tokio::test]
async fn requests_at_once_have_a_connection_each() {
    let gate = Arc::new(Notify::new());
    let held = Arc::clone(&gate);
    let client = client(|server| {
        server.get("/", async || "quick").get("/slow", move || {
            let gate = Arc::clone(&held);
            async move {
                gate.notified().await;
                "slow"
            }
        });
    });
    let slow = tokio::spawn(client.get("/slow").send());
    tokio::task::yield_now().await;
    client.get("/").await.assert_text("quick").await;
    gate.notify_one();
    slow.await.unwrap().assert_text("slow").await;
}

#[tokio::test]
async fn a_handler_is_told_when_its_response_is_dropped_in_the_middle() {
    let (told, hears) = oneshot::channel();
    let told = Mutex::new(Some(told));
    let told = Arc::new(told);
    let client = client(|server| {
        server.get("/", move |ctx: Context| {
            let told = Arc::clone(&told);
            async move {
                let error = loop {
                    if let Err(error) = ctx.send_piece("on and on").await {
                        break error;
                    }
                };
                let _ = told.lock().unwrap().take().unwrap().send(error.is_client_gone());
            }
        });
    });
    let response = client.get("/").await;
    assert!(response.chunk().await.is_some());
    drop(response);
    assert!(hears.await.unwrap());
    assert_eq!(client.get("/").await.status(), 200, "there are other connections");
}

#[tokio::test]
async fn a_handler_is_dropped_when_its_request_is() {
    struct OnDrop(Option<oneshot::Sender<()>>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            let _ = self.0.take().unwrap().send(());
        }
    }
    let (dropped, hears) = oneshot::channel();
    let (started, begins) = oneshot::channel();
    let guards = Arc::new(Mutex::new(Some((OnDrop(Some(dropped)), started))));
    let client = client(|server| {
        server.get("/", move || {
            let (_guard, started) = guards.lock().unwrap().take().unwrap();
            async move {
                let _guard = _guard;
                started.send(()).unwrap();
                std::future::pending::<()>().await;
            }
        });
    });
    let request = tokio::spawn(client.get("/").send());
    begins.await.unwrap();
    request.abort();
    hears.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_holds_the_handler_back() {
    let sent = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let client = client(|server| {
        server.get("/", move |ctx: Context| {
            let count = Arc::clone(&count);
            async move {
                for _ in 0..10_000 {
                    ctx.send_piece(vec![b'x'; 1024]).await.unwrap();
                    count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            }
        });
    })
    .transport_buffer(1024);
    let response = client.get("/").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = sent.load(std::sync::atomic::Ordering::Relaxed);
    assert!(before < 1000, "{before} KiB were sent to a client that does not read");
    assert_eq!(response.bytes().await.len(), 10_000 * 1024);
}

#[tokio::test]
async fn bytes_that_no_client_would_send_go_through_a_bare_connection() {
    let client = client(|_| {});
    let mut connection = client.connect();
    connection
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n")
        .await
        .unwrap();
    // Ending one side is no reset: the answer still comes (RFC 9112 §9.6).
    connection.shutdown().await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "RFC 9112 §6.3: {answer}");
}

/// Requests are `Send` and own what they need, so that they can be tasks.
#[test]
fn requests_and_responses_may_go_to_other_threads() {
    fn is_send<T: Send + 'static>() {}
    is_send::<hyperlane::testing::TestRequest>();
    is_send::<hyperlane::testing::TestResponse>();
    is_send::<hyperlane::testing::TestClient>();
    is_send::<hyperlane::testing::Events>();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_works_on_several_threads() {
    let client = client(|server| {
        server.get("/{n}", async |hyperlane::Path(n): hyperlane::Path<usize>| n.to_string());
    });
    let requests: Vec<_> = (0..50)
        .map(|n| tokio::spawn(client.get(&format!("/{n}")).send()))
        .collect();
    for (n, request) in requests.into_iter().enumerate() {
        request.await.unwrap().assert_text(&n.to_string()).await;
    }
}
