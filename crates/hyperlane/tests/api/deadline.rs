//! Deadlines, cancellation, work beside the handler, and what becomes of a handler whose client leaves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyperlane::{Context, OnDisconnect, Response, Route, StatusCode, TaskError};
use tokio::sync::oneshot;
use tokio::time::{Instant, advance, sleep};

use crate::support::{app, begin, get, poll_once, request};

type Log = Arc<Mutex<Vec<&'static str>>>;

/// Notes when it is dropped.
struct OnDrop(Log, &'static str);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(self.1);
    }
}

/// The answer to `GET /`, polled once and then dropped: a client that leaves.
fn leave(app: &hyperlane::App) {
    let mut exchange = app.call(request(hyperlane::Method::GET, "/", "").into());
    assert!(poll_once(&mut exchange).is_pending());
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_that_of_the_route_and_only_moves_forward() {
    let app = app(|server| {
        server.get(
            "/",
            Route::new(async |ctx: Context| {
                assert_eq!(ctx.time_left(), Some(Duration::from_secs(5)));
                ctx.shorten_deadline(Duration::from_secs(9));
                assert_eq!(ctx.time_left(), Some(Duration::from_secs(5)));
                ctx.shorten_deadline(Duration::from_secs(2));
                assert_eq!(ctx.deadline(), Some(Instant::now() + Duration::from_secs(2)));
                assert!(!ctx.is_cancelled());
                advance(Duration::from_secs(2)).await;
                assert!(ctx.is_cancelled());
                ctx.cancelled().await;
                assert_eq!(ctx.time_left(), Some(Duration::ZERO));
            })
            .timeout(Duration::from_secs(5)),
        );
        server.get("/free", async |ctx: Context| format!("{:?}", ctx.deadline()));
    });
    assert_eq!(get(&app, "/").await.status(), 200);
    assert_eq!(get(&app, "/free").await.text, "None");
}

#[tokio::test(start_paused = true)]
async fn work_beside_the_handler_ends_with_the_deadline() {
    let log = Log::default();
    let held = Arc::clone(&log);
    let app = app(move |server| {
        server.get(
            "/",
            Route::new(move |ctx: Context| {
                let held = OnDrop(Arc::clone(&held), "work dropped");
                async move {
                    let slow = ctx.spawn(async move {
                        std::future::pending::<()>().await;
                        drop(held);
                    });
                    let error: TaskError = slow.await.unwrap_err();
                    assert!(error.is_cancelled() && !error.is_panic());
                    error
                }
            })
            .timeout(Duration::from_secs(3)),
        );
    });
    let before = Instant::now();
    assert_eq!(get(&app, "/").await.status(), 503);
    assert_eq!(before.elapsed(), Duration::from_secs(3));
    assert_eq!(*log.lock().unwrap(), ["work dropped"]);
}

#[tokio::test]
async fn work_runs_at_once_and_its_panic_is_an_error() {
    let app = app(|server| {
        server.get("/sum", async |ctx: Context| -> Result<String, TaskError> {
            let (one, two) = (ctx.spawn(async { 1 }), ctx.spawn_blocking(|| 2));
            Ok(format!("{}", one.await? + two.await?))
        });
        server.get("/panic", async |ctx: Context| -> Result<String, TaskError> {
            let task = ctx.spawn(async {
                if true {
                    panic!("boom")
                }
            });
            task.await?;
            Ok(String::new())
        });
    });
    assert_eq!(get(&app, "/sum").await.text, "3");
    let answer = get(&app, "/panic").await;
    assert_eq!(answer.status(), 500);
    assert!(!answer.text.contains("boom"), "it is for the log alone");
}

#[tokio::test]
async fn work_whose_task_is_dropped_or_cancelled_ends() {
    let log = Log::default();
    let held = Arc::clone(&log);
    let app = app(move |server| {
        server.get("/", move |ctx: Context| {
            let (one, two) = (OnDrop(Arc::clone(&held), "one"), OnDrop(Arc::clone(&held), "two"));
            async move {
                let wait = |held: OnDrop| async move {
                    std::future::pending::<()>().await;
                    drop(held);
                };
                drop(ctx.spawn(wait(one)));
                let task = ctx.spawn(wait(two));
                task.cancel();
                assert!(task.await.unwrap_err().is_cancelled());
            }
        });
    });
    assert_eq!(get(&app, "/").await.status(), 200);
    let mut dropped = log.lock().unwrap().clone();
    dropped.sort_unstable();
    assert_eq!(dropped, ["one", "two"]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_drops_its_handler_unless_the_route_says_otherwise() {
    use OnDisconnect::{Cancel, Finish, FinishWithin};
    let minute = Duration::from_secs(60);
    for (policy, seen) in [
        (Cancel, &["dropped"][..]),
        (Finish, &["finished", "dropped"]),
        (FinishWithin(2 * minute), &["finished", "dropped"]),
        (FinishWithin(minute / 2), &["dropped"]),
    ] {
        let log = Log::default();
        let held = Arc::clone(&log);
        let app = app(move |server| {
            server.get(
                "/",
                Route::new(move || {
                    let held = OnDrop(Arc::clone(&held), "dropped");
                    async move {
                        sleep(minute).await;
                        held.0.lock().unwrap().push("finished");
                    }
                })
                .on_disconnect(policy),
            );
        });
        leave(&app);
        sleep(2 * minute).await;
        assert_eq!(*log.lock().unwrap(), seen, "{policy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_goes_on_knows_that_its_client_left() {
    let (tell, told) = oneshot::channel();
    let tell = Arc::new(Mutex::new(Some(tell)));
    let app = app(move |server| {
        server.get(
            "/",
            Route::new(move |ctx: Context| {
                let tell = tell.lock().unwrap().take().unwrap();
                async move {
                    ctx.cancelled().await;
                    tell.send(ctx.is_cancelled()).unwrap();
                }
            })
            .on_disconnect(OnDisconnect::Finish),
        );
    });
    leave(&app);
    assert!(told.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_handler_whose_time_is_up_is_dropped_whatever_the_policy() {
    let log = Log::default();
    let held = Arc::clone(&log);
    let app = app(move |server| {
        server.get(
            "/",
            Route::new(move || {
                let held = OnDrop(Arc::clone(&held), "dropped");
                async move {
                    std::future::pending::<()>().await;
                    drop(held);
                }
            })
            .timeout(Duration::from_secs(1))
            .on_disconnect(OnDisconnect::Finish),
        );
    });
    let mut exchange = app.call(request(hyperlane::Method::GET, "/", "").into());
    assert!(poll_once(&mut exchange).is_pending());
    advance(Duration::from_secs(1)).await;
    drop(exchange);
    assert_eq!(*log.lock().unwrap(), ["dropped"]);
}

#[tokio::test(start_paused = true)]
async fn a_streaming_handler_has_ten_seconds_to_clean_up() {
    let log = Log::default();
    let held = Arc::clone(&log);
    let app = app(move |server| {
        server.get("/", move |ctx: Context| {
            let held = OnDrop(Arc::clone(&held), "dropped");
            async move {
                let failed = loop {
                    if let Err(error) = ctx.send_piece("x").await {
                        break error;
                    }
                };
                assert!(failed.is_client_gone());
                held.0.lock().unwrap().push("told");
                sleep(Duration::from_secs(60)).await;
                held.0.lock().unwrap().push("never");
            }
        });
    });
    let response: Response = begin(&app).await;
    assert_eq!(response.status(), StatusCode::OK);
    let left = Instant::now();
    drop(response);
    while log.lock().unwrap().len() < 2 {
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(*log.lock().unwrap(), ["told", "dropped"]);
    assert!((10..=11).contains(&left.elapsed().as_secs()), "{:?}", left.elapsed());
}

/// A server on a free port whose handler, told to finish, tells when it has begun and ended.
async fn slow_server(finish: Duration, deadline: Duration) -> (hyperlane::ServerHandle, oneshot::Receiver<()>, Log) {
    let (begun, has_begun) = oneshot::channel();
    let begun = Arc::new(Mutex::new(Some(begun)));
    let log = Log::default();
    let held = Arc::clone(&log);
    let server = hyperlane::Server::new();
    server.config(hyperlane::ServerConfig::new().port(0).shutdown_deadline(deadline));
    server.get(
        "/",
        Route::new(move || {
            let begun = begun.lock().unwrap().take();
            let held = OnDrop(Arc::clone(&held), "dropped");
            async move {
                begun.map(|begun| begun.send(()));
                sleep(finish).await;
                held.0.lock().unwrap().push("finished");
            }
        })
        .on_disconnect(OnDisconnect::Finish),
    );
    (server.run().await.unwrap(), has_begun, log)
}

#[tokio::test]
async fn a_shutdown_waits_for_a_handler_whose_client_has_left_until_its_deadline() {
    use tokio::io::AsyncWriteExt;
    let long = Duration::from_secs(3600);
    let short = Duration::from_millis(100);
    for (finish, deadline, seen) in [(short, long, &["finished", "dropped"][..]), (long, short, &["dropped"])] {
        let (handle, begun, log) = slow_server(finish, deadline).await;
        let mut client = tokio::net::TcpStream::connect(handle.local_addr()).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        begun.await.unwrap();
        // The connection is reset, so that the server sees it at once.
        client.set_zero_linger().unwrap();
        drop(client);
        while handle.connections() > 0 {
            sleep(Duration::from_millis(1)).await;
        }
        handle.shutdown().await;
        assert_eq!(*log.lock().unwrap(), seen);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_goes_on_behind_its_whole_response_is_not_cut() {
    let log = Log::default();
    let held = Arc::clone(&log);
    let app = app(move |server| {
        server.get("/", move |ctx: Context| {
            let held = OnDrop(Arc::clone(&held), "dropped");
            async move {
                ctx.set_response_body("done").closed().await.unwrap();
                sleep(Duration::from_secs(60)).await;
                held.0.lock().unwrap().push("finished");
            }
        });
    });
    assert_eq!(get(&app, "/").await.text, "done");
    sleep(Duration::from_secs(61)).await;
    assert_eq!(*log.lock().unwrap(), ["finished", "dropped"]);
}

#[tokio::test]
async fn a_timeout_without_end_is_none() {
    let app = app(|server| {
        server.get(
            "/",
            Route::new(async |ctx: Context| format!("{:?}", ctx.deadline())).timeout(Duration::MAX),
        );
    });
    assert_eq!(get(&app, "/").await.text, "None");
}
