//! How HTTP/3 ends: nothing in hand is lost, and nothing is begun any more.

use std::time::Duration;

use crate::raw::NO_ERROR;
use crate::support::{Served, connect, get, read, within};

#[tokio::test]
async fn requests_in_hand_are_answered_and_then_the_connection_is_closed() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let mut streams = Vec::new();
    for _ in 0..10 {
        let mut stream = client.begin(get("/slow")).await;
        stream.finish().await.expect("open");
        streams.push(stream);
    }
    // Sent, but perhaps not received: served all the same.
    tokio::task::yield_now().await;
    let handle = served.handle.clone();
    let shutdown = tokio::spawn(async move { handle.shutdown().await });
    for mut stream in streams {
        assert_eq!(read(&mut stream).await.expect("answered").text(), "slow");
    }
    within(shutdown).await.expect("no panic");
    let error = within(client.driver).await.expect("no panic");
    assert!(error.is_h3_no_error(), "{error}");
}

#[tokio::test]
async fn an_idle_connection_is_told_and_closed() {
    let served = Served::start().await;
    let mut client = served.client().await;
    assert_eq!(client.get("/").await.status(), 200);
    within(served.handle.shutdown()).await;
    assert_eq!(crate::raw::closed(&client.connection).await, NO_ERROR);
}

#[tokio::test]
async fn what_is_not_done_by_the_deadline_is_cut() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let mut stream = client.begin(get("/never")).await;
    stream.finish().await.expect("open");
    served.until_waiting(1).await;
    within(served.handle.shutdown_within(Duration::from_millis(100))).await;
    read(&mut stream).await.expect_err("cut");
    served.until_waiting(0).await;
}

#[tokio::test]
async fn a_large_response_is_sent_to_its_end() {
    let served = Served::start().await;
    let mut client = served.client().await;
    let mut stream = client.begin(get("/large")).await;
    stream.finish().await.expect("open");
    let head = within(stream.recv_response()).await.expect("answered");
    assert_eq!(head.status(), 200);
    let handle = served.handle.clone();
    let shutdown = tokio::spawn(async move { handle.shutdown().await });
    let mut received = 0;
    while let Some(piece) = within(stream.recv_data()).await.expect("whole") {
        received += bytes::Buf::remaining(&piece);
    }
    assert_eq!(received, crate::support::LARGE);
    within(shutdown).await.expect("no panic");
}

#[tokio::test]
async fn nobody_is_let_in_any_more() {
    let served = Served::start().await;
    let address = served.address();
    within(served.handle.shutdown()).await;
    // The socket is closed: nobody answers, or the system says so.
    let attempt = tokio::time::timeout(Duration::from_millis(300), connect(address, served.authority.client()));
    assert!(!matches!(attempt.await, Ok(Ok(_))));
}
