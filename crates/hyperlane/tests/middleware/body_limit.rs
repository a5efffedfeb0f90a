//! `BodyLimit`.

use futures::stream;
use hyperlane::middleware::BodyLimit;
use hyperlane::{Body, Bytes, StatusCode};

use crate::support::{app, post, text};

fn limited() -> hyperlane::App {
    app(|server| {
        server
            .middleware(BodyLimit::new(4))
            .post("/", async |body: Bytes| body)
            .post("/deaf", async || StatusCode::NO_CONTENT);
    })
}

fn pieces(pieces: &[&'static str]) -> Body {
    let pieces: Vec<_> = pieces.iter().map(|piece| Ok::<_, std::io::Error>(*piece)).collect();
    Body::stream(stream::iter(pieces))
}

#[tokio::test]
async fn refuses_a_body_that_announces_too_much_before_the_handler_runs() {
    let app = limited();
    assert_eq!(text(post(&app, "/", &[], "four").await).await, "four");
    let response = post(&app, "/deaf", &[], "fives").await;
    assert_eq!(response.status(), 413, "RFC 9110 §15.5.14");
    assert!(text(response).await.contains("4 bytes"));
}

#[tokio::test]
async fn a_body_of_unknown_length_fails_where_it_passes_the_limit() {
    let app = limited();
    assert_eq!(text(post(&app, "/", &[], pieces(&["ab", "cd"])).await).await, "abcd");
    let response = post(&app, "/", &[], pieces(&["ab", "cd", "e"])).await;
    assert_eq!(response.status(), 413);
    let response = post(&app, "/deaf", &[], pieces(&["abcdefgh"])).await;
    assert_eq!(response.status(), 204, "who does not read it is not bothered");
}
