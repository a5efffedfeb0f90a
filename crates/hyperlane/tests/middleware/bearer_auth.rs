//! `BearerAuth`.

use hyperlane::middleware::{Authenticated, BearerAuth, BearerError};

use crate::support::{app, get, header, text};

#[derive(Clone)]
struct User(&'static str);

async fn verify(token: String) -> Result<User, BearerError> {
    match token.as_str() {
        "kim-token" => Ok(User("kim")),
        "read-only" => Err(BearerError::InsufficientScope),
        _ => Err(BearerError::InvalidToken),
    }
}

fn guarded() -> hyperlane::App {
    app(|server| {
        server
            .middleware(BearerAuth::new("api", verify))
            .get("/", async |Authenticated(user): Authenticated<User>| user.0);
    })
}

#[tokio::test]
async fn what_the_function_made_of_the_token_is_the_handlers() {
    let app = guarded();
    for value in ["Bearer kim-token", "bearer kim-token"] {
        assert_eq!(text(get(&app, "/", &[("authorization", value)]).await).await, "kim");
    }
}

#[tokio::test]
async fn each_refusal_is_that_of_rfc_6750() {
    let app = guarded();
    for (headers, status, challenge) in [
        (&[][..], 401, "Bearer realm=\"api\""),
        (&[("authorization", "Basic a2ltOng=")], 401, "Bearer realm=\"api\""),
        (
            &[("authorization", "Bearer unknown")],
            401,
            "Bearer realm=\"api\", error=\"invalid_token\"",
        ),
        (
            &[("authorization", "Bearer read-only")],
            403,
            "Bearer realm=\"api\", error=\"insufficient_scope\"",
        ),
        (
            &[("authorization", "Bearer two words")],
            400,
            "Bearer realm=\"api\", error=\"invalid_request\"",
        ),
        (
            &[("authorization", "Bearer ")],
            400,
            "Bearer realm=\"api\", error=\"invalid_request\"",
        ),
        (
            &[
                ("authorization", "Bearer kim-token"),
                ("authorization", "Bearer kim-token"),
            ],
            400,
            "Bearer realm=\"api\", error=\"invalid_request\"",
        ),
    ] {
        let response = get(&app, "/", headers).await;
        assert_eq!(response.status().as_u16(), status, "{headers:?}: RFC 6750 §3.1");
        assert_eq!(header(&response, "www-authenticate"), challenge, "{headers:?}");
    }
}

#[tokio::test]
async fn tokens_in_queries_are_not_read() {
    let app = guarded();
    assert_eq!(get(&app, "/?access_token=kim-token", &[]).await.status(), 401);
}
