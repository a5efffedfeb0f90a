//! What handlers return.

use hyperlane::headers::CacheControl;
use hyperlane::{
    AppendHeaders, Body, Created, Either, ErrorResponse, Extension, Html, Json, NoContent, Path, Redirect, StatusCode,
    TypedHeader,
};

use crate::support::{app, get};

#[tokio::test]
async fn each_kind_of_response_has_its_status_type_and_body() {
    let app = app(|server| {
        server
            .get("/html", async || Html("<p>"))
            .get("/html-stream", async || {
                Html(Body::stream(futures::stream::iter([Ok::<_, std::io::Error>("<p>")])))
            })
            .get("/created", async || Created::new("/items/ü", Json(7)))
            .get("/created-at", async || Created::at("/items/7"))
            .get("/nothing", async || NoContent)
            .get("/none", async || None::<Json<u8>>)
            .get("/some", async || Some(Json(7)))
            .get("/left", async || Either::<_, StatusCode>::Left("left"))
            .get("/right", async || Either::<&str, _>::Right(StatusCode::GONE))
            .get("/cow", async || std::borrow::Cow::Borrowed(&b"\x01"[..]))
            .get("/boxed", async || Box::<str>::from("boxed"));
    });
    for (target, status, content_type, text) in [
        ("/html", 200, Some("text/html; charset=utf-8"), "<p>"),
        ("/html-stream", 200, Some("text/html; charset=utf-8"), "<p>"),
        ("/created", 201, Some("application/json"), "7"),
        ("/created-at", 201, None, ""),
        ("/nothing", 204, None, ""),
        ("/none", 404, Some("text/plain; charset=utf-8"), "Not Found"),
        ("/some", 200, Some("application/json"), "7"),
        ("/left", 200, Some("text/plain; charset=utf-8"), "left"),
        ("/right", 410, Some("text/plain; charset=utf-8"), "Gone"),
        ("/cow", 200, Some("application/octet-stream"), "\u{1}"),
        ("/boxed", 200, Some("text/plain; charset=utf-8"), "boxed"),
    ] {
        let answer = get(&app, target).await;
        assert_eq!(
            (answer.status(), answer.header("content-type"), answer.text.as_str()),
            (status, content_type, text),
            "{target}"
        );
    }
    assert_eq!(get(&app, "/created").await.header("location"), Some("/items/%C3%BC"));
}

#[tokio::test]
async fn a_tuple_takes_many_parts() {
    let app = app(|server| {
        server.get("/", async || {
            (
                StatusCode::ACCEPTED,
                [("x-a", "1")],
                AppendHeaders([("vary", "a"), ("vary", "b")]),
                TypedHeader(CacheControl::new().with_no_store()),
                Extension(7_u8),
                Some([("x-b", "2")]),
                "text",
            )
        });
    });
    let answer = get(&app, "/").await;
    assert_eq!(
        (answer.status(), answer.header("x-a"), answer.header("x-b")),
        (202, Some("1"), Some("2"))
    );
    assert_eq!(
        (answer.headers("vary").len(), answer.header("cache-control")),
        (2, Some("no-store"))
    );
    assert_eq!(answer.response.extensions().unwrap().get::<u8>(), Some(&7));
}

#[tokio::test]
async fn a_redirect_can_not_add_headers() {
    let app = app(|server| {
        server.get("/to/{target}", async |Path(target): Path<String>| {
            Redirect::see_other(target)
        });
        server.get("/local/{*target}", async |Path(target): Path<String>| {
            Redirect::local(target)
        });
        server.get("/created/{target}", async |Path(target): Path<String>| {
            Created::at(target)
        });
    });
    for target in [
        "/to/a%0D%0Aset-cookie:%20a=b",
        "/to/a%0Ab",
        "/to/%7F",
        "/created/a%0D%0Ab",
    ] {
        let response = get(&app, target).await.response;
        assert!(response.defect().is_some(), "{target}");
        assert!(!response.headers().contains_key("set-cookie"), "{target}");
    }
    let answer = get(&app, "/to/%C3%BC%20x").await;
    assert_eq!((answer.status(), answer.header("location")), (303, Some("%C3%BC%20x")));
    assert_eq!(get(&app, "/local/%2F%2Fevil").await.header("location"), Some("/"));
    assert_eq!(get(&app, "/local/https:%2F%2Fevil").await.header("location"), Some("/"));
}

#[tokio::test]
async fn errors_of_several_types_meet_in_one_handler() {
    fn first(id: u8) -> Result<(), StatusCode> {
        if id == 1 { Err(StatusCode::NOT_FOUND) } else { Ok(()) }
    }
    fn second(id: u8) -> Result<(), (StatusCode, Json<u8>)> {
        if id == 2 {
            Err((StatusCode::CONFLICT, Json(id)))
        } else {
            Ok(())
        }
    }
    let app = app(|server| {
        server.get("/{id}", async |Path(id): Path<u8>| {
            first(id)?;
            second(id)?;
            Ok::<_, ErrorResponse>("fine")
        });
    });
    assert_eq!(get(&app, "/0").await.text, "fine");
    assert_eq!(get(&app, "/1").await.status(), 404);
    let answer = get(&app, "/2").await;
    assert_eq!((answer.status(), answer.text.as_str()), (409, "2"));
}
