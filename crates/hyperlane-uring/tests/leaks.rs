//! Streams that are dropped with operations in flight leave no descriptor and no place behind. In a binary of its own:
//! it counts the descriptors of the process.
#![cfg(target_os = "linux")]

mod support;

use hyperlane_uring::{Listener, Ring};
use support::{PATIENCE, with_ring};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("a Linux").count()
}

/// One connection that ends in one of several ways.
async fn connect_and_leave(ring: &Ring, listener: &mut Listener, way: usize) {
    let address = listener.socket().local_addr().expect("bound");
    let (accepted, client) = tokio::join!(listener.accept(), TcpStream::connect(address));
    let mut client = client.expect("listening");
    let mut stream = ring.attach(accepted.expect("a connection").0).expect("the ring runs");
    match way {
        // Never used.
        0 => {}
        // A receive is in flight.
        1 => assert!(
            timeout(std::time::Duration::from_millis(1), stream.read(&mut [0]))
                .await
                .is_err()
        ),
        // Bytes were received and not read.
        2 => {
            client.write_all(b"never read").await.expect("open");
            stream.read_exact(&mut [0]).await.expect("open");
        }
        // A send is queued.
        3 => stream.write_all(b"never read").await.expect("open"),
        // The same, and a receive, and our side has ended.
        4 => {
            stream.write_all(b"never read").await.expect("open");
            stream.shutdown().await.expect("open");
            let mut room = [0];
            let read = stream.read(&mut room);
            assert!(timeout(std::time::Duration::from_millis(1), read).await.is_err());
        }
        // The client has gone first, with or without order.
        5 => drop(client),
        6 => client.set_zero_linger().expect("supported"),
        // Given up.
        _ => {
            stream.write_all(&vec![b'x'; 5000]).await.expect("open");
            stream.abandon();
        }
    }
}

/// One after the other, since both count.
#[test]
fn nothing_is_left_behind() {
    thousands_of_dropped_streams_leave_nothing_behind();
    a_runtime_that_ends_closes_everything();
}

fn thousands_of_dropped_streams_leave_nothing_behind() {
    with_ring(async |ring| {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let mut listener = Listener::new(&ring, socket).expect("the ring runs");
        connect_and_leave(&ring, &mut listener, 0).await;
        timeout(PATIENCE, ring.settled()).await.expect("nothing is left");
        let before = descriptors();
        for n in 0..4000 {
            connect_and_leave(&ring, &mut listener, n % 8).await;
        }
        timeout(PATIENCE, ring.settled()).await.expect("nothing is left");
        assert_eq!(ring.stats().connections, 0);
        assert_eq!(ring.stats().unread, 0);
        assert_eq!(descriptors(), before);
    });
}

fn a_runtime_that_ends_closes_everything() {
    let before = descriptors();
    for _ in 0..20 {
        with_ring(async |ring| {
            let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
            let mut listener = Listener::new(&ring, socket).expect("the ring runs");
            for n in 0..16 {
                connect_and_leave(&ring, &mut listener, n % 8).await;
            }
        });
    }
    assert_eq!(descriptors(), before);
}
