//! How streamed responses end: closed, with the handler, with its failure, or with the client.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyperlane::{BodyErrorKind, Context, Method, SendError, State, StatusCode};
use tokio::sync::mpsc::{self, UnboundedSender as Sender};

use crate::support::{app, begin, chunk, get, poll_once, request};

#[tokio::test]
async fn closing_by_hand_ends_a_stream_and_the_handler_goes_on() {
    let (done, mut is_done) = mpsc::unbounded_channel::<bool>();
    let app = app(|server| {
        server
            .state(done)
            .get("/", async |ctx: Context, State(done): State<Sender<bool>>| {
                ctx.set_response_body("all").send_body().await.unwrap();
                ctx.closed().await.unwrap();
                ctx.closed().await.unwrap();
                tokio::task::yield_now().await;
                done.send(ctx.set_response_body("late").send_body().await.unwrap_err().is_closed())
                    .unwrap();
            });
    });
    assert_eq!(get(&app, "/").await.text, "all");
    assert_eq!(is_done.recv().await, Some(true));
}

#[tokio::test]
async fn closing_a_response_that_is_not_streamed_sends_it_whole() {
    let (done, mut is_done) = mpsc::unbounded_channel::<()>();
    let app = app(|server| {
        server
            .state(done)
            .get("/", async |ctx: Context, State(done): State<Sender<()>>| {
                ctx.set_response_status_code(202).set_response_body("whole");
                ctx.closed().await.unwrap();
                tokio::task::yield_now().await;
                done.send(()).unwrap();
            });
        server.get("/at-once", async |ctx: Context| {
            ctx.set_response_body("whole").closed().await.unwrap();
            "not sent"
        });
    });
    let mut response = begin(&app).await;
    assert_eq!(
        (
            response.status().as_u16(),
            response.body_mut().take_full().unwrap().as_ref()
        ),
        (202, &b"whole"[..])
    );
    is_done.recv().await.unwrap();
    assert_eq!(get(&app, "/at-once").await.text, "whole");
}

#[tokio::test]
async fn a_client_that_leaves_is_an_error_of_send_body_and_the_handler_cleans_up() {
    let (outcomes, mut outcome) = mpsc::unbounded_channel();
    let app = app(|server| {
        server
            .state(outcomes)
            .get("/", async |ctx: Context, State(outcomes): State<Sender<[bool; 3]>>| {
                let clone = ctx.clone();
                let task = tokio::spawn(async move {
                    tokio::task::yield_now().await;
                    loop {
                        if let Err(error) = clone.set_response_body("task").send_body().await {
                            break error;
                        }
                    }
                });
                let own: SendError = loop {
                    if let Err(error) = ctx.set_response_body("own").send_body().await {
                        break error;
                    }
                };
                let task = task.await.unwrap();
                let closing = ctx.closed().await.unwrap_err();
                outcomes
                    .send([own, task, closing].map(|error| error.is_client_gone()))
                    .unwrap();
            });
    });
    let mut response = begin(&app).await;
    for _ in 0..5 {
        chunk(response.body_mut()).await.unwrap();
    }
    drop(response);
    assert_eq!(outcome.recv().await, Some([true; 3]));
}

#[tokio::test]
async fn a_client_that_leaves_before_the_response_drops_the_handler_and_tells_its_tasks() {
    struct OnDrop(Arc<AtomicBool>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let (contexts, mut context) = mpsc::unbounded_channel::<Context>();
    let app = app(|server| {
        server.state(contexts).state(Arc::clone(&dropped));
        server.get("/", async |ctx: Context, State(contexts): State<Sender<Context>>| {
            let _on_drop = OnDrop(ctx.state());
            contexts.send(ctx).unwrap();
            std::future::pending::<()>().await;
        });
    });
    let mut exchange = app.call(request(Method::GET, "/", "").into());
    assert!(poll_once(&mut exchange).is_pending());
    let ctx = context.recv().await.unwrap();
    drop(exchange);
    assert!(dropped.load(Ordering::SeqCst));
    assert!(
        ctx.set_response_body("x")
            .send_body()
            .await
            .unwrap_err()
            .is_client_gone()
    );
}

#[tokio::test]
async fn a_panic_in_the_middle_ends_the_stream_as_incomplete() {
    let app = app(|server| {
        server.get("/", async |ctx: Context| {
            ctx.set_response_body("piece").send_body().await.unwrap();
            ctx.param("none").expect("in the middle");
        });
    });
    let mut response = begin(&app).await;
    assert_eq!(chunk(response.body_mut()).await.unwrap(), "piece");
    let error = response.body_mut().chunk().await.unwrap().unwrap_err();
    assert_eq!(error.kind(), BodyErrorKind::Producer);
    assert!(!error.to_string().contains("in the middle"));
    assert!(response.body_mut().chunk().await.is_none());
}

#[tokio::test]
async fn an_error_returned_in_the_middle_ends_the_stream_as_incomplete() {
    let app = app(|server| {
        server.get("/", async |ctx: Context| -> Result<(), StatusCode> {
            ctx.set_response_body("piece").send_body().await.unwrap();
            Err(StatusCode::BAD_GATEWAY)
        });
    });
    let mut response = begin(&app).await;
    assert_eq!(chunk(response.body_mut()).await.unwrap(), "piece");
    assert!(response.body_mut().chunk().await.unwrap().is_err());

    let app = crate::support::app(|server| {
        server.get("/", async |ctx: Context| {
            ctx.set_response_body("piece").send_body().await.unwrap();
            (StatusCode::BAD_GATEWAY, ())
        });
    });
    let mut response = begin(&app).await;
    assert_eq!(chunk(response.body_mut()).await.unwrap(), "piece");
    assert!(response.body_mut().chunk().await.unwrap().is_err());
}

#[tokio::test]
async fn what_was_sent_ahead_goes_out_before_the_stream_ends_as_incomplete() {
    let app = app(|server| {
        server.get("/error", async |ctx: Context| {
            for piece in ["first", "ahead", "far ahead"] {
                ctx.send_piece(piece).await.unwrap();
            }
            StatusCode::BAD_GATEWAY
        });
        server.get("/panic", async |ctx: Context| -> () {
            for piece in ["first", "ahead", "far ahead"] {
                ctx.send_piece(piece).await.unwrap();
            }
            panic!("on purpose");
        });
    });
    for path in ["/error", "/panic"] {
        let mut response = app.call(request(Method::GET, path, "").into()).await;
        let body = response.body_mut();
        body.grant(usize::MAX);
        for expected in ["first", "ahead", "far ahead"] {
            assert_eq!(chunk(body).await.as_deref(), Some(expected), "{path}");
        }
        body.chunk().await.expect("an end that is told").unwrap_err();
        assert!(body.chunk().await.is_none());
    }
}

#[tokio::test]
async fn an_error_before_anything_left_is_still_the_answer() {
    let app = app(|server| {
        server.get("/", async |ctx: Context| -> Result<(), StatusCode> {
            let mut send = Box::pin(ctx.set_response_body("piece").send_body());
            let _ = futures::poll!(send.as_mut());
            Err(StatusCode::BAD_GATEWAY)
        });
    });
    assert_eq!(begin(&app).await.status(), 502);
}
