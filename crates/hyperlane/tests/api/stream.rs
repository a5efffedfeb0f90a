//! Streamed responses, their body driven by hand.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::time::Duration;

use futures::future::join_all;
use hyperlane::{Body, Context, Method, State};
use tokio::sync::mpsc::{self, UnboundedSender as Sender};
use tokio::time::{sleep, timeout};

use crate::support::{app, begin, chunk, get, poll_once, request};

#[tokio::test(start_paused = true)]
async fn pieces_come_one_by_one_behind_a_frozen_head() {
    let app = app(|server| {
        server.get("/", async |ctx: Context| {
            ctx.set_response_status_code(206)
                .await
                .set_response_header("x-head", "1")
                .await;
            for i in 0..3 {
                let _ = ctx.set_response_body(format!("{i};")).await.send_body().await;
                sleep(Duration::from_millis(1)).await;
                ctx.set_response_status_code(500).set_response_header("x-late", "1");
            }
            let _ = ctx.closed().await;
        });
    });
    let mut response = begin(&app).await;
    assert_eq!((response.status().as_u16(), response.headers().len()), (206, 2));
    assert!(!response.headers().contains_key("x-late"));
    for expected in ["0;", "1;", "2;"] {
        assert_eq!(chunk(response.body_mut()).await.unwrap(), expected);
    }
    assert!(chunk(response.body_mut()).await.is_none());
}

#[tokio::test]
async fn a_piece_waits_until_the_engine_takes_it() {
    let sent = Arc::new(AtomicUsize::new(0));
    let app = app(|server| {
        server
            .state(Arc::clone(&sent))
            .get("/", async |ctx: Context, State(counter): State<Arc<AtomicUsize>>| {
                loop {
                    if ctx.set_response_body("x").send_body().await.is_err() {
                        break;
                    }
                    counter.fetch_add(1, Ordering::SeqCst);
                }
            });
    });
    let mut response = begin(&app).await;
    for taken in 0..5 {
        assert_eq!(sent.load(Ordering::SeqCst), usize::saturating_sub(taken, 1));
        chunk(response.body_mut()).await.unwrap();
    }
}

/// What an engine has room for need not be waited for, piece by piece.
#[tokio::test]
async fn a_handler_sends_ahead_as_far_as_there_is_room() {
    let sent = Arc::new(AtomicUsize::new(0));
    let app = app(|server| {
        server
            .state(Arc::clone(&sent))
            .get("/", async |ctx: Context, State(counter): State<Arc<AtomicUsize>>| {
                for i in 0_u8.. {
                    let piece = vec![i; 1000];
                    if ctx.set_response_body(piece).send_body().await.is_err() {
                        break;
                    }
                    counter.fetch_add(1, Ordering::SeqCst);
                }
            });
    });
    let mut response = begin(&app).await;
    let body = response.body_mut();
    body.grant(usize::MAX);
    for expected in 0..100 {
        let piece = body.chunk().await.unwrap().unwrap();
        assert_eq!((piece.len(), piece[0]), (1000, expected), "in order");
        let ahead = sent.load(Ordering::SeqCst) - usize::from(expected);
        assert!(ahead <= 16, "{ahead} KB ahead of the reader");
    }
    body.grant(0);
    while sent.load(Ordering::SeqCst) < 150 {
        body.chunk().await.unwrap().unwrap();
    }
    let before = sent.load(Ordering::SeqCst);
    body.chunk().await.unwrap().unwrap();
    assert_eq!(sent.load(Ordering::SeqCst), before + 1, "one by one without room");
}

#[tokio::test]
async fn many_tiny_pieces_are_not_sent_ahead_without_end() {
    let sent = Arc::new(AtomicUsize::new(0));
    let app = app(|server| {
        server
            .state(Arc::clone(&sent))
            .get("/", async |ctx: Context, State(counter): State<Arc<AtomicUsize>>| {
                while ctx.send_piece("x").await.is_ok() {
                    counter.fetch_add(1, Ordering::SeqCst);
                }
            });
    });
    let mut response = begin(&app).await;
    response.body_mut().grant(usize::MAX);
    for _ in 0..2 {
        chunk(response.body_mut()).await.unwrap();
    }
    let ahead = sent.load(Ordering::SeqCst);
    assert!((2..500).contains(&ahead), "{ahead} pieces ahead of the reader");
}

