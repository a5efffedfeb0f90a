//! The same behaviour over real sockets with every [`Runtime`]. Without the feature `io-uring`, or on a kernel that
//! refuses it, the last one is the second by another name, which the tests say.

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use hyperlane_core::{Body, IntoResponse, Request, Response, Service};
use hyperlane_server::{Config, Runtime, ServerHandle, bind, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const RUNTIMES: [Runtime; 3] = [Runtime::Shared, Runtime::PerCore, Runtime::IoUring];
/// Longer than anything takes that goes well.
const PATIENCE: Duration = Duration::from_secs(30);
const LARGE: usize = 8 * 1024 * 1024;

#[derive(Default)]
struct App {
    begun: AtomicUsize,
    /// Pieces that were taken from endless bodies.
    pieces: Arc<AtomicUsize>,
}

impl Service for App {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(&self, mut request: Request) -> Self::Future {
        self.begun.fetch_add(1, Ordering::SeqCst);
        let pieces = Arc::clone(&self.pieces);
        Box::pin(async move {
            let path = request.head().path().to_owned();
            match path.as_str() {
                "/large" => Response::new(Bytes::from(pattern(LARGE))),
                "/echo" => match request.body_mut().bytes().await {
                    Ok(body) => Response::new(body),
                    Err(error) => error.status().into(),
                },
                "/late" => {
                    // The body waits in the server until it is asked for.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    match request.body_mut().bytes().await {
                        Ok(body) => Response::new(body.len().to_string()),
                        Err(error) => error.status().into(),
                    }
                }
                "/spawn" => {
                    let task = tokio::spawn(async {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        std::thread::current().name().unwrap_or_default().to_owned()
                    });
                    Response::new(task.await.unwrap_or_default())
                }
                "/endless" => {
                    let pieces = futures::stream::unfold((), move |()| {
                        pieces.fetch_add(1, Ordering::SeqCst);
                        async { Some((Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 16 * 1024])), ())) }
                    });
                    Response::new(Body::stream(pieces))
                }
                "/slow" => {
                    tokio::time::sleep(Duration::from_millis(150)).await;
                    "word".into_response()
                }
                _ => "word".into_response(),
            }
        })
    }
}

/// Bytes of which none can be missing, doubled or out of place unnoticed.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8 ^ (at / 65_536) as u8).collect()
}

async fn start(runtime: Runtime) -> (ServerHandle, Arc<App>) {
    start_with(runtime, |_| {}).await
}

async fn start_with(runtime: Runtime, change: impl FnOnce(&mut Config)) -> (ServerHandle, Arc<App>) {
    if runtime == Runtime::IoUring
        && let Some(reason) = no_ring()
    {
        eprintln!("SKIPPED io_uring, served by the usual polling instead: {reason}");
    }
    let mut config = Config::default();
    config.runtime = runtime;
    config.threads = Some(2);
    config.body_limit = 64 * 1024 * 1024;
    change(&mut config);
    let listener = bind("127.0.0.1", 0, &config).await.expect("a free port");
    let app = Arc::new(App::default());
    let handle = serve(listener, Arc::clone(&app), config)
        .await
        .expect("two threads can be started");
    (handle, app)
}

/// Why there is no ring, if there is none.
#[cfg(all(feature = "io-uring", target_os = "linux"))]
fn no_ring() -> Option<String> {
    let probe = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .ok()?;
        runtime.block_on(async { hyperlane_uring::Ring::start().err() })
    });
    probe.join().expect("no panic").map(|error| error.to_string())
}

#[cfg(not(all(feature = "io-uring", target_os = "linux")))]
fn no_ring() -> Option<String> {
    Some("built without it".to_owned())
}

async fn connect(handle: &ServerHandle) -> TcpStream {
    TcpStream::connect(handle.local_addr()).await.expect("listening")
}

async fn ask(client: &mut TcpStream, request: &str) {
    client.write_all(request.as_bytes()).await.expect("open");
}

