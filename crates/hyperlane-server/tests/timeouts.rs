//! Every time-out of the engine, with paused time: no test here waits.

use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyperlane_core::{Body, ConnectionInfo, IntoResponse, Request, Response, Service};
use hyperlane_server::{Config, serve_transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep, timeout};

/// Answers by path: `/echo` reads the body, `/never` does not answer, `/large` sends 1 MiB, everything else a word.
struct App;

impl Service for App {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(&self, mut request: Request) -> Self::Future {
        Box::pin(async move {
            match request.head().path() {
                "/echo" => match request.body_mut().bytes().await {
                    Ok(bytes) => bytes.into_response(),
                    Err(error) => error.status().into_response(),
                },
                "/slow-reader" => {
                    let mut total = 0;
                    while let Some(Ok(chunk)) = request.body_mut().chunk().await {
                        total += chunk.len();
                        sleep(Duration::from_secs(20)).await;
                    }
                    total.to_string().into_response()
                }
                "/never" => pending().await,
                "/large" => Response::new(Body::from(vec![b'x'; 1 << 20])),
                _ => "word".into_response(),
            }
        })
    }
}

fn connect(config: Config) -> DuplexStream {
    let (client, server) = duplex(4096);
    tokio::spawn(serve_transport(
        server,
        ConnectionInfo::default(),
        Arc::new(App),
        config,
    ));
    client
}

fn config(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::default();
    change(&mut config);
    config
}

/// What the server sends until it closes, and after how many seconds it does.
async fn until_closed(client: &mut DuplexStream) -> (String, u64) {
    let start = Instant::now();
    let mut received = Vec::new();
    let closed = timeout(Duration::from_secs(3600), client.read_to_end(&mut received)).await;
    assert!(
        closed.is_ok(),
        "not closed within an hour; received {:?}",
        String::from_utf8_lossy(&received)
    );
    (
        String::from_utf8_lossy(&received).into_owned(),
        start.elapsed().as_secs(),
    )
}

#[tokio::test(start_paused = true)]
async fn a_head_that_drips_is_answered_408_ten_seconds_after_its_first_byte() {
    let (mut reading, mut writing) = tokio::io::split(connect(Config::default()));
    let start = Instant::now();
    let dripping = tokio::spawn(async move {
        sleep(Duration::from_secs(30)).await;
        for byte in b"GET / HTTP/1.1\r\nhost: a\r\nx-a: "
            .iter()
            .chain(std::iter::repeat_n(&b'a', 1000))
        {
            if writing.write_all(&[*byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
    });
    let mut received = String::new();
    // The 408 comes at once; the close after it waits a little for the client.
    reading.read_to_string(&mut received).await.expect("in memory");
    assert!(received.starts_with("HTTP/1.1 408 "), "{received}");
    let elapsed = start.elapsed().as_secs();
    assert!((40..=42).contains(&elapsed), "{elapsed} s");
    dripping.abort();
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_brings_nothing_is_closed_without_a_word() {
    let mut client = connect(Config::default());
    assert_eq!(until_closed(&mut client).await, (String::new(), 60));
}

#[tokio::test(start_paused = true)]
async fn an_idle_keep_alive_connection_is_closed_a_minute_after_its_last_request() {
    let mut client = connect(Config::default());
    sleep(Duration::from_secs(50)).await;
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("open");
    let (received, seconds) = until_closed(&mut client).await;
    assert!(received.ends_with("word"), "{received}");
    assert_eq!(seconds, 60);
}

#[tokio::test(start_paused = true)]
async fn an_empty_line_behind_a_request_does_not_earn_a_408() {
    let mut client = connect(Config::default());
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n\r\n")
        .await
        .expect("open");
    let (received, _) = until_closed(&mut client).await;
    assert_eq!(received.matches("HTTP/1.1 ").count(), 1, "{received}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stalls_is_answered_408() {
    let mut client = connect(config(|config| config.body_min_rate = 0));
    client
        .write_all(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc")
        .await
        .expect("open");
    let (received, seconds) = until_closed(&mut client).await;
    assert!(received.starts_with("HTTP/1.1 408 "), "{received}");
    assert!(received.contains("connection: close"), "{received}");
    assert!((30..=33).contains(&seconds), "{seconds} s");
}

#[tokio::test(start_paused = true)]
async fn a_body_below_the_least_rate_is_answered_408_though_it_never_stalls() {
    let (mut reading, mut writing) = tokio::io::split(connect(Config::default()));
    let start = Instant::now();
    tokio::spawn(async move {
        let head = b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n";
        writing.write_all(head).await.expect("open");
        while writing.write_all(&[b'x'; 100]).await.is_ok() {
            sleep(Duration::from_secs(1)).await;
        }
    });
    let mut received = String::new();
    reading.read_to_string(&mut received).await.expect("in memory");
    assert!(received.starts_with("HTTP/1.1 408 "), "{received}");
    assert!(start.elapsed() < Duration::from_secs(9), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_reads_slowly_is_not_held_against_the_client() {
    let mut client = connect(Config::default());
    let head = b"POST /slow-reader HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 20000\r\n\r\n";
    client.write_all(head).await.expect("open");
    client.write_all(&[b'x'; 20000]).await.expect("read in time");
    let (received, _) = until_closed(&mut client).await;
    assert!(received.ends_with("20000"), "{received}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_is_given_up() {
    let mut client = connect(Config::default());
    client
        .write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("open");
    sleep(Duration::from_secs(29)).await;
    assert!(client.write_all(b" ").await.is_ok(), "still open");
    sleep(Duration::from_secs(2)).await;
    assert!(client.write_all(b" ").await.is_err(), "closed");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_reads_its_pipelined_answers_is_given_up() {
    let mut client = connect(Config::default());
    let start = Instant::now();
    while client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.is_ok() {}
    assert!(start.elapsed() < Duration::from_secs(32), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_handler_over_its_time_is_answered_503_and_the_connection_goes_on() {
    let mut client = connect(config(|config| config.handler_timeout = Some(Duration::from_secs(5))));
    let start = Instant::now();
    client
        .write_all(b"GET /never HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("open");
    let mut buffer = [0; 1024];
    let n = client.read(&mut buffer).await.expect("an answer");
    assert!(buffer[..n].starts_with(b"HTTP/1.1 503 "));
    assert_eq!(start.elapsed().as_secs(), 5);
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await
        .expect("open");
    assert!(until_closed(&mut client).await.0.ends_with("word"));
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_take_its_time_by_default() {
    let mut client = connect(Config::default());
    client
        .write_all(b"GET /never HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .expect("open");
    let mut buffer = [0; 1];
    assert!(
        timeout(Duration::from_secs(3600), client.read(&mut buffer))
            .await
            .is_err()
    );
}
