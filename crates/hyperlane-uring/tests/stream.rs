//! A stream over the ring behaves as one over a socket does, with clients that are plain tokio sockets.
#![cfg(target_os = "linux")]

mod support;

use std::io::ErrorKind;
use std::time::Duration;

use hyperlane_uring::{Listener, RECEIVE_LIMIT, Ring, SEND_LIMIT, Stream};
use support::{PATIENCE, pattern, with_ring};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A stream of the ring and its client.
async fn pair(ring: &Ring) -> (Stream, TcpStream) {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("bound");
    let mut listener = Listener::new(ring, socket).expect("the ring runs");
    let (accepted, client) = tokio::join!(listener.accept(), TcpStream::connect(address));
    let (accepted, peer) = accepted.expect("a connection");
    let client = client.expect("listening");
    assert_eq!(peer, client.local_addr().expect("connected"));
    (ring.attach(accepted).expect("the ring runs"), client)
}

/// Waits until the ring holds no connection.
async fn settled(ring: &Ring) {
    timeout(PATIENCE, ring.settled()).await.expect("nothing is left");
    assert_eq!(ring.stats().connections, 0);
}

#[test]
fn small_messages_go_back_and_forth() {
    with_ring(async |ring| {
        let (mut stream, mut client) = pair(&ring).await;
        for n in 0..1000_u32 {
            client.write_u32(n).await.expect("open");
            assert_eq!(stream.read_u32().await.expect("open"), n);
            stream.write_u32(n + 1).await.expect("open");
            assert_eq!(client.read_u32().await.expect("open"), n + 1);
        }
        drop(stream);
        assert_eq!(client.read(&mut [0]).await.expect("closed in order"), 0);
        settled(&ring).await;
    });
}

#[test]
fn bytes_keep_their_order_in_both_directions_at_once() {
    with_ring(async |ring| {
        // Pieces of a size that is queued, and of one that goes to the socket at once, and mixed.
        for sizes in [vec![100, 3000], vec![70_000], vec![10, 9000, 500, 200_000, 8191, 8192]] {
            let (mut stream, client) = pair(&ring).await;
            let bytes = pattern(4 * 1024 * 1024);
            let (mut from_stream, mut to_stream) = client.into_split();
            let expected = bytes.clone();
            let sending = tokio::spawn(async move {
                to_stream.write_all(&expected).await.expect("it is read");
                to_stream.shutdown().await.expect("open");
            });
            let receiving = tokio::spawn(async move {
                let mut received = Vec::new();
                from_stream.read_to_end(&mut received).await.expect("closed in order");
                received
            });
            let mut received = vec![0; bytes.len()];
            let mut sizes = sizes.iter().cycle();
            let mut at = 0;
            while at < bytes.len() {
                let end = bytes.len().min(at + sizes.next().expect("it cycles"));
                stream.read_exact(&mut received[at..end]).await.expect("as much comes");
                stream.write_all(&received[at..end]).await.expect("it is read");
                at = end;
            }
            assert_eq!(stream.read(&mut [0]).await.expect("closed in order"), 0);
            stream.shutdown().await.expect("open");
            sending.await.expect("no panic");
            assert!(receiving.await.expect("no panic") == bytes);
        }
        settled(&ring).await;
    });
}

#[test]
fn each_side_can_end_alone() {
    with_ring(async |ring| {
        let (mut stream, mut client) = pair(&ring).await;
        client.write_all(b"all").await.expect("open");
        client.shutdown().await.expect("open");
        let mut received = String::new();
        stream.read_to_string(&mut received).await.expect("closed in order");
        assert_eq!(received, "all");
        stream.write_all(b"answer").await.expect("this side is open");
        stream.shutdown().await.expect("open");
        let error = stream.write_all(b"more").await.expect_err("our side has ended");
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        received.clear();
        client.read_to_string(&mut received).await.expect("closed in order");
        assert_eq!(received, "answer");

        let (mut stream, mut client) = pair(&ring).await;
        stream.shutdown().await.expect("open");
        assert_eq!(client.read(&mut [0]).await.expect("closed in order"), 0);
        client.write_all(b"late").await.expect("that side is open");
        let mut four = [0; 4];
        stream.read_exact(&mut four).await.expect("reading goes on");
        assert_eq!(&four, b"late");
    });
}

