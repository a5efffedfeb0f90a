//! What setters made of the response, and how it meets what the handler returned.

use hyperlane::{Body, Bytes, Context, Cookie, HttpVersion, Json, Response, State, StatusCode};
use tokio::sync::mpsc;

use crate::support::{app, get};

#[tokio::test]
async fn a_handler_that_returns_nothing_answers_with_what_it_set() {
    let app = app(|server| {
        server.get("/", async |ctx: Context| {
            ctx.set_response_version(HttpVersion::HTTP1_1)
                .await
                .set_response_status_code(201)
                .await
                .set_response_header("X-Time", format!("{}ms", 3))
                .await
                .set_response_body("made")
                .await;
        });
        server.get("/nothing", async || {});
        server.get("/result", async |ctx: Context| -> Result<(), StatusCode> {
            ctx.set_response_status_code(202);
            Ok(())
        });
    });
    let answer = get(&app, "/").await;
    assert_eq!((answer.status(), answer.text.as_str()), (201, "made"));
    assert_eq!(
        (answer.header("x-time"), answer.header("content-type")),
        (Some("3ms"), Some("text/plain; charset=utf-8"))
    );
    let answer = get(&app, "/nothing").await;
    assert_eq!((answer.status(), answer.text.as_str()), (200, ""));
    assert_eq!(get(&app, "/result").await.status(), 202);
}

#[tokio::test]
async fn what_is_returned_is_the_answer_with_the_headers_and_cookies_it_lacks() {
    let app = app(|server| {
        server.get("/", async |ctx: Context| {
            ctx.set_response_status_code(404)
                .set_response_header("x-set", "set")
                .set_response_header("x-both", "set")
                .set_response_cookie(("a", "set"))
                .set_response_cookie(("b", "set"))
                .set_response_body("not sent");
            ([("x-both", "returned"), ("set-cookie", "a=returned")], Json([1]))
        });
    });
    let answer = get(&app, "/").await;
    assert_eq!((answer.status(), answer.text.as_str()), (200, "[1]"));
    assert_eq!(
        (answer.header("x-set"), answer.headers("x-both")),
        (Some("set"), vec!["returned"])
    );
    assert_eq!(answer.headers("set-cookie"), ["a=returned", "b=set"]);
    assert_eq!(answer.headers("content-type"), ["application/json"]);
}

#[tokio::test]
async fn a_status_and_headers_around_nothing_go_before_what_was_set() {
    let app = app(|server| {
        server.get("/", async |ctx: Context| {
            ctx.set_response_header("x-a", "set").set_response_body("body");
            (StatusCode::ACCEPTED, [("x-a", "returned"), ("x-a", "twice")], ())
        });
    });
    let answer = get(&app, "/").await;
    assert_eq!((answer.status(), answer.text.as_str()), (202, "body"));
    assert_eq!(answer.headers("x-a"), ["returned", "twice"]);
}

#[tokio::test]
async fn the_content_type_of_a_body_that_is_not_sent_describes_nothing() {
    let app = app(|server| {
        server.get("/body", async |ctx: Context| {
            ctx.set_response_body("text").set_response_header("x", "y");
            Response::new(Body::from("raw"))
        });
        server.get("/hand", async |ctx: Context| {
            ctx.set_response_header("content-type", "text/csv");
            Response::new(Body::from("a,b"))
        });
    });
    assert_eq!(get(&app, "/body").await.header("content-type"), None);
    assert_eq!(get(&app, "/hand").await.header("content-type"), Some("text/csv"));
}

