//! `RequestIds` and the argument `RequestId`.

use hyperlane::HeaderName;
use hyperlane::middleware::{RequestId, RequestIds};

use crate::support::{app, get, header, text};

fn echoing(ids: RequestIds) -> hyperlane::App {
    app(|server| {
        server.middleware(ids).get("/", async |id: RequestId| id.to_string());
    })
}

#[tokio::test]
async fn an_id_that_came_in_is_the_handlers_and_goes_out() {
    let app = echoing(RequestIds::new());
    let response = get(&app, "/", &[("x-request-id", "abc-123_X.y:z/1+2=3@4~5")]).await;
    assert_eq!(header(&response, "x-request-id"), "abc-123_X.y:z/1+2=3@4~5");
    assert_eq!(text(response).await, "abc-123_X.y:z/1+2=3@4~5");
}

#[tokio::test]
async fn each_request_without_one_gets_its_own_and_so_do_answers_404() {
    let app = echoing(RequestIds::new());
    let one = header(&get(&app, "/", &[]).await, "x-request-id").to_owned();
    let other = header(&get(&app, "/nowhere", &[]).await, "x-request-id").to_owned();
    assert_eq!((one.len(), other.len()), (32, 32));
    assert_ne!(one, other);
}

#[tokio::test]
async fn an_id_that_could_forge_a_log_line_is_replaced() {
    let app = echoing(RequestIds::new());
    let long = "x".repeat(129);
    for hostile in ["", "a b", "a\"b", "a,b", "<b>", "a\tb", &long] {
        let response = get(&app, "/", &[("x-request-id", hostile)]).await;
        assert_eq!(header(&response, "x-request-id").len(), 32, "{hostile:?}");
    }
}

#[tokio::test]
async fn header_and_trust_can_be_set() {
    let ids = RequestIds::new()
        .header(HeaderName::from_static("x-correlation-id"))
        .ignore_incoming();
    let response = get(&echoing(ids), "/", &[("x-correlation-id", "mine")]).await;
    assert_eq!(header(&response, "x-correlation-id").len(), 32);
    assert_eq!(header(&response, "x-request-id"), "");
}

#[tokio::test]
async fn a_handler_without_the_middleware_may_take_it_as_an_option() {
    let app = app(|server| {
        server
            .get("/", async |id: Option<RequestId>| id.is_none().to_string())
            .get("/must", async |id: RequestId| id.to_string());
    });
    assert_eq!(get(&app, "/must", &[]).await.status(), 500);
    assert_eq!(text(get(&app, "/", &[]).await).await, "true");
}
