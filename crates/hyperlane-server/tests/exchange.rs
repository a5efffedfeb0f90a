//! Requests and responses over one connection in memory: what is written when, and what becomes of bodies.
//!
//! Time is paused in all of them: a minute that a test sleeps is over at once.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use hyperlane_core::{Body, Bytes, ConnectionInfo, IntoResponse, Request, Response, Service};
use hyperlane_server::{Config, Transport, serve_transport};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A service out of a function.
struct Func<F>(F);

impl<F, Fut> Service for Func<F>
where
    F: Fn(Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Response> + Send + 'static,
{
    type Future = BoxFuture<Response>;

    fn call(&self, request: Request) -> Self::Future {
        Box::pin(self.0(request))
    }
}

fn connect<F, Fut>(service: F) -> DuplexStream
where
    F: Fn(Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Response> + Send + 'static,
{
    let (client, server) = duplex(1 << 20);
    tokio::spawn(serve_transport(
        server,
        ConnectionInfo::default(),
        Arc::new(Func(service)),
        Config::default(),
    ));
    client
}

async fn read_until(client: &mut DuplexStream, end: &str) -> String {
    let mut received = Vec::new();
    let read = async {
        while !String::from_utf8_lossy(&received).contains(end) {
            let mut buffer = [0; 4096];
            let n = client.read(&mut buffer).await.expect("in memory");
            assert!(n > 0, "closed; received {:?}", String::from_utf8_lossy(&received));
            received.extend_from_slice(&buffer[..n]);
        }
    };
    let read = timeout(Duration::from_secs(3600), read).await;
    assert!(
        read.is_ok(),
        "{end:?} does not come; received {:?}",
        String::from_utf8_lossy(&received)
    );
    String::from_utf8(received).expect("text")
}

async fn read_all(client: &mut DuplexStream) -> String {
    let mut received = String::new();
    client.read_to_string(&mut received).await.expect("in memory");
    received
}

/// Counts the writes that reach a transport.
struct CountWrites(DuplexStream, Arc<AtomicUsize>);

impl Transport for CountWrites {}

impl AsyncRead for CountWrites {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for CountWrites {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.0).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn answers_to_requests_that_arrived_together_are_written_together_and_in_order() {
    let (mut client, server) = duplex(1 << 16);
    let writes = Arc::new(AtomicUsize::new(0));
    let service = Func(async |request: Request| request.head().path().to_owned().into_response());
    let transport = CountWrites(server, Arc::clone(&writes));
    tokio::spawn(serve_transport(
        transport,
        ConnectionInfo::default(),
        Arc::new(service),
        Config::default(),
    ));
    let requests: String = (0..16)
        .map(|i| format!("GET /{i:02} HTTP/1.1\r\nhost: a\r\n\r\n"))
        .collect();
    client.write_all(requests.as_bytes()).await.expect("open");
    let received = read_until(&mut client, "\r\n\r\n/15").await;
    let order: Vec<_> = received
        .split("\r\n\r\n/")
        .skip(1)
        .map(|rest| rest[..2].parse::<u8>().expect("a number"))
        .collect();
    assert_eq!(order, (0..16).collect::<Vec<_>>());
    assert_eq!(writes.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_does_not_wait_for_the_slow_request_behind_it() {
    let mut client = connect(async |request: Request| match request.head().path() {
        "/slow" => pending().await,
        _ => "fast".into_response(),
    });
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\nGET /slow HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("open");
    read_until(&mut client, "fast").await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_is_told_to_continue_only_when_the_body_is_read() {
    let mut client = connect(async |mut request: Request| match request.head().path() {
        "/read" => request.body_mut().bytes().await.expect("sent").into_response(),
        _ => "unread".into_response(),
    });
    let head = "HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n";
    client
        .write_all(format!("POST /read {head}").as_bytes())
        .await
        .expect("open");
    assert_eq!(
        read_until(&mut client, "\r\n\r\n").await,
        "HTTP/1.1 100 Continue\r\n\r\n"
    );
    client.write_all(b"body").await.expect("open");
    read_until(&mut client, "\r\n\r\nbody").await;

    client
        .write_all(format!("POST /unread {head}").as_bytes())
        .await
        .expect("open");
    let received = read_all(&mut client).await;
    assert!(
        received.starts_with("HTTP/1.1 200 OK\r\n") && received.contains("connection: close"),
        "{received}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_is_read_only_as_fast_as_the_handler_takes_it() {
    let (client, server) = duplex(1024);
    let (taken, mut wait) = mpsc::channel::<()>(1);
    let service = Func(move |mut request: Request| {
        let taken = taken.clone();
        async move {
            let _ = request.body_mut().chunk().await;
            let _ = taken.send(()).await;
            pending().await
        }
    });
    tokio::spawn(serve_transport(
        server,
        ConnectionInfo::default(),
        Arc::new(service),
        Config::default(),
    ));
    let (_reading, mut writing) = tokio::io::split(client);
    writing
        .write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2000000\r\n\r\n")
        .await
        .expect("open");
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    tokio::spawn(async move {
        while writing.write_all(&[b'x'; 1000]).await.is_ok() {
            counter.fetch_add(1000, Ordering::Relaxed);
        }
    });
    wait.recv().await;
    sleep(Duration::from_secs(60)).await;
    assert!(
        sent.load(Ordering::Relaxed) < 200_000,
        "{} bytes were taken in",
        sent.load(Ordering::Relaxed)
    );
}

#[tokio::test(start_paused = true)]
async fn chunks_of_a_request_come_with_their_trailers() {
    let mut client = connect(async |mut request: Request| {
        let bytes = request.body_mut().bytes().await.expect("well formed");
        let trailer = request
            .body()
            .trailers()
            .and_then(|trailers| trailers.get("x-sum").cloned());
        (
            HeaderMap::from_iter(trailer.map(|value| (http::header::ETAG, value))),
            bytes,
        )
            .into_response()
    });
    let request = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
                   3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n";
    client.write_all(request.as_bytes()).await.expect("open");
    let received = read_all(&mut client).await;
    assert!(
        received.contains("etag: 5\r\n") && received.ends_with("\r\n\r\nabcde"),
        "{received}"
    );
}

#[tokio::test(start_paused = true)]
async fn success_on_a_body_that_failed_becomes_the_error_it_was() {
    for (body, status) in [
        ("transfer-encoding: chunked\r\n\r\nzz\r\n", "400"),
        ("content-length: 9\r\n\r\nabc", "400"),
    ] {
        let mut client = connect(async |mut request: Request| {
            let _ = request.body_mut().bytes().await;
            "all is well".into_response()
        });
        client
            .write_all(format!("POST / HTTP/1.1\r\nhost: a\r\n{body}").as_bytes())
            .await
            .expect("open");
        client.shutdown().await.expect("open");
        let received = read_all(&mut client).await;
        assert!(received.starts_with(&format!("HTTP/1.1 {status} ")), "{received}");
        assert!(!received.contains("all is well"), "{received}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_small_unread_body_is_thrown_away_and_the_connection_goes_on() {
    let mut client = connect(async |_| "unread".into_response());
    client
        .write_all(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nab")
        .await
        .expect("open");
    read_until(&mut client, "unread").await;
    client
        .write_all(b"c\r\n0\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("open");
    read_until(&mut client, "unread").await;
}

#[tokio::test(start_paused = true)]
async fn a_large_unread_body_ends_the_connection_and_the_answer_arrives() {
    let mut client = connect(async |_| "unread".into_response());
    client
        .write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n")
        .await
        .expect("open");
    client.write_all(&[b'x'; 500_000]).await.expect("room");
    let received = read_all(&mut client).await;
    assert!(
        received.contains("connection: close") && received.ends_with("unread"),
        "{received}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_endless_unread_body_is_not_drained_for_ever() {
    let (client, server) = duplex(4096);
    let service = Func(async |_| "unread".into_response());
    tokio::spawn(serve_transport(
        server,
        ConnectionInfo::default(),
        Arc::new(service),
        Config::default(),
    ));
    let (mut reading, mut writing) = tokio::io::split(client);
    writing
        .write_all(b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        .await
        .expect("open");
    let sending = tokio::spawn(async move {
        let mut sent = 0;
        while writing.write_all(b"400\r\n").await.is_ok() && writing.write_all(&[b'x'; 1024]).await.is_ok() {
            let _ = writing.write_all(b"\r\n").await;
            sent += 1024;
            // The drain limit, what lies in the pipe, and what is read on after the close.
            assert!(sent < 40_000_000, "still read after {sent} bytes");
        }
        sent
    });
    let mut received = String::new();
    reading.read_to_string(&mut received).await.expect("in memory");
    assert!(received.ends_with("unread"), "{received}");
    drop(reading);
    sending.await.expect("it ended");
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_outlives_the_response_still_gets_the_body() {
    let (done, mut result) = mpsc::channel::<Bytes>(1);
    let mut client = connect(move |mut request: Request| {
        let done = done.clone();
        tokio::spawn(async move {
            let bytes = request.body_mut().bytes().await.expect("all of it");
            let _ = done.send(bytes).await;
        });
        async { (http::StatusCode::ACCEPTED, "later").into_response() }
    });
    client
        .write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc")
        .await
        .expect("open");
    read_until(&mut client, "later").await;
    client
        .write_all(b"defGET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("open");
    assert_eq!(result.recv().await.expect("read"), "abcdef");
    read_until(&mut client, "later").await;
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_gets_what_was_sent_right_behind_the_request() {
    let mut client = connect(async |_| {
        Response::upgrade(HeaderValue::from_static("echo"), |mut io| async move {
            let mut buffer = [0; 5];
            while io.read_exact(&mut buffer).await.is_ok() {
                io.write_all(&buffer).await.expect("open");
            }
        })
    });
    let request = "GET / HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\nearly";
    client.write_all(request.as_bytes()).await.expect("open");
    let received = read_until(&mut client, "early").await;
    assert!(
        received.starts_with("HTTP/1.1 101 ") && received.contains("upgrade: echo\r\n"),
        "{received}"
    );
    client.write_all(b"later").await.expect("open");
    read_until(&mut client, "later").await;
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_nobody_asked_for_is_an_error() {
    let mut client = connect(async |_| Response::upgrade(HeaderValue::from_static("x"), |_| async {}));
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("open");
    read_until(&mut client, "HTTP/1.1 500 ").await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_500_and_ends_only_its_own_connection() {
    let mut client = connect(async |_: Request| -> Response { panic!("on purpose") });
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("open");
    let received = read_all(&mut client).await;
    assert_eq!(received.matches("HTTP/1.1 500 ").count(), 1, "{received}");
    assert!(
        received.contains("connection: close") && !received.contains("on purpose"),
        "{received}"
    );
}

/// A stream of the given items, then an error.
struct Failing(Vec<&'static str>);

impl http_body::Body for Failing {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(Some(match self.0.pop() {
            Some(text) => Ok(http_body::Frame::data(Bytes::from(text))),
            None => Err(std::io::Error::other("source failed")),
        }))
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_fails_is_left_visibly_incomplete() {
    let mut client = connect(async |_| Response::new(Body::wrap(Failing(vec!["some"]))));
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("open");
    let received = read_all(&mut client).await;
    assert!(!received.contains("0\r\n\r\n"), "{received}");
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_dropped_when_its_client_has_left() {
    struct Watched(Arc<AtomicBool>);
    impl http_body::Body for Watched {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
            Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b"on and on")))))
        }
    }
    impl Drop for Watched {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&dropped);
    let mut client = connect(move |_| {
        let body = Body::wrap(Watched(Arc::clone(&flag)));
        async { Response::new(body) }
    });
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("open");
    read_until(&mut client, "on and on").await;
    drop(client);
    sleep(Duration::from_secs(1)).await;
    assert!(dropped.load(Ordering::SeqCst));
}

#[tokio::test(start_paused = true)]
async fn trailers_of_a_response_are_sent_to_who_accepts_them() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("5"));
    let mut client = connect(move |_| {
        let body = Body::from("abcde").with_trailers(trailers.clone());
        async { Response::new(body) }
    });
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\nTE: trailers\r\n\r\n")
        .await
        .expect("open");
    let received = read_until(&mut client, "x-sum: 5\r\n\r\n").await;
    assert!(received.contains("5\r\nabcde\r\n0\r\n"), "{received}");
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("open");
    let received = read_until(&mut client, "abcde").await;
    assert!(received.contains("content-length: 5\r\n"), "{received}");
}
