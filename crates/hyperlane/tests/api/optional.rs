//! `Option<T>`: `None` for what is not there, a rejection for what is there and wrong.

use hyperlane::headers::UserAgent;
use hyperlane::{
    Context, Extension, Form, FromContext, Json, MatchedPath, Method, Multipart, Path, Problem, Query, State,
    StatusCode, TypedHeader,
};
use serde::Deserialize;

use crate::support::{app, call, get, post, request};

#[derive(Debug, Deserialize)]
struct Item {
    #[serde(default)]
    id: u8,
}

#[tokio::test]
async fn a_body_that_is_not_there_is_none_and_a_wrong_one_is_rejected() {
    let app = app(|server| {
        server.post("/json", async |item: Option<Json<Item>>| {
            format!("{:?}", item.map(|item| item.0.id))
        });
        server.post("/form", async |item: Option<Form<Item>>| {
            format!("{:?}", item.map(|item| item.0.id))
        });
        server.post("/multipart", async |form: Option<Multipart>| {
            format!("{:?}", form.is_some())
        });
    });
    for (target, none) in [("/json", "None"), ("/form", "None"), ("/multipart", "false")] {
        assert_eq!(
            call(&app, request(Method::POST, target, "")).await.text,
            none,
            "{target}"
        );
        assert_eq!(
            call(&app, request(Method::POST, target, "x")).await.status(),
            415,
            "{target}"
        );
        assert_eq!(
            call(&app, post(target, "text/plain", "")).await.status(),
            415,
            "{target}"
        );
    }
    assert_eq!(
        call(&app, post("/json", "application/json", r#"{"id":3}"#)).await.text,
        "Some(3)"
    );
    assert_eq!(call(&app, post("/json", "application/json", "")).await.status(), 400);
    assert_eq!(
        call(&app, post("/json", "application/json", r#"{"id":300}"#))
            .await
            .status(),
        422
    );
    assert_eq!(
        call(&app, post("/form", "application/x-www-form-urlencoded", ""))
            .await
            .text,
        "Some(0)"
    );
    assert_eq!(
        call(&app, post("/form", "application/x-www-form-urlencoded", "id=x"))
            .await
            .status(),
        422
    );
}

#[tokio::test]
async fn parts_of_the_head_that_are_not_there_are_none() {
    let app = app(|server| {
        server.get("/query", async |item: Option<Query<Item>>| {
            format!("{:?}", item.map(|item| item.0.id))
        });
        server.get("/agent", async |agent: Option<TypedHeader<UserAgent>>| {
            format!("{}", agent.is_some())
        });
        server.get("/path", async |path: Option<Path<u8>>| format!("{path:?}"));
        server.get("/path/{id}", async |path: Option<Path<u8>>| format!("{path:?}"));
        server.get("/extension", async |value: Option<Extension<u8>>| format!("{value:?}"));
        server.get("/state", async |value: Option<State<u8>>| format!("{value:?}"));
        server.fallback(async |path: Option<MatchedPath>| format!("{path:?}"));
    });
    for (target, text) in [
        ("/query", "None"),
        ("/query?", "Some(0)"),
        ("/query?id=7", "Some(7)"),
        ("/agent", "false"),
        ("/path", "None"),
        ("/path/7", "Some(Path(7))"),
        ("/extension", "None"),
        ("/state", "None"),
        ("/nowhere", "None"),
    ] {
        assert_eq!(get(&app, target).await.text, text, "{target}");
    }
    assert_eq!(get(&app, "/query?id=x").await.status(), 400);
    assert_eq!(get(&app, "/path/x").await.status(), 400);
}

#[tokio::test]
async fn a_header_of_a_type_is_read_or_named() {
    use hyperlane::headers::ContentLength;
    let app = app(|server| {
        server.get("/", async |TypedHeader(length): TypedHeader<ContentLength>| {
            length.0.to_string()
        });
        server.get("/option", async |length: Option<TypedHeader<ContentLength>>| {
            length.is_some().to_string()
        });
    });
    let with = |target: &str, value: &str| {
        let mut request = request(Method::GET, target, "");
        request.headers_mut().insert("content-length", value.parse().unwrap());
        request
    };
    assert_eq!(call(&app, with("/", "7")).await.text, "7");
    let missing = crate::support::problem(&get(&app, "/").await);
    assert_eq!(
        (missing["status"].as_u64(), missing["code"].as_str()),
        (Some(400), Some("missing"))
    );
    assert_eq!(missing["errors"][0]["in"], "header");
    assert_eq!(missing["errors"][0]["field"], "content-length");
    for target in ["/", "/option"] {
        let wrong = crate::support::problem(&call(&app, with(target, "x")).await);
        assert_eq!(wrong["code"], "malformed", "{target}");
    }
}

#[tokio::test]
async fn an_extractor_says_itself_when_it_is_missing() {
    struct Strict;
    impl FromContext for Strict {
        type Rejection = StatusCode;

        async fn from_context(_: &Context) -> Result<Self, StatusCode> {
            Err(StatusCode::FORBIDDEN)
        }
    }
    struct Lenient;
    impl FromContext for Lenient {
        type Rejection = Problem;

        async fn from_context(_: &Context) -> Result<Self, Problem> {
            Err(Problem::new(StatusCode::FORBIDDEN))
        }

        async fn from_context_if_present(_: &Context) -> Result<Option<Self>, Problem> {
            Ok(None)
        }
    }
    let app = app(|server| {
        server.get("/strict", async |value: Option<Strict>| value.is_some().to_string());
        server.get("/lenient", async |value: Option<Lenient>| value.is_some().to_string());
        server.get("/result", async |value: Result<Option<Strict>, StatusCode>| {
            value.is_err().to_string()
        });
    });
    assert_eq!(get(&app, "/strict").await.status(), 403);
    assert_eq!(get(&app, "/lenient").await.text, "false");
    assert_eq!(get(&app, "/result").await.text, "true");
}