#[tokio::test]
async fn bodies_bring_their_content_type_unless_it_was_set_by_hand() {
    let app = app(|server| {
        server.get("/text", async |ctx: Context| {
            _ = ctx.set_response_body(String::from("t"));
        });
        server.get("/bytes", async |ctx: Context| {
            _ = ctx.set_response_body(Bytes::from("b"));
        });
        server.get("/json", async |ctx: Context| _ = ctx.set_response_body(Json([1, 2])));
        server.get("/html", async |ctx: Context| {
            ctx.set_response_header("content-type", "text/html")
                .set_response_body("<p>");
        });
        server.get("/error", async |ctx: Context| {
            _ = ctx.set_response_body(StatusCode::CONFLICT);
        });
        server.get("/twice", async |ctx: Context| {
            ctx.set_response_body("not yet")
                .set_response_header("x-a", "1")
                .set_response_body(Json([1, 2]));
        });
    });
    assert_eq!(
        get(&app, "/twice").await.header("content-type"),
        Some("application/json")
    );
    assert_eq!(
        get(&app, "/text").await.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(
        get(&app, "/bytes").await.header("content-type"),
        Some("application/octet-stream")
    );
    let json = get(&app, "/json").await;
    assert_eq!(
        (json.header("content-type"), json.text.as_str()),
        (Some("application/json"), "[1,2]")
    );
    assert_eq!(get(&app, "/html").await.header("content-type"), Some("text/html"));
    assert_eq!(get(&app, "/error").await.status(), 409);
}

#[tokio::test]
async fn headers_are_replaced_added_and_removed() {
    let app = app(|server| {
        server.get("/", async |ctx: Context| {
            ctx.set_response_header("x-a", "1")
                .set_response_header("X-A", "2")
                .add_response_header("x-a", "3");
            ctx.set_response_header("x-b", "1").remove_response_header("X-B");
            assert_eq!(ctx.response_headers().get_all("x-a").iter().count(), 2);
        });
    });
    let answer = get(&app, "/").await;
    assert_eq!((answer.headers("x-a"), answer.header("x-b")), (vec!["2", "3"], None));
}

/// RFC 9110 §5.5.
#[tokio::test]
async fn headers_cookies_and_trailers_that_could_split_the_response_make_it_unsendable() {
    type Set = fn(&Context);
    let cases: [Set; 8] = [
        |ctx| _ = ctx.set_response_header("x-a", "1\r\nx: y"),
        |ctx| _ = ctx.set_response_header("x-a", "1\0"),
        |ctx| _ = ctx.add_response_header("bad name", "1"),
        |ctx| _ = ctx.set_response_cookie(("a", "1; Domain=evil")),
        |ctx| _ = ctx.set_response_cookie(("a\r\nb", "1")),
        |ctx| _ = ctx.set_response_cookie(Cookie::build(("a", "1")).path("/;x")),
        |ctx| _ = ctx.set_response_trailer("x-a", "1\n"),
        |ctx| _ = ctx.set_response_trailer("content-length", "1"),
    ];
    for (number, set) in cases.into_iter().enumerate() {
        let app = app(|server| {
            server
                .state(set)
                .get("/set", async |ctx: Context, State(set): State<Set>| set(&ctx));
            server.get("/returned", async |ctx: Context, State(set): State<Set>| {
                set(&ctx);
                "returned"
            });
        });
        for target in ["/set", "/returned"] {
            assert!(get(&app, target).await.response.defect().is_some(), "{number} {target}");
        }
    }
}

/// RFC 9110 §15.
#[tokio::test]
async fn a_status_that_is_no_answer_makes_the_response_unsendable() {
    let app = app(|server| {
        server.get("/{code}", async |ctx: Context| {
            ctx.set_response_status_code(ctx.param("code").unwrap().parse().unwrap());
        });
    });
    for code in [0, 99, 100, 101, 199, 600, 999, 1000, 65535] {
        assert!(
            get(&app, &format!("/{code}")).await.response.defect().is_some(),
            "{code}"
        );
    }
    for code in [200, 299, 418, 599] {
        assert_eq!(get(&app, &format!("/{code}")).await.status(), code);
    }
}

#[tokio::test]
async fn the_trying_setters_return_the_error_and_change_nothing() {
    let app = app(|server| {
        server.get("/", async |ctx: Context| {
            assert!(ctx.try_set_response_header("x-a", "1\r\n").is_err());
            assert!(ctx.try_add_response_header("x-a", "1\r\n").is_err());
            assert!(ctx.try_set_response_status_code(0).is_err());
            ctx.try_set_response_header("x-a", 7_u64)
                .unwrap()
                .set_response_body("fine");
        });
    });
    let answer = get(&app, "/").await;
    assert!(answer.response.defect().is_none());
    assert_eq!((answer.text.as_str(), answer.header("x-a")), ("fine", Some("7")));
}

#[tokio::test]
async fn trailers_stand_behind_the_body() {
    let app = app(|server| {
        server.get("/set", async |ctx: Context| {
            ctx.set_response_trailer("x-sum", "9").set_response_body("body");
        });
        server.get("/returned", async |ctx: Context| {
            ctx.set_response_trailer("x-sum", "9");
            "body"
        });
    });
    for target in ["/set", "/returned"] {
        let answer = get(&app, target).await;
        assert_eq!(answer.text, "body");
        assert_eq!(answer.response.body().trailers().unwrap()["x-sum"], "9", "{target}");
    }
}

#[tokio::test]
async fn a_clone_that_outlives_the_handler_changes_nothing() {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Context>();
    let app = app(|server| {
        server.state(sender).get(
            "/",
            async |ctx: Context, State(sender): State<mpsc::UnboundedSender<Context>>| {
                sender.send(ctx).unwrap();
                "answer"
            },
        );
    });
    let answer = get(&app, "/").await;
    let late = receiver.recv().await.unwrap();
    late.set_response_status_code(0).set_response_body("late");
    assert!(
        late.set_response_body("late")
            .send_body()
            .await
            .unwrap_err()
            .is_closed()
    );
    assert_eq!((late.path(), answer.text.as_str()), ("/", "answer"));
}
