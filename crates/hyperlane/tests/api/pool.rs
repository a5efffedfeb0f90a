//! The memory of a context is reused, and shows nothing of the request before.

use hyperlane::{Context, Method, State};
use tokio::sync::mpsc;

use crate::support::{app, call, get, request};

type Contexts = mpsc::UnboundedSender<Context>;

#[tokio::test]
async fn reused_memory_shows_nothing_of_the_request_before() {
    let app = app(|server| {
        server.post("/fill/{id}", async |ctx: Context| {
            ctx.set_extension(7_u8);
            ctx.bytes().await.unwrap();
            ctx.set_response_status_code(207)
                .set_response_header("x-secret", "1")
                .set_response_cookie(("session", "1"))
                .set_response_trailer("x-sum", "1");
            ctx.set_response_body("secret");
        });
        server.post("/stream/{id}", async |ctx: Context| {
            ctx.set_response_header("x-secret", "1")
                .set_response_body("secret")
                .send_body()
                .await
                .unwrap();
            ctx.set_response_body("never sent").set_response_trailer("x-sum", "1");
        });
        server.get("/look", async |ctx: Context| {
            assert_eq!(
                (ctx.extension::<u8>(), ctx.param("id"), ctx.query("q")),
                (None, None, None)
            );
            assert_eq!((ctx.header("x-in"), ctx.cookie("c")), (None, None));
            assert_eq!((ctx.bytes().await.unwrap().len(), ctx.trailers()), (0, None));
            assert_eq!((ctx.matched_pattern(), ctx.method()), (Some("/look"), &Method::GET));
        });
    });
    for target in ["/fill/1?q=1", "/stream/1?q=1"] {
        for _ in 0..3 {
            let mut filling = request(Method::POST, target, "a secret body");
            filling.headers_mut().insert("x-in", "1".parse().unwrap());
            filling.headers_mut().insert("cookie", "c=1".parse().unwrap());
            assert_eq!(call(&app, filling).await.text, "secret");

            let answer = get(&app, "/look").await;
            assert_eq!((answer.status(), answer.text.as_str()), (200, ""));
            assert!(answer.response.headers().is_empty(), "{:?}", answer.response.headers());
            assert!(answer.response.body().trailers().is_none());
        }
    }
}

#[tokio::test]
async fn memory_that_a_clone_holds_is_not_reused() {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Context>();
    let app = app(|server| {
        server
            .state(sender)
            .get("/{id}", async |ctx: Context, State(sender): State<Contexts>| {
                sender.send(ctx).unwrap();
            });
    });
    get(&app, "/first").await;
    let first = receiver.recv().await.unwrap();
    get(&app, "/second").await;
    assert_eq!((first.path(), first.param("id")), ("/first", Some("first")));
    let second = receiver.recv().await.unwrap();
    drop(first);
    assert_eq!(second.path(), "/second");
}

#[tokio::test]
async fn contexts_dropped_on_several_threads_at_once_are_freed_or_reused_once() {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Context>();
    let app = app(|server| {
        server
            .state(sender)
            .get("/{id}", async |ctx: Context, State(sender): State<Contexts>| {
                for _ in 0..3 {
                    let _ = sender.send(ctx.clone());
                }
            });
    });
    for round in 0..200 {
        let target = format!("/{round}");
        get(&app, &target).await;
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let ctx = receiver.try_recv().unwrap();
                assert_eq!(ctx.path(), target);
                std::thread::spawn(move || drop(ctx))
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}