#[tokio::test]
async fn pieces_of_a_task_stay_in_order_with_those_that_are_sent_ahead() {
    let app = app(|server| {
        server.get("/", async |ctx: Context| {
            ctx.send_piece("0").await.unwrap();
            for round in 0..3 {
                ctx.send_piece(format!("a{round}")).await.unwrap();
                let other = ctx.clone();
                let task = tokio::spawn(async move { other.send_piece(format!("b{round}")).await.unwrap() });
                task.await.unwrap();
                ctx.send_piece(format!("c{round}")).await.unwrap();
            }
        });
    });
    let mut response = begin(&app).await;
    let mut text = String::new();
    loop {
        response.body_mut().grant(usize::MAX);
        match chunk(response.body_mut()).await {
            Some(piece) => text.push_str(&piece),
            None => break,
        }
    }
    assert_eq!(text, "0a0b0c0a1b1c1a2b2c2");
}

#[tokio::test]
async fn the_stream_ends_with_the_handler_and_what_was_not_sent_is_not_sent() {
    let app = app(|server| {
        server.get("/", async |ctx: Context| {
            ctx.set_response_body("sent").send_body().await.unwrap();
            ctx.set_response_body("not sent").set_response_trailer("x-sum", "1");
        });
    });
    let answer = get(&app, "/").await;
    assert_eq!(answer.text, "sent");
    assert_eq!(answer.response.body().trailers().unwrap()["x-sum"], "1");
}

#[tokio::test]
async fn empty_pieces_send_the_head_alone() {
    let app = app(|server| {
        server.get("/", async |ctx: Context| {
            ctx.set_response_header("x-head", "1").send_body().await.unwrap();
            tokio::task::yield_now().await;
            ctx.send_body().await.unwrap();
            ctx.set_response_body("piece").send_body().await.unwrap();
        });
    });
    let mut response = begin(&app).await;
    assert_eq!(response.headers()["x-head"], "1");
    assert_eq!(chunk(response.body_mut()).await.as_deref(), Some("piece"));
    assert!(chunk(response.body_mut()).await.is_none());
}

