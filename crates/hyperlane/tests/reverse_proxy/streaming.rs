//! Both bodies are streams: nothing of them is gathered, and a slow end holds the other back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::stream;
use hyperlane::sse::{Event, EventLog, Sse};
use hyperlane::{Body, BoxError, Bytes, Context, Response, Route, State};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::support::{PATIENCE, client, proxy_server, serve, to};

const PIECE: usize = 64 * 1024;
const ALL: u64 = 64 << 20;
/// What sockets, buffers of both servers and the test's own piece may hold in all, on the generous side.
const UNDER_WAY: u64 = 24 << 20;

type Counter = Arc<AtomicU64>;

/// A body of [`ALL`] bytes that counts what was taken of it.
fn counted(counter: &Counter) -> Body {
    let counter = Arc::clone(counter);
    let piece = Bytes::from(vec![b'x'; PIECE]);
    Body::stream(stream::iter((0..ALL / PIECE as u64).map(move |_| {
        counter.fetch_add(PIECE as u64, Ordering::SeqCst);
        Ok::<_, BoxError>(piece.clone())
    })))
}

/// Waits until nothing moves any more.
async fn settled(counter: &Counter) -> u64 {
    let mut last = counter.load(Ordering::SeqCst);
    loop {
        sleep(Duration::from_millis(200)).await;
        let now = counter.load(Ordering::SeqCst);
        if now == last && now > 0 {
            return now;
        }
        last = now;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_response_moves_at_the_clients_pace() {
    let made = Counter::default();
    let upstream = serve(|server| {
        server.state(Arc::clone(&made));
        server.get("/", async |State(made): State<Counter>| Response::new(counted(&made)));
    })
    .await;
    let proxy = proxy_server(to(upstream.local_addr())).await;
    let mut stream = TcpStream::connect(proxy.local_addr()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\nhost: a\r\n\r\n").await.unwrap();
    let held = timeout(PATIENCE, settled(&made)).await.unwrap();
    assert!(
        held < UNDER_WAY,
        "{held} bytes are under way to a client that does not read"
    );

    let mut buffer = vec![0; 1 << 20];
    let mut read = 0;
    loop {
        match timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap() {
            0 => break,
            n => read += n as u64,
        }
        let under_way = made.load(Ordering::SeqCst).saturating_sub(read);
        assert!(under_way < UNDER_WAY, "{under_way} bytes are under way");
    }
    assert!(read > ALL && read < ALL + 1000, "{read} bytes with the head");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_request_moves_at_the_upstreams_pace() {
    let taken = Counter::default();
    let go = Arc::new(tokio::sync::Notify::new());
    let upstream = serve(|server| {
        server.state(Arc::clone(&taken)).state(Arc::clone(&go));
        let handler = async |ctx: Context, State(taken): State<Counter>, State(go): State<Arc<tokio::sync::Notify>>| {
            let mut body = ctx.body_stream();
            go.notified().await;
            while let Some(chunk) = body.chunk().await {
                taken.fetch_add(chunk.unwrap().len() as u64, Ordering::SeqCst);
            }
            taken.load(Ordering::SeqCst).to_string()
        };
        server.post("/", Route::new(handler).body_limit(1 << 30));
    })
    .await;
    let sent = Counter::default();
    let client = client(to(upstream.local_addr()));
    let response = tokio::spawn({
        let request = client.post("/").body(counted(&sent));
        async move { request.await }
    });
    let held = timeout(PATIENCE, settled(&sent)).await.unwrap();
    assert!(
        held < UNDER_WAY,
        "{held} bytes are under way to an upstream that does not read"
    );
    go.notify_one();
    let response = timeout(PATIENCE, response).await.unwrap().unwrap();
    response.assert_status(200).assert_text(&ALL.to_string()).await;
}

#[tokio::test]
async fn pieces_are_passed_on_as_they_come() {
    let upstream = serve(|server| {
        // It sends each piece back before it reads the next.
        server.post("/", async |ctx: Context| {
            let mut body = ctx.body_stream();
            while let Some(chunk) = body.chunk().await {
                ctx.send_piece(chunk.unwrap()).await.unwrap();
            }
        });
    })
    .await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(1);
    let pieces = stream::unfold(receiver, async |mut receiver| {
        let piece = receiver.recv().await?;
        Some((Ok::<_, BoxError>(piece), receiver))
    });
    let client = client(to(upstream.local_addr()));
    sender.send(Bytes::from_static(b"first")).await.unwrap();
    let response = timeout(PATIENCE, client.post("/").body(Body::stream(pieces)).into_future())
        .await
        .unwrap();
    assert_eq!(response.chunk().await.unwrap(), "first");
    sender.send(Bytes::from_static(b"second")).await.unwrap();
    assert_eq!(timeout(PATIENCE, response.chunk()).await.unwrap().unwrap(), "second");
    drop(sender);
    assert!(response.chunk().await.is_none());
}

#[tokio::test]
async fn event_streams_pass_through_and_end_when_the_proxy_drains() {
    let log = EventLog::new();
    let upstream = serve(|server| {
        server
            .state(log.clone())
            .get("/", async |State(log): State<EventLog>| Sse::new(log.subscribe(None)));
    })
    .await;
    let proxy = proxy_server(to(upstream.local_addr())).await;
    let mut stream = TcpStream::connect(proxy.local_addr()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut got = Vec::new();
    while !got.ends_with(b"\n\n\r\n") {
        got.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
    log.publish(Event::new("through the proxy")).unwrap();
    while !got.ends_with(b"data: through the proxy\n\n\r\n") {
        got.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
    }
    let shutdown = tokio::spawn(async move { proxy.shutdown().await });
    let mut rest = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert_eq!(rest, b"0\r\n\r\n");
    drop(stream);
    timeout(PATIENCE, shutdown).await.unwrap().unwrap();
}
