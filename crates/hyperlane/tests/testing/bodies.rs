//! Bodies in both directions.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::StreamExt;
use hyperlane::{Body, Bytes, Context, HeaderMap, StatusCode};
use tokio::sync::mpsc;

use super::client;

#[tokio::test]
async fn a_body_can_be_read_again_and_piece_by_piece_after_that() {
    let client = client(|server| {
        server.get("/", async || "all of it");
    });
    let response = client.get("/").await;
    assert_eq!(response.text().await, "all of it");
    assert_eq!(response.bytes().await, "all of it");
    assert_eq!(response.chunk().await.unwrap(), "all of it");
    assert_eq!(response.chunk().await, None);
}

#[tokio::test]
async fn a_large_body_arrives_whole_in_both_directions() {
    let client = client(|server| {
        server.post("/", async |body: Bytes| body);
    });
    let large: Vec<u8> = (0..1_500_000).map(|n| u8::try_from(n % 251).unwrap()).collect();
    let response = client.post("/").body(large.clone()).await;
    response.assert_header("content-length", "1500000");
    assert_eq!(response.bytes().await, large);
}

#[tokio::test]
async fn a_streamed_upload_is_sent_in_chunks_as_it_comes() {
    let client = client(|server| {
        server.post("/", async |ctx: Context| {
            assert_eq!(ctx.header("transfer-encoding"), Some("chunked"));
            let mut body = ctx.body_stream();
            while let Some(chunk) = body.chunk().await {
                ctx.send_piece(chunk.unwrap()).await.unwrap();
            }
        });
    });
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    let pieces = futures::stream::unfold(receiver, async |mut receiver| {
        receiver
            .recv()
            .await
            .map(|piece| (Ok::<_, std::io::Error>(piece), receiver))
    });
    sender.send(Bytes::from("one")).await.unwrap();
    let response = client.post("/").body(Body::stream(pieces.boxed())).await;
    assert_eq!(response.chunk().await.unwrap(), "one");
    sender.send(Bytes::from("two")).await.unwrap();
    assert_eq!(response.chunk().await.unwrap(), "two");
    drop(sender);
    assert_eq!(response.chunk().await, None);
}

#[tokio::test]
async fn a_body_that_the_server_asks_for_is_sent_then() {
    let reads = client(|server| {
        server.post("/", async |body: Bytes| body);
    });
    let response = reads.post("/").body("content").expect_continue().await;
    assert!(response.continued(), "RFC 9110 §10.1.1");
    response.assert_text("content").await;

    let polled = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&polled);
    let refuses = client(|server| {
        server.post("/", async || StatusCode::FORBIDDEN);
    });
    let body = Body::stream(futures::stream::poll_fn(move |_| {
        flag.store(true, Ordering::SeqCst);
        std::task::Poll::Ready(None::<Result<Bytes, std::io::Error>>)
    }));
    let response = refuses.post("/").body(body).expect_continue().await;
    response.assert_status(403);
    assert!(!response.continued() && !polled.load(Ordering::SeqCst));
    drop(response);
    refuses.post("/").await.assert_status(403);
}

#[tokio::test]
async fn trailers_are_sent_and_received() {
    let client = client(|server| {
        server.post("/", async |ctx: Context| {
            let body = ctx.bytes().await.unwrap();
            let sum = ctx.trailers().unwrap()["x-sum"].clone();
            ctx.set_response_trailer("x-sum", sum).set_response_body(body);
        });
    });
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "5".parse().unwrap());
    let source = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::from("abcde"))]);
    let response = client
        .post("/")
        .header("te", "trailers")
        .header("trailer", "x-sum")
        .body(Body::stream(source).with_trailers(trailers))
        .await;
    assert_eq!(response.text().await, "abcde");
    assert_eq!(response.trailers().await.unwrap()["x-sum"], "5");
}

#[tokio::test]
async fn a_response_that_breaks_off_is_an_error_behind_what_arrived() {
    let client = client(|server| {
        server.get("/", async |ctx: Context| -> Result<(), StatusCode> {
            ctx.send_piece("some").await.unwrap();
            tokio::task::yield_now().await;
            Err(StatusCode::INTERNAL_SERVER_ERROR)
        });
    });
    let response = client.get("/").await;
    assert_eq!(response.try_chunk().await.unwrap().unwrap(), "some");
    let error = response.try_chunk().await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("response body is incomplete after 4 bytes"),
        "{error}"
    );
    assert!(response.try_bytes().await.is_err(), "it stays so");
}

/// A server may answer before it has read everything, and close (RFC 9112 §9.6): the answer is not lost for that.
#[tokio::test]
async fn a_large_body_that_is_refused_gets_its_answer() {
    let client = client(|server| {
        server
            .post("/limited", async |body: Bytes| body)
            .post("/unread", async || StatusCode::FORBIDDEN);
    });
    let large = vec![0_u8; 8 * 1024 * 1024];
    let in_pieces = || {
        let pieces: Vec<_> = large.chunks(4096).map(Bytes::copy_from_slice).collect();
        Body::stream(futures::stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>)))
    };
    client.post("/limited").body(large.clone()).await.assert_status(413);
    client.post("/limited").body(in_pieces()).await.assert_status(413);
    client.post("/unread").body(in_pieces()).await.assert_status(403);
    client.post("/unread").await.assert_status(403);
}
