//! Requests to an app in memory.

use std::task::{Context as TaskContext, Poll, Waker};

use hyperlane::{App, Body, Method, Request, Response, Server};

/// Builds an app out of what `register` registers.
pub(crate) fn app(register: impl FnOnce(&Server)) -> App {
    let server = Server::new();
    register(&server);
    server.build().unwrap()
}

pub(crate) fn request(method: Method, target: &str, body: impl Into<Body>) -> http::Request<Body> {
    http::Request::builder()
        .method(method)
        .uri(target)
        .body(body.into())
        .unwrap()
}

/// A response with its body read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        self.response
            .headers()
            .get_all(name)
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect()
    }
}

pub(crate) async fn call(app: &App, request: impl Into<Request>) -> Answer {
    let mut response = app.call(request.into()).await;
    let bytes = response.body_mut().bytes().await.unwrap();
    Answer {
        response,
        text: String::from_utf8(bytes.to_vec()).unwrap(),
    }
}

pub(crate) async fn get(app: &App, target: &str) -> Answer {
    call(app, request(Method::GET, target, "")).await
}

/// The response to `GET /` with its body not read.
pub(crate) async fn begin(app: &App) -> Response {
    app.call(request(Method::GET, "/", "").into()).await
}

/// The next piece of a body, which must not fail.
pub(crate) async fn chunk(body: &mut Body) -> Option<String> {
    body.chunk()
        .await
        .map(|chunk| String::from_utf8(chunk.unwrap().to_vec()).unwrap())
}

/// Polls once, waking nobody.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut TaskContext::from_waker(Waker::noop()))
}

/// The JSON document of an answer, of which the content type must be `application/problem+json`.
pub(crate) fn problem(answer: &Answer) -> serde_json::Value {
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{answer:?}"
    );
    let document: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(document["status"], answer.status());
    document
}

/// A `POST` with a body of this type.
pub(crate) fn post(target: &str, content_type: &str, body: impl Into<Body>) -> http::Request<Body> {
    let mut request = request(Method::POST, target, body);
    request
        .headers_mut()
        .insert("content-type", content_type.parse().unwrap());
    request
}
