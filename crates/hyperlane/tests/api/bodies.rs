//! The request's body, read whole, in parts, and more than once.

use hyperlane::{Body, BodyErrorKind, Bytes, Context, Json, Method, Rejection, Request, Route, Server, Service};
use serde_json::Value;

use crate::support::{app, call, request};

#[tokio::test]
async fn a_body_can_be_read_by_several_arguments_and_getters() {
    let app = app(|server| {
        server.post("/", async |bytes: Bytes, text: String, body: Body, ctx: Context| {
            let mut body = body;
            let streamed = body.bytes().await.unwrap();
            let again = ctx.body_stream().bytes().await.unwrap();
            format!(
                "{} {text} {} {} {}",
                bytes.len(),
                streamed.len(),
                again.len(),
                ctx.text().await.unwrap()
            )
        });
    });
    assert_eq!(
        call(&app, request(Method::POST, "/", "abc")).await.text,
        "3 abc 3 3 abc"
    );
}

#[tokio::test]
async fn a_body_that_was_taken_as_a_stream_can_not_be_read_again() {
    let app = app(|server| {
        server.post("/", async |ctx: Context| {
            let _stream = ctx.body_stream();
            let rejection = ctx.text().await.unwrap_err();
            assert!(rejection.message().contains("already taken"), "{rejection}");
            Err::<(), _>(rejection)
        });
        server.post("/twice", async |_stream: Body, ctx: Context| {
            let error = ctx.body_stream().bytes().await.unwrap_err();
            assert_eq!(error.kind(), BodyErrorKind::Taken);
        });
    });
    let answer = call(&app, request(Method::POST, "/", "abc")).await;
    assert_eq!(answer.status(), 500);
    assert!(
        !answer.text.contains("taken"),
        "no details for the client: {}",
        answer.text
    );
    assert_eq!(call(&app, request(Method::POST, "/twice", "abc")).await.status(), 200);
}

#[test]
fn a_handler_that_takes_the_body_twice_is_an_error_of_build() {
    for (register, what) in [
        (
            (|server| {
                server.post("/", async |_: Body, _: Json<Value>| ());
            }) as fn(&Server),
            "`Body` takes it away as a stream before `Json` can read it",
        ),
        (
            |server| {
                server.post("/", async |_: Body, _: Body| ());
            },
            "`Body` takes it away as a stream before `Body`",
        ),
    ] {
        let server = Server::new();
        register(&server);
        let error = server.build().unwrap_err();
        assert!(error.is_route() && error.to_string().contains(what), "{error}");
        assert!(
            error.to_string().starts_with("route POST `/` takes the body twice"),
            "{error}"
        );
    }
    let server = Server::new();
    server.post("/", async |_: Json<Value>, _: Bytes, _: Body| ());
    server.post("/other", async |_: Body| ());
    assert!(server.build().is_ok());
}

#[tokio::test]
async fn errors_of_the_body_have_their_status_and_stay() {
    let app = app(|server| {
        server.post("/", async |first: Result<Bytes, Rejection>, ctx: Context| {
            let first = first.unwrap_err().status();
            format!("{first} {}", ctx.bytes().await.unwrap_err().status())
        });
        server.post("/text", async |text: String| text);
    });
    for (kind, status) in [
        (BodyErrorKind::TooLarge { limit: 1 }, 413),
        (BodyErrorKind::Timeout, 408),
        (BodyErrorKind::Incomplete, 400),
    ] {
        let body = || Body::stream(futures::stream::iter([Ok("ab"), Err(hyperlane::BodyError::new(kind))]));
        assert_eq!(
            call(&app, request(Method::POST, "/text", body())).await.status(),
            status
        );
        let answer = call(&app, request(Method::POST, "/", body())).await;
        assert!(answer.text.matches(&status.to_string()).count() == 2, "{}", answer.text);
    }
    assert_eq!(
        call(&app, request(Method::POST, "/text", &b"a\xff"[..])).await.status(),
        400
    );
}

#[tokio::test]
async fn a_reader_that_is_cancelled_loses_nothing() {
    let (mut sender, receiver) = futures::channel::mpsc::unbounded::<Result<&'static str, std::io::Error>>();
    let app = app(|server| {
        server.post("/", async |ctx: Context| {
            let _ = futures::poll!(std::pin::pin!(ctx.bytes()));
            ctx.text().await
        });
    });
    let call = call(&app, request(Method::POST, "/", Body::stream(receiver)));
    let feed = async {
        for piece in ["a", "b", "c"] {
            futures::SinkExt::send(&mut sender, Ok(piece)).await.unwrap();
            tokio::task::yield_now().await;
        }
        drop(sender);
    };
    let (answer, ()) = tokio::join!(call, feed);
    assert_eq!(answer.text, "abc");
}

#[tokio::test]
async fn the_body_limit_of_a_fallback_counts_although_no_route_has_one() {
    let app = app(|server| {
        server.fallback(Route::new(async |body: Bytes| body.len().to_string()).body_limit(3));
    });
    let request: Request = request(Method::POST, "/anywhere", "abc").into();
    assert_eq!(app.body_limit(request.head()), Some(3));
}