#[test]
fn writes_pend_while_the_client_does_not_read() {
    with_ring(async |ring| {
        let (mut stream, mut client) = pair(&ring).await;
        let mut written = 0;
        while let Ok(n) = timeout(Duration::from_millis(200), stream.write(&[b'x'; 1000])).await {
            written += n.expect("open");
            assert!(written < 64 * 1024 * 1024, "nothing holds it back");
        }
        assert!(written > SEND_LIMIT);
        let reading = tokio::spawn(async move {
            let mut read = 0;
            let mut buffer = vec![0; 64 * 1024];
            loop {
                match client.read(&mut buffer).await.expect("closed in order") {
                    0 => return read,
                    n => read += n,
                }
            }
        });
        stream.write_all(&[b'x'; 1000]).await.expect("there is room again");
        drop(stream);
        assert_eq!(reading.await.expect("no panic"), written + 1000);
        settled(&ring).await;
    });
}

#[test]
fn a_stream_that_is_not_read_holds_little_and_loses_nothing() {
    with_ring(async |ring| {
        let (mut stream, client) = pair(&ring).await;
        let bytes = pattern(24 * 1024 * 1024);
        let (_reading, mut writing) = client.into_split();
        let expected = bytes.clone();
        let sending = tokio::spawn(async move {
            writing.write_all(&expected).await.expect("it is read in the end");
            writing.shutdown().await.expect("open");
        });
        let mut first = [0; 1];
        stream.read_exact(&mut first).await.expect("something comes");
        tokio::time::sleep(Duration::from_millis(200)).await;
        let unread = ring.stats().unread;
        assert!(unread < RECEIVE_LIMIT + 1024 * 1024, "{unread} bytes are held");
        assert!(!sending.is_finished(), "nothing holds the client back");
        let mut received = first.to_vec();
        stream.read_to_end(&mut received).await.expect("closed in order");
        assert!(received == bytes);
        sending.await.expect("no panic");
    });
}

#[test]
fn what_was_written_arrives_though_the_stream_was_dropped() {
    with_ring(async |ring| {
        let (mut stream, mut client) = pair(&ring).await;
        let mut written = 0;
        while let Ok(n) = timeout(Duration::from_millis(100), stream.write(&[b'x'; 1000])).await {
            written += n.expect("open");
        }
        drop(stream);
        assert_eq!(ring.stats().connections, 1, "it still has something to send");
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.expect("closed in order");
        assert_eq!(received.len(), written);
        settled(&ring).await;
    });
}

