//! Requests to an app in memory, and helpers for streams and codings.

use hyperlane::{App, Body, Context, Request, Response, Server};

/// Builds an app out of what `register` registers.
pub(crate) fn app(register: impl FnOnce(&Server)) -> App {
    let server = Server::new();
    register(&server);
    server.build().unwrap()
}

/// A request with headers.
pub(crate) fn request(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> http::Request<Body> {
    let mut request = http::Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

pub(crate) async fn call(app: &App, request: impl Into<Request>) -> Response {
    app.call(request.into()).await
}

pub(crate) async fn get(app: &App, target: &str, headers: &[(&str, &str)]) -> Response {
    call(app, request("GET", target, headers, "")).await
}

pub(crate) async fn post(app: &App, target: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    call(app, request("POST", target, headers, body)).await
}

/// A header's value; an empty one where it is missing.
pub(crate) fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

pub(crate) async fn bytes(mut response: Response) -> Vec<u8> {
    response.body_mut().bytes().await.unwrap().to_vec()
}

pub(crate) async fn text(response: Response) -> String {
    String::from_utf8(bytes(response).await).unwrap()
}

/// The length that the response announces, if any.
pub(crate) fn length(response: &Response) -> Option<u64> {
    http_body::Body::size_hint(response.body()).exact()
}

/// A handler that streams three pieces, and leaves time between them.
pub(crate) async fn three_pieces(ctx: Context) {
    ctx.set_response_header("content-type", "text/plain");
    for piece in ["one ", "two ", "three"] {
        ctx.set_response_body(piece).send_body().await.unwrap();
        tokio::task::yield_now().await;
    }
}

/// Lets everything that can run do so.
pub(crate) async fn settle() {
    for _ in 0..32 {
        tokio::task::yield_now().await;
    }
}
