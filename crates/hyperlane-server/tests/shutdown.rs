//! The end of a server over real sockets: nothing accepted is lost, and nothing outlasts the deadline. Each test runs
//! with every [`Runtime`]; without `io_uring` the last of them falls back to the second.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hyperlane_core::{IntoResponse, Request, Response, Service};
use hyperlane_server::{Config, Runtime, ServerHandle, bind, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Default)]
struct App {
    begun: AtomicUsize,
}

impl Service for App {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(&self, request: Request) -> Self::Future {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let slow = request.head().path() == "/slow";
        let forever = request.head().path() == "/forever";
        Box::pin(async move {
            if forever {
                pending::<()>().await;
            }
            if slow {
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            "word".into_response()
        })
    }
}

async fn start(runtime: Runtime, deadline: Duration) -> (ServerHandle, Arc<App>) {
    let mut config = Config::default();
    config.shutdown_deadline = deadline;
    config.runtime = runtime;
    config.threads = Some(2);
    let listener = bind("127.0.0.1", 0, &config).await.expect("a free port");
    let app = Arc::new(App::default());
    let handle = serve(listener, Arc::clone(&app), config)
        .await
        .expect("two threads can be started");
    (handle, app)
}

async fn request(handle: &ServerHandle, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(handle.local_addr()).await.expect("listening");
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes())
        .await
        .expect("open");
    stream
}

async fn read_all(mut stream: TcpStream) -> String {
    let mut received = String::new();
    let _ = stream.read_to_string(&mut received).await;
    received
}

async fn requests_in_hand_are_answered_and_told_that_it_was_the_last(runtime: Runtime) {
    let (handle, app) = start(runtime, Duration::from_secs(10)).await;
    let clients: Vec<_> = slow_requests(&handle, 50).await;
    while app.begun.load(Ordering::SeqCst) < 50 {
        tokio::task::yield_now().await;
    }
    let shutdown = tokio::spawn({
        let handle = handle.clone();
        async move { handle.shutdown().await }
    });
    for client in clients {
        let received = read_all(client).await;
        assert!(
            received.contains("connection: close") && received.ends_with("word"),
            "{received}"
        );
    }
    shutdown.await.expect("no panic");
    assert!(
        TcpStream::connect(handle.local_addr()).await.is_err(),
        "still listening"
    );
    assert_eq!(handle.connections(), 0);
}

async fn slow_requests(handle: &ServerHandle, n: usize) -> Vec<TcpStream> {
    let mut clients = Vec::new();
    for _ in 0..n {
        clients.push(request(handle, "/slow").await);
    }
    clients
}

async fn clients_still_in_the_backlog_are_answered(runtime: Runtime) {
    let (handle, _) = start(runtime, Duration::from_secs(10)).await;
    // On this one thread the accept loop can't run between these steps.
    let mut clients = Vec::new();
    for _ in 0..20 {
        let mut stream = std::net::TcpStream::connect(handle.local_addr()).expect("listening");
        std::io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").expect("room");
        stream.set_nonblocking(true).expect("supported");
        clients.push(TcpStream::from_std(stream).expect("in a runtime"));
    }
    handle.shutdown().await;
    for client in clients {
        let received = read_all(client).await;
        assert!(received.ends_with("word"), "{received:?}");
    }
}

async fn idle_connections_do_not_hold_it_up(runtime: Runtime) {
    let (handle, _) = start(runtime, Duration::from_secs(60)).await;
    let mut client = request(&handle, "/").await;
    let mut buffer = [0; 1024];
    assert!(client.read(&mut buffer).await.expect("open") > 0);
    let began = Instant::now();
    handle.shutdown().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(client.read(&mut buffer).await.expect("closed in order"), 0);
}

async fn what_outlasts_the_deadline_is_cut(runtime: Runtime) {
    let (handle, app) = start(runtime, Duration::from_millis(100)).await;
    let client = request(&handle, "/forever").await;
    while app.begun.load(Ordering::SeqCst) < 1 {
        tokio::task::yield_now().await;
    }
    let began = Instant::now();
    handle.shutdown().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(read_all(client).await, "");
}

async fn a_server_that_was_shut_down_ends_the_wait_of_everybody(runtime: Runtime) {
    let (handle, _) = start(runtime, Duration::from_secs(1)).await;
    let waiters: Vec<_> = (0..3)
        .map(|_| {
            let handle = handle.clone();
            tokio::spawn(async move { handle.wait().await })
        })
        .collect();
    handle.shutdown().await;
    handle.shutdown().await;
    for waiter in waiters {
        waiter.await.expect("no panic");
    }
}

/// Sends requests on one connection until it is told to stop; returns how many were answered.
async fn keep_asking(handle: ServerHandle) -> Result<usize, String> {
    let mut stream = TcpStream::connect(handle.local_addr())
        .await
        .map_err(|error| error.to_string())?;
    let mut answered = 0;
    loop {
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .map_err(|error| error.to_string())?;
        let mut received = Vec::new();
        while !received.ends_with(b"word") {
            match stream.read_buf(&mut received).await {
                Ok(0) => return Err(format!("closed on a request, {answered} were answered before")),
                Ok(_) => {}
                Err(error) => return Err(format!("{error}, {answered} were answered before")),
            }
        }
        answered += 1;
        if String::from_utf8_lossy(&received).contains("connection: close") {
            return Ok(answered);
        }
    }
}

async fn under_load_every_request_of_every_connection_is_answered(runtime: Runtime) {
    for _ in 0..5 {
        let (handle, app) = start(runtime, Duration::from_secs(10)).await;
        let clients: Vec<_> = (0..64).map(|_| tokio::spawn(keep_asking(handle.clone()))).collect();
        while app.begun.load(Ordering::SeqCst) < 2000 {
            tokio::task::yield_now().await;
        }
        handle.shutdown().await;
        for client in clients {
            assert!(client.await.expect("no panic").expect("nothing lost") > 0);
        }
    }
}

macro_rules! with {
    ($runtime:ident as $module:ident) => {
        mod $module {
            use super::Runtime::$runtime;

            #[tokio::test]
            async fn requests_in_hand_are_answered_and_told_that_it_was_the_last() {
                super::requests_in_hand_are_answered_and_told_that_it_was_the_last($runtime).await;
            }

            #[tokio::test]
            async fn clients_still_in_the_backlog_are_answered() {
                super::clients_still_in_the_backlog_are_answered($runtime).await;
            }

            #[tokio::test]
            async fn idle_connections_do_not_hold_it_up() {
                super::idle_connections_do_not_hold_it_up($runtime).await;
            }

            #[tokio::test]
            async fn what_outlasts_the_deadline_is_cut() {
                super::what_outlasts_the_deadline_is_cut($runtime).await;
            }

            #[tokio::test]
            async fn a_server_that_was_shut_down_ends_the_wait_of_everybody() {
                super::a_server_that_was_shut_down_ends_the_wait_of_everybody($runtime).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn under_load_every_request_of_every_connection_is_answered() {
                super::under_load_every_request_of_every_connection_is_answered($runtime).await;
            }
        }
    };
}

with!(Shared as shared);
with!(PerCore as per_core);
with!(IoUring as io_uring);