/// Reads one response with a `Content-Length`; returns its body.
async fn answer(client: &mut TcpStream) -> Vec<u8> {
    let mut received = Vec::new();
    let head = loop {
        if let Some(at) = received.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        let n = timeout(PATIENCE, client.read_buf(&mut received)).await;
        assert!(n.expect("in time").expect("open") > 0, "closed without an answer");
    };
    let text = String::from_utf8_lossy(&received[..head]).to_ascii_lowercase();
    let length = text
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.lines().next());
    let length: usize = length.and_then(|digits| digits.parse().ok()).expect("a length");
    let mut body = received.split_off(head);
    while body.len() < length {
        let n = timeout(PATIENCE, client.read_buf(&mut body)).await;
        assert!(n.expect("in time").expect("open") > 0, "closed in the middle");
    }
    assert_eq!(body.len(), length, "bytes behind the answer");
    body
}

const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn a_connection_serves_one_request_after_another() {
    for runtime in RUNTIMES {
        let (handle, _) = start(runtime).await;
        let mut client = connect(&handle).await;
        for _ in 0..100 {
            ask(&mut client, GET).await;
            assert_eq!(answer(&mut client).await, b"word", "{runtime:?}");
        }
        assert_eq!(handle.connections(), 1);
        drop(client);
        handle.shutdown().await;
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    for runtime in RUNTIMES {
        let (handle, _) = start(runtime).await;
        let mut client = connect(&handle).await;
        let count = 3_000;
        let requests: String = (0..count)
            .map(|n| format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\n{n:06}"))
            .collect();
        let (mut reading, mut writing) = client.split();
        let mut received = Vec::new();
        let (sent, ()) = tokio::join!(writing.write_all(requests.as_bytes()), async {
            while received.windows(6).last() != Some(b"002999") {
                let n = timeout(PATIENCE, reading.read_buf(&mut received)).await;
                assert!(n.expect("in time").expect("open") > 0, "{runtime:?}");
            }
        });
        sent.expect("open");
        let text = String::from_utf8(received).expect("text");
        let bodies: Vec<_> = text.split("\r\n\r\n").skip(1).map(|rest| &rest[..6]).collect();
        let expected: Vec<_> = (0..count).map(|n| format!("{n:06}")).collect();
        assert_eq!(bodies, expected, "{runtime:?}");
        handle.shutdown().await;
    }
}

#[tokio::test]
async fn large_bodies_arrive_whole_in_both_directions() {
    for runtime in RUNTIMES {
        let (handle, _) = start(runtime).await;
        let mut client = connect(&handle).await;
        ask(&mut client, "GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert!(answer(&mut client).await == pattern(LARGE), "{runtime:?}");
        let head = format!("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: {LARGE}\r\n\r\n");
        ask(&mut client, &head).await;
        client.write_all(&pattern(LARGE)).await.expect("it is read");
        assert!(answer(&mut client).await == pattern(LARGE), "{runtime:?}");
        let head = format!("POST /late HTTP/1.1\r\nhost: a\r\ncontent-length: {LARGE}\r\n\r\n");
        ask(&mut client, &head).await;
        client.write_all(&pattern(LARGE)).await.expect("it is read in the end");
        assert_eq!(answer(&mut client).await, LARGE.to_string().as_bytes(), "{runtime:?}");
        handle.shutdown().await;
    }
}

#[tokio::test]
async fn a_client_that_has_ended_its_side_gets_its_answer() {
    for runtime in RUNTIMES {
        let (handle, _) = start(runtime).await;
        let mut client = connect(&handle).await;
        ask(&mut client, "GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await;
        client.shutdown().await.expect("open");
        let mut received = String::new();
        timeout(PATIENCE, client.read_to_string(&mut received))
            .await
            .expect("in time")
            .expect("closed in order");
        assert!(received.ends_with("word"), "{runtime:?}: {received}");
        handle.shutdown().await;
    }
}

#[tokio::test]
async fn a_client_that_reads_slowly_holds_little_and_gets_all() {
    for runtime in RUNTIMES {
        let (handle, app) = start(runtime).await;
        let mut client = connect(&handle).await;
        ask(&mut client, "GET /endless HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let mut buffer = vec![0; 64 * 1024];
        assert!(client.read(&mut buffer).await.expect("open") > 0);
        // Until the buffers of both kernels are full.
        let mut before = 0;
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let now = app.pieces.load(Ordering::SeqCst);
            if now == before {
                break;
            }
            before = now;
        }
        assert!(
            before * 16 * 1024 < 32 * 1024 * 1024,
            "{runtime:?} made {before} pieces"
        );
        let mut read = 0;
        while read < 48 * 1024 * 1024 {
            let n = timeout(PATIENCE, client.read(&mut buffer)).await;
            read += n.expect("it goes on").expect("open");
        }
        drop(client);
        let ended = timeout(PATIENCE, async {
            while handle.connections() > 0 {
                tokio::task::yield_now().await;
            }
        });
        ended.await.expect("a client that left ends its stream");
        handle.shutdown().await;
    }
}

#[tokio::test]
async fn a_client_that_resets_in_mid_response_leaves_nothing_behind() {
    for runtime in RUNTIMES {
        let (handle, app) = start(runtime).await;
        for _ in 0..20 {
            let mut client = connect(&handle).await;
            ask(&mut client, "GET /endless HTTP/1.1\r\nhost: a\r\n\r\n").await;
            let mut buffer = vec![0; 64 * 1024];
            assert!(client.read(&mut buffer).await.expect("open") > 0);
            client.set_zero_linger().expect("supported");
        }
        let ended = timeout(PATIENCE, async {
            while handle.connections() > 0 {
                tokio::task::yield_now().await;
            }
        });
        ended.await.expect("all connections end");
        assert_eq!(app.begun.load(Ordering::SeqCst), 20);
        handle.shutdown().await;
    }
}

#[tokio::test]
async fn a_thousand_connections_are_served_side_by_side() {
    for runtime in RUNTIMES {
        let (handle, _) = start(runtime).await;
        let mut clients = Vec::new();
        for _ in 0..1000 {
            clients.push(connect(&handle).await);
        }
        for _ in 0..3 {
            for client in &mut clients {
                ask(client, GET).await;
            }
            for client in &mut clients {
                assert_eq!(answer(client).await, b"word", "{runtime:?}");
            }
        }
        assert_eq!(handle.connections(), 1000);
        drop(clients);
        handle.shutdown().await;
        assert_eq!(handle.connections(), 0);
    }
}

#[tokio::test]
async fn connections_are_spread_evenly_over_the_cores() {
    for runtime in [Runtime::PerCore, Runtime::IoUring] {
        let (handle, _) = start(runtime).await;
        let mut clients = Vec::new();
        let mut by_thread = [0_usize; 2];
        for _ in 0..100 {
            let mut client = connect(&handle).await;
            ask(&mut client, "GET /spawn HTTP/1.1\r\nhost: a\r\n\r\n").await;
            match answer(&mut client).await.as_slice() {
                b"hyperlane-0" => by_thread[0] += 1,
                b"hyperlane-1" => by_thread[1] += 1,
                other => panic!("a task on thread {other:?}"),
            }
            clients.push(client);
        }
        assert!(
            by_thread.iter().all(|n| (40..=60).contains(n)),
            "{runtime:?}: {by_thread:?}"
        );
        handle.shutdown().await;
    }
}

#[tokio::test]
async fn the_limit_of_connections_holds_over_all_threads() {
    for runtime in RUNTIMES {
        let (handle, app) = start_with(runtime, |config| config.max_connections = 3).await;
        let mut clients = Vec::new();
        for _ in 0..12 {
            let mut client = connect(&handle).await;
            ask(&mut client, GET).await;
            clients.push(client);
        }
        let mut served = HashSet::new();
        for turn in 0..clients.len() {
            let first = timeout(PATIENCE, any_answer(&mut clients))
                .await
                .expect("there is room");
            served.insert(first);
            assert!(
                app.begun.load(Ordering::SeqCst) <= turn + 3,
                "{runtime:?}: more than three at once"
            );
            clients.remove(first);
        }
        handle.shutdown().await;
    }
}

/// Waits for an answer to any of the clients; returns which one.
async fn any_answer(clients: &mut [TcpStream]) -> usize {
    loop {
        for (index, client) in clients.iter().enumerate() {
            let mut buffer = [0; 1024];
            if client.try_read(&mut buffer).is_ok_and(|n| n > 0) {
                return index;
            }
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn the_threads_end_with_the_server() {
    for runtime in [Runtime::PerCore, Runtime::IoUring] {
        let (handle, app) = start(runtime).await;
        let mut client = connect(&handle).await;
        ask(&mut client, GET).await;
        answer(&mut client).await;
        handle.shutdown().await;
        drop(client);
        // Threads, connections and tasks each had a share in it.
        let alone = timeout(PATIENCE, async {
            while Arc::strong_count(&app) > 1 {
                tokio::task::yield_now().await;
            }
        });
        alone.await.expect("nobody else holds the service");
    }
}
