//! `BasicAuth`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyperlane::middleware::{Authenticated, BasicAuth, BasicUser};

use crate::support::{app, get, header, text};

fn guarded(auth: BasicAuth) -> hyperlane::App {
    app(|server| {
        server
            .middleware(auth)
            .get("/", async |Authenticated(user): Authenticated<BasicUser>| user.0);
    })
}

fn basic(text: &str) -> String {
    format!("Basic {}", STANDARD.encode(text))
}

#[tokio::test]
async fn admits_who_knows_the_password_and_names_him() {
    let app = guarded(BasicAuth::new("office").user("kim", "a:b").user("zoë", "pässword"));
    for (credentials, user) in [("kim:a:b", "kim"), ("zoë:pässword", "zoë")] {
        let response = get(&app, "/", &[("authorization", &basic(credentials))]).await;
        assert_eq!(text(response).await, user, "RFC 7617 §2");
    }
    let lower = basic("kim:a:b").replace("Basic", "bASIC  ");
    assert_eq!(
        get(&app, "/", &[("authorization", &lower)]).await.status(),
        200,
        "RFC 9110 §11.1"
    );
}

#[tokio::test]
async fn everybody_else_is_told_how_to_authenticate() {
    let app = guarded(BasicAuth::new("the \"office\"\r\n").user("kim", "secret"));
    let bad = [
        basic("kim:wrong"),
        basic("kim:secret2"),
        basic("kim:secre"),
        basic("kim:"),
        basic("other:secret"),
        basic("kim"),
        basic(":secret"),
        basic("kim:secret\n"),
        "Basic !!!".to_owned(),
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Bearer a2ltOnNlY3JldA==".to_owned(),
        format!("Basic {}", STANDARD.encode([0xff, b':', 0xfe])),
    ];
    let mut all: Vec<_> = bad
        .iter()
        .map(|value| vec![("authorization", value.as_str())])
        .collect();
    all.push(Vec::new());
    for value in all {
        let response = get(&app, "/", &value).await;
        assert_eq!(response.status(), 401, "{value:?}");
        assert_eq!(
            header(&response, "www-authenticate"),
            "Basic realm=\"the \\\"office\\\"\", charset=\"UTF-8\"",
            "RFC 7617 §2.1"
        );
    }
    let good = basic("kim:secret");
    let twice = [("authorization", good.as_str()), ("authorization", good.as_str())];
    assert_eq!(get(&app, "/", &twice).await.status(), 401, "two are none");
}

#[tokio::test]
async fn a_function_may_know_more_users() {
    let auth = BasicAuth::new("office")
        .user("kim", "secret")
        .verify(async |name: String, password: String| name == "db" && password == "row");
    let app = guarded(auth);
    for (credentials, status) in [("kim:secret", 200), ("db:row", 200), ("db:secret", 401)] {
        let response = get(&app, "/", &[("authorization", &basic(credentials))]).await;
        assert_eq!(response.status().as_u16(), status, "{credentials}");
    }
}

#[tokio::test]
async fn a_route_that_asks_for_the_user_without_the_middleware_is_closed() {
    let app = app(|server| {
        server.get("/", async |Authenticated(user): Authenticated<BasicUser>| user.0);
    });
    let response = get(&app, "/", &[("authorization", &basic("kim:secret"))]).await;
    assert_eq!(response.status(), 500);
    assert!(!text(response).await.contains("BasicUser"));
}

#[test]
fn passwords_are_not_shown() {
    let shown = format!("{:?}", BasicAuth::new("office").user("kim", "secret"));
    assert!(!shown.contains("secret"), "{shown}");
}
