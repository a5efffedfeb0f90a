//! Event streams end when their server begins to shut down, and nobody waits for the deadline.

use std::time::Duration;

use futures::stream;
use hyperlane::sse::{Event, EventLog, Sse};
use hyperlane::{BoxError, Server, ServerConfig, State};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

async fn bare() -> Sse {
    Sse::new(stream::pending::<Result<Event, BoxError>>())
}

async fn feed(State(log): State<EventLog>) -> Sse {
    Sse::new(log.subscribe(None))
}

#[tokio::test]
async fn open_streams_end_whole_and_at_once_when_the_server_drains() {
    let server = Server::new();
    let log = EventLog::new();
    server.config(ServerConfig::new().port(0).shutdown_deadline(Duration::from_secs(60)));
    server.state(log.clone()).get("/bare", bare).get("/feed", feed);
    let handle = server.run().await.unwrap();
    let mut streams = Vec::new();
    for path in ["/bare", "/feed", "/feed"] {
        let mut stream = TcpStream::connect(handle.local_addr()).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        streams.push(stream);
    }
    log.publish(Event::new("last words")).unwrap();
    let mut first = [0; 64];
    let begun = streams[2].read(&mut first).await.unwrap();
    assert!(begun > 0);

    let began = Instant::now();
    let shutdown = tokio::spawn(async move { handle.shutdown().await });
    for (index, stream) in streams.iter_mut().enumerate() {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        let rest = String::from_utf8(rest).unwrap();
        assert!(rest.ends_with("0\r\n\r\n"), "stream {index} is complete: {rest:?}");
    }
    drop(streams);
    timeout(Duration::from_secs(20), shutdown).await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn what_sends_into_a_stream_hears_of_the_end() {
    let server = Server::new();
    let (sender, events) = Sse::channel(1);
    let slot = std::sync::Arc::new(std::sync::Mutex::new(Some(events)));
    server.config(ServerConfig::new().port(0).shutdown_deadline(Duration::from_secs(60)));
    server.get("/", move || {
        let events = slot.lock().unwrap().take();
        async { events }
    });
    let handle = server.run().await.unwrap();
    let mut stream = TcpStream::connect(handle.local_addr()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    sender.send(Event::new("x")).await.unwrap();
    let mut byte = [0];
    stream.read_exact(&mut byte).await.unwrap();
    let shutdown = tokio::spawn(async move { handle.shutdown().await });
    timeout(Duration::from_secs(20), sender.closed()).await.unwrap();
    drop(stream);
    timeout(Duration::from_secs(20), shutdown).await.unwrap().unwrap();
}
