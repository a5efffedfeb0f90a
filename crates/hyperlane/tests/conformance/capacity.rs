//! What clients can hold: a client that does not read, leaves or goes on sending loses its connection, and connections
//! over the limit wait.

use std::time::Duration;

use hyperlane::ServerConfig;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::app::TestApp;
use crate::probe::{PATIENCE, Probe, Step};
use crate::timeouts::short;

const GET: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

/// Waits until the handler of `/endless` has been told, or dropped.
async fn handler_ended(app: &TestApp) -> bool {
    let ended = async {
        while !app.marks().hit("client-gone") {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, ended).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_reads_is_dropped() {
    let app = TestApp::start_with(short()).await;
    let mut client = Probe::connect(app.addr(), Vec::new())
        .await
        .expect("the server listens");
    client.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(
        handler_ended(&app).await,
        "the handler still waits for a client that does not read"
    );
    drop(client);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_ends_its_stream() {
    let app = TestApp::start().await;
    let mut client = Probe::connect(app.addr(), Vec::new())
        .await
        .expect("the server listens");
    client.send(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await;
    client.read_until(|client| client.received.len() > 100_000).await;
    drop(client);
    assert!(
        handler_ended(&app).await,
        "the handler still streams to a client that has left"
    );
    app.stop().await;
}

/// Waits until the server holds no connection any more.
async fn connections_ended(app: &TestApp) -> bool {
    let ended = async {
        while app.handle().connections() > 0 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, ended).await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_pipelines_and_never_reads_is_dropped() {
    let app = TestApp::start_with(short()).await;
    let mut client = TcpStream::connect(app.addr()).await.expect("the server listens");
    // Four times what the buffers of both kernels hold at most, were it all answered.
    let requests = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n".repeat(64);
    client
        .write_all(requests.as_bytes())
        .await
        .expect("a head's worth of requests is buffered");
    assert!(
        connections_ended(&app).await,
        "a client that does not read still has its connection"
    );
    drop(client);
    app.stop().await;
}

/// The server reads on after a refusal, so that it arrives; but not for as long as the client likes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_client_that_goes_on_sending_is_let_go() {
    let app = TestApp::start().await;
    let mut client = TcpStream::connect(app.addr()).await.expect("the server listens");
    client
        .write_all(b"GET /hello\r\n\r\n")
        .await
        .expect("a small request is buffered");
    let flood = async {
        while client.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let let_go = async {
        tokio::select! {
            () = flood => true,
            ended = connections_ended(&app) => ended,
        }
    };
    assert!(let_go.await, "a refused client holds its connection by sending on");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_over_the_limit_wait_and_are_then_served() {
    let config = ServerConfig::new();
    config.max_connections(2);
    let app = TestApp::start_with(config).await;
    let mut admitted = Vec::new();
    for _ in 0..2 {
        let mut client = Probe::connect(app.addr(), Vec::new())
            .await
            .expect("the server listens");
        client.send(GET.as_bytes()).await;
        client.read_until(|client| client.finals() == 1).await;
        assert_eq!(client.finals(), 1);
        admitted.push(client);
    }
    let mut waiting = Probe::connect(app.addr(), Vec::new())
        .await
        .expect("the kernel accepts");
    waiting.send(GET.as_bytes()).await;
    waiting.step(&Step::Silence(Duration::from_millis(100))).await;
    assert_eq!(waiting.fault, None, "a third connection was served beside two");
    admitted.pop();
    let served = waiting.read_until(|client| client.finals() == 1);
    assert!(
        timeout(PATIENCE, served).await.is_ok(),
        "the connection was never admitted"
    );
    assert_eq!(waiting.finals(), 1, "the connection was dropped: {waiting:?}");
    app.stop().await;
}
