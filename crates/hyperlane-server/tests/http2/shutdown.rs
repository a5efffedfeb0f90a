//! The end of a server whose clients speak HTTP/2: over sockets, since there is a server to be ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use http::Method;
use hyperlane_server::{Config, ServerHandle, bind, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::app::{App, config};
use crate::client::{PREFACE, code, flag, frame, get_path, kind, settings, window_update};
use crate::exchange::{receive, request};

const PATIENCE: Duration = Duration::from_secs(20);

async fn start(config: Config) -> ServerHandle {
    let listener = bind("127.0.0.1", 0, &config).await.expect("a free port");
    serve(listener, Arc::new(App::default()), config)
        .await
        .expect("a server")
}

async fn connect(server: &ServerHandle) -> TcpStream {
    TcpStream::connect(server.local_addr()).await.expect("a connection")
}

/// The codes and last streams of the GOAWAY frames until the end.
async fn goaways(io: &mut TcpStream, acknowledge: bool) -> Vec<(u32, u32)> {
    let mut goaways = Vec::new();
    let mut head = [0; 9];
    while timeout(PATIENCE, io.read_exact(&mut head))
        .await
        .expect("in time")
        .is_ok()
    {
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        io.read_exact(&mut payload).await.expect("a whole frame");
        match head[3] {
            kind::GOAWAY => {
                let number = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().expect("four bytes"));
                goaways.push((number(0), number(4)));
            }
            kind::PING if acknowledge && head[4] & flag::ACK == 0 => {
                io.write_all(&frame(kind::PING, flag::ACK, 0, &payload))
                    .await
                    .expect("an open connection");
            }
            _ => {}
        }
    }
    goaways
}

#[tokio::test]
async fn a_shutdown_says_goaway_twice_rfc9113_6_8() {
    for acknowledge in [true, false] {
        let server = start(Config::default()).await;
        let mut io = connect(&server).await;
        let begin = [PREFACE, &settings(&[]), &get_path(1, "/")].concat();
        io.write_all(&begin).await.expect("an open connection");
        let mut head = [0; 9];
        io.read_exact(&mut head).await.expect("the server's settings");
        let mut payload = vec![0; usize::from(head[2])];
        io.read_exact(&mut payload).await.expect("a whole frame");
        let ending = tokio::spawn({
            let server = server.clone();
            async move { server.shutdown().await }
        });
        let goaways = goaways(&mut io, acknowledge).await;
        assert_eq!(
            goaways,
            [(0x7fff_ffff, code::NO_ERROR), (1, code::NO_ERROR)],
            "acknowledged: {acknowledge}"
        );
        drop(io);
        timeout(PATIENCE, ending).await.expect("in time").expect("no panic");
    }
}