#[test]
fn a_stream_that_was_abandoned_is_reset() {
    with_ring(async |ring| {
        let (mut stream, mut client) = pair(&ring).await;
        while timeout(Duration::from_millis(100), stream.write(&[b'x'; 1000]))
            .await
            .is_ok()
        {}
        stream.abandon();
        drop(stream);
        settled(&ring).await;
        let error = client.read_to_end(&mut Vec::new()).await.expect_err("it was cut");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
}

#[test]
fn what_lingers_can_be_cut() {
    with_ring(async |ring| {
        let (mut stream, client) = pair(&ring).await;
        while timeout(Duration::from_millis(100), stream.write(&[b'x'; 1000]))
            .await
            .is_ok()
        {}
        drop(stream);
        ring.cut();
        settled(&ring).await;
        drop(client);
    });
}

#[test]
fn a_client_that_resets_is_an_error_of_reading_and_of_writing() {
    with_ring(async |ring| {
        let (mut stream, client) = pair(&ring).await;
        client.set_zero_linger().expect("supported");
        drop(client);
        let error = timeout(PATIENCE, stream.read(&mut [0; 16]))
            .await
            .expect("it is noticed");
        assert_eq!(error.expect_err("reset").kind(), ErrorKind::ConnectionReset);
        let failed = timeout(PATIENCE, async {
            while stream.write(b"x").await.is_ok() {
                tokio::task::yield_now().await;
            }
        });
        failed.await.expect("it is noticed");
        drop(stream);
        settled(&ring).await;
    });
}

#[test]
fn more_connections_than_buffers_are_read_at_once() {
    with_ring(async |ring| {
        let mut pairs = Vec::new();
        for _ in 0..900 {
            pairs.push(pair(&ring).await);
        }
        let mut tasks = Vec::new();
        let mut clients = Vec::new();
        for (mut stream, client) in pairs {
            clients.push(client);
            tasks.push(tokio::spawn(async move {
                let mut received = vec![0; 20_000];
                stream.read_exact(&mut received).await.expect("all comes");
                received
            }));
        }
        let bytes = pattern(20_000);
        for client in &mut clients {
            // So that none waits for another: the task that reads runs only when this one pauses.
            assert_eq!(client.try_write(&bytes).expect("there is room"), bytes.len());
        }
        for task in tasks {
            assert!(task.await.expect("no panic") == bytes);
        }
        assert!(ring.stats().buffers_exhausted > 0, "there were buffers for all");
        settled(&ring).await;
    });
}

#[test]
fn a_stream_works_on_another_thread() {
    with_ring(async |ring| {
        let (mut stream, mut client) = pair(&ring).await;
        let elsewhere = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                let mut received = String::new();
                stream.read_to_string(&mut received).await.expect("closed in order");
                stream.write_all(received.as_bytes()).await.expect("open");
            });
        });
        client.write_all(b"there and back").await.expect("open");
        client.shutdown().await.expect("open");
        let mut received = String::new();
        timeout(PATIENCE, client.read_to_string(&mut received))
            .await
            .expect("in time")
            .expect("closed in order");
        assert_eq!(received, "there and back");
        elsewhere.join().expect("no panic");
    });
}

#[test]
fn a_stream_that_outlives_its_runtime_fails() {
    let Some((mut stream, mut client)) = with_ring(async |ring| {
        let (mut stream, client) = pair(&ring).await;
        stream.write_all(b"unsent").await.expect("open");
        assert!(timeout(Duration::from_millis(1), stream.read(&mut [0])).await.is_err());
        (stream, client.into_std().expect("registered"))
    }) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async move {
        let error = stream.read(&mut [0]).await.expect_err("its ring has ended");
        assert!(error.to_string().contains("has ended"), "{error}");
        assert!(stream.write(b"x").await.is_err());
    });
    client.set_nonblocking(false).expect("open");
    let mut received = Vec::new();
    let _ = std::io::Read::read_to_end(&mut client, &mut received);
    assert_eq!(received, b"unsent");
}

#[test]
fn a_ring_needs_a_current_thread_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let error = runtime.block_on(async { Ring::start().expect_err("the runtime moves tasks") });
    assert!(error.to_string().contains("current-thread"), "{error}");
}

#[test]
fn a_paused_listener_accepts_nothing_more_and_goes_on_later() {
    with_ring(async |ring| {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = socket.local_addr().expect("bound");
        let mut listener = Listener::new(&ring, socket).expect("the ring runs");
        let first = TcpStream::connect(address).await.expect("listening");
        let (_, peer) = listener.accept().await.expect("a connection");
        assert_eq!(peer, first.local_addr().expect("connected"));
        listener.pause();
        let second = TcpStream::connect(address).await.expect("in the backlog");
        let (_, peer) = timeout(PATIENCE, listener.accept())
            .await
            .expect("it goes on")
            .expect("open");
        assert_eq!(peer, second.local_addr().expect("connected"));
        let third = TcpStream::connect(address).await.expect("in the backlog");
        let mut left: Vec<_> = listener.stop().await;
        listener.socket().set_nonblocking(true).expect("open");
        left.extend(listener.socket().accept().map(|(socket, _)| socket));
        assert_eq!(left.len(), 1, "accepted ahead, or still in the kernel");
        assert_eq!(
            left[0].peer_addr().expect("open"),
            third.local_addr().expect("connected")
        );
    });
}