#[tokio::test]
async fn a_stream_that_is_set_as_a_body_is_sent_piece_by_piece() {
    let app = app(|server| {
        server.get("/", async |ctx: Context| {
            let pieces = futures::stream::iter(["a", "b"].map(Ok::<_, std::io::Error>));
            ctx.set_response_body(Body::stream(pieces)).send_body().await.unwrap();
            ctx.set_response_body("c").send_body().await.unwrap();
        });
    });
    let mut response = begin(&app).await;
    for expected in ["a", "b", "c"] {
        assert_eq!(chunk(response.body_mut()).await.unwrap(), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn several_senders_in_tasks_of_their_own_queue_in_order_and_lose_nothing() {
    let app = app(|server| {
        server.get("/", async |ctx: Context| {
            let tasks = (0..8).map(|task| {
                let ctx = ctx.clone();
                tokio::spawn(async move {
                    for i in 0..50 {
                        ctx.send_piece(format!("{task}:{i};")).await.unwrap();
                    }
                })
            });
            join_all(tasks).await.into_iter().for_each(|task| task.unwrap());
        });
    });
    let text = get(&app, "/").await.text;
    for task in 0..8 {
        let prefix = format!("{task}:");
        let seen: Vec<usize> = text
            .split(';')
            .filter_map(|piece| piece.strip_prefix(&prefix))
            .map(|i| i.parse().unwrap())
            .collect();
        assert_eq!(seen, (0..50).collect::<Vec<_>>(), "task {task}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_wake_up_is_lost_between_threads() {
    let app = Arc::new(app(|server| {
        server.get("/", async |ctx: Context| {
            let sender = tokio::spawn(async move {
                for _ in 0..200 {
                    ctx.set_response_body("x").send_body().await.unwrap();
                }
            });
            sender.await.unwrap();
        });
    }));
    let calls = (0..20).map(|_| {
        let app = Arc::clone(&app);
        tokio::spawn(async move { get(&app, "/").await.text.len() })
    });
    let lengths = timeout(Duration::from_secs(60), join_all(calls))
        .await
        .expect("no sender hangs");
    assert!(lengths.into_iter().all(|length| length.unwrap() == 200));
}

#[tokio::test]
async fn sender_and_reader_may_share_one_task() {
    let (contexts, mut context) = mpsc::unbounded_channel::<Context>();
    let app = app(|server| {
        server
            .state(contexts)
            .get("/", async |ctx: Context, State(contexts): State<Sender<Context>>| {
                ctx.set_response_body("first").send_body().await.unwrap();
                contexts.send(ctx.clone()).unwrap();
                std::future::pending::<()>().await;
            });
    });
    let mut response = begin(&app).await;
    assert_eq!(chunk(response.body_mut()).await.unwrap(), "first");
    let next = poll_once(&mut pin!(response.body_mut().chunk()));
    assert!(next.is_pending());
    let ctx = context.recv().await.unwrap();
    for _ in 0..10 {
        ctx.set_response_body("more");
        let (read, sent) = tokio::join!(response.body_mut().chunk(), ctx.send_body());
        assert_eq!(read.unwrap().unwrap(), "more");
        sent.unwrap();
    }
}

#[tokio::test]
async fn a_piece_sent_by_a_task_wakes_a_handler_that_waits_for_something_else() {
    let (contexts, mut context) = mpsc::unbounded_channel::<Context>();
    let app = app(|server| {
        server
            .state(contexts)
            .get("/", async |ctx: Context, State(contexts): State<Sender<Context>>| {
                contexts.send(ctx).unwrap();
                std::future::pending::<()>().await;
            });
    });
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut cx = TaskContext::from_waker(&waker);
    let mut exchange = pin!(app.call(request(Method::GET, "/", "").into()));
    assert!(exchange.as_mut().poll(&mut cx).is_pending());
    let ctx = context.recv().await.unwrap();
    assert_eq!(wakes.count(), 0);

    let mut first = Box::pin(ctx.set_response_body("piece").send_body());
    assert!(poll_once(&mut first).is_pending());
    assert_ne!(wakes.count(), 0, "the exchange is woken");
    let Poll::Ready(mut response) = exchange.as_mut().poll(&mut cx) else {
        panic!("the stream has begun")
    };
    assert!(poll_once(&mut first).is_pending(), "nothing was taken yet");
    assert_eq!(chunk(response.body_mut()).await.unwrap(), "piece");
    assert!(matches!(poll_once(&mut first), Poll::Ready(Ok(()))));
}

#[tokio::test]
async fn a_handler_within_its_own_stream_is_not_woken_for_nothing() {
    let app = app(|server| {
        server.get("/", async |ctx: Context| {
            for _ in 0..10 {
                ctx.set_response_body("x").send_body().await.unwrap();
            }
        });
    });
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut cx = TaskContext::from_waker(&waker);
    let mut response = begin(&app).await;
    let body = response.body_mut();
    let mut pieces = 0;
    loop {
        match pin!(body.chunk()).poll(&mut cx) {
            Poll::Ready(Some(_)) => pieces += 1,
            Poll::Ready(None) => break,
            Poll::Pending => panic!("a piece is always there"),
        }
    }
    assert_eq!((pieces, wakes.count()), (10, 0));
}

#[tokio::test]
async fn a_sender_that_is_cancelled_takes_its_piece_back() {
    let app = app(|server| {
        server.get("/", async |ctx: Context| {
            for _ in 0..100 {
                let mut send = Box::pin(ctx.set_response_body("cancelled;").send_body());
                assert!(futures::poll!(send.as_mut()).is_pending());
            }
            ctx.set_response_body("sent").send_body().await.unwrap();
        });
    });
    assert_eq!(get(&app, "/").await.text, "sent");
}

/// Counts its wake-ups.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