#[tokio::test]
async fn requests_in_hand_are_answered_during_a_shutdown() {
    let server = start(Config::default()).await;
    let (mut requests, connection) = h2::client::handshake(connect(&server).await)
        .await
        .expect("a handshake");
    tokio::spawn(connection);
    let (response, mut body) = requests
        .send_request(request(Method::POST, "/echo"), false)
        .expect("a stream");
    body.send_data(Bytes::from("begun, "), false).expect("an open stream");
    let (second, _) = requests
        .send_request(request(Method::GET, "/"), true)
        .expect("a stream");
    assert_eq!(
        receive(second.await.expect("a response")).await.expect("a body").text(),
        "word"
    );
    let ending = tokio::spawn({
        let server = server.clone();
        async move { server.shutdown().await }
    });
    // Once the client knows, it opens no more streams.
    let refused = timeout(PATIENCE, async {
        while requests.send_request(request(Method::GET, "/"), true).is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    refused.await.expect("a GOAWAY");
    body.send_data(Bytes::from("and ended"), true).expect("an open stream");
    let response = receive(response.await.expect("a response")).await.expect("a body");
    assert_eq!(response.text(), "begun, and ended");
    drop(requests);
    timeout(PATIENCE, ending).await.expect("in time").expect("no panic");
}

/// Responses are handed over to their end long before a slow client has taken them.
#[tokio::test]
async fn a_shutdown_sends_what_a_slow_client_has_not_taken_yet() {
    const STREAMS: u32 = 20;
    let server = start(config(|config| {
        config.http2.send_buffer = 2 << 20;
        config.shutdown_deadline = PATIENCE;
    }))
    .await;
    let mut io = connect(&server).await;
    let mut begin = [PREFACE, &settings(&[(4, 2 << 20)]), &window_update(0, 64 << 20)].concat();
    for number in 0..STREAMS {
        begin.extend_from_slice(&get_path(2 * number + 1, "/large"));
    }
    io.write_all(&begin).await.expect("an open connection");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let ending = tokio::spawn({
        let server = server.clone();
        async move { server.shutdown().await }
    });
    // Longer than a connection without streams stays.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let (mut received, mut ended) = (0, 0);
    let mut head = [0; 9];
    while timeout(PATIENCE, io.read_exact(&mut head))
        .await
        .expect("in time")
        .is_ok()
    {
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        io.read_exact(&mut payload).await.expect("a whole frame");
        if head[3] == kind::DATA {
            received += payload.len();
            ended += u32::from(head[4] & flag::END_STREAM != 0);
        }
    }
    assert_eq!((received, ended), ((STREAMS as usize) << 20, STREAMS));
    drop(io);
    timeout(PATIENCE, ending).await.expect("in time").expect("no panic");
}

#[tokio::test]
async fn the_deadline_cuts_what_does_not_end() {
    let server = start(config(|config| config.shutdown_deadline = Duration::from_millis(300))).await;
    let (mut requests, connection) = h2::client::handshake(connect(&server).await)
        .await
        .expect("a handshake");
    tokio::spawn(connection);
    let (response, _) = requests
        .send_request(request(Method::GET, "/never"), true)
        .expect("a stream");
    let (ready, _) = requests
        .send_request(request(Method::GET, "/"), true)
        .expect("a stream");
    ready.await.expect("a response");
    timeout(PATIENCE, server.shutdown()).await.expect("in time");
    response.await.expect_err("the connection was cut");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_under_load_loses_no_request() {
    let server = start(Config::default()).await;
    let (answered, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut clients = Vec::new();
    for _ in 0..4 {
        let (requests, connection) = h2::client::handshake(connect(&server).await)
            .await
            .expect("a handshake");
        tokio::spawn(connection);
        for _ in 0..8 {
            let (mut requests, answered) = (requests.clone(), Arc::clone(&answered));
            clients.push(tokio::spawn(async move {
                loop {
                    // What the server has not taken a client sends again elsewhere: here it is the end.
                    let Ok(ready) = requests.ready().await else { return };
                    requests = ready;
                    let Ok((response, _)) = requests.send_request(request(Method::GET, "/"), true) else {
                        return;
                    };
                    match response.await {
                        Ok(response) => {
                            let response = receive(response).await.expect("a whole body");
                            assert_eq!(response.text(), "word");
                            answered.fetch_add(1, Ordering::SeqCst);
                        }
                        Err(error) => {
                            let untouched = error.is_go_away() && error.reason() == Some(Reason::NO_ERROR)
                                || error.reason() == Some(Reason::REFUSED_STREAM);
                            assert!(untouched, "a request was lost: {error}");
                            return;
                        }
                    }
                }
            }));
        }
    }
    while answered.load(Ordering::SeqCst) < 500 {
        tokio::task::yield_now().await;
    }
    timeout(PATIENCE, server.shutdown()).await.expect("in time");
    ended.store(true, Ordering::SeqCst);
    for client in clients {
        timeout(PATIENCE, client)
            .await
            .expect("in time")
            .expect("no request is lost");
    }
}
