//! `CatchPanic`.

use hyperlane::middleware::CatchPanic;
use hyperlane::{Context, HandlerPanic, Middleware, Next, Response, StatusCode};

use crate::support::{app, get, header, text};

async fn panics_before(_: Context, _: Next) -> Response {
    panic!("secret detail")
}

async fn panics_after(ctx: Context, next: Next) -> Response {
    drop(next.run(ctx).await);
    tokio::task::yield_now().await;
    panic!("secret detail")
}

/// A middleware that does not even make a future.
struct PanicsAtOnce;

impl Middleware for PanicsAtOnce {
    fn call(&self, _: Context, _: Next) -> impl Future<Output = Response> + Send {
        panic!("secret detail");
        #[expect(unreachable_code, reason = "names the future's type")]
        async {
            Response::default()
        }
    }
}

#[tokio::test]
async fn a_panic_of_a_middleware_is_a_500_for_what_stands_around() {
    for kind in 0..3 {
        let app = app(|server| {
            server
                .middleware(async |ctx: Context, next: Next| {
                    let response = next.run(ctx).await;
                    response.with_header("x-seen", "1")
                })
                .middleware(CatchPanic::new())
                .get("/", async || "never");
            match kind {
                0 => server.middleware(panics_before),
                1 => server.middleware(panics_after),
                _ => server.middleware(PanicsAtOnce),
            };
        });
        let response = get(&app, "/", &[]).await;
        assert_eq!(response.status(), 500);
        assert_eq!(header(&response, "x-seen"), "1");
        assert_eq!(header(&response, "connection"), "close");
        assert!(!text(response).await.contains("secret"));
    }
}

#[tokio::test]
async fn the_answer_can_be_shaped_and_may_not_panic_itself() {
    let shaped = app(|server| {
        server
            .middleware(CatchPanic::new().answer(|panic: &HandlerPanic| {
                assert_eq!(panic.message, "secret detail");
                (StatusCode::BAD_GATEWAY, "shaped")
            }))
            .middleware(panics_before)
            .get("/", async || "");
    });
    let response = get(&shaped, "/", &[]).await;
    assert_eq!(response.status(), 502);
    assert_eq!(text(response).await, "shaped");

    let again = app(|server| {
        server
            .middleware(CatchPanic::new().answer(|_: &HandlerPanic| -> &'static str { panic!("again") }))
            .middleware(panics_before)
            .get("/", async || "");
    });
    assert_eq!(get(&again, "/", &[]).await.status(), 500);
}
