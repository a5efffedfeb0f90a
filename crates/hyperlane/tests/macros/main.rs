//! The attribute and derive macros, through apps that are called in memory.
#![cfg(feature = "macros")]
#![expect(clippy::unwrap_used, reason = "`unwrap` is how a test says what must hold")]

mod routes;
mod typed_path;

use hyperlane::{App, Body, Request, Server};

/// The app of a server on which `register` was called.
fn app(register: impl FnOnce(&Server)) -> App {
    let server = Server::new();
    register(&server);
    server.build().unwrap()
}

/// Status and text of the answer to a request.
async fn call(app: &App, method: &str, target: &str) -> (u16, String) {
    let request = http::Request::builder().method(method).uri(target).body(Body::empty());
    let mut response = app.call(Request::from(request.unwrap())).await;
    let bytes = response.body_mut().bytes().await.unwrap();
    (response.status().as_u16(), String::from_utf8(bytes.to_vec()).unwrap())
}

async fn get(app: &App, target: &str) -> (u16, String) {
    call(app, "GET", target).await
}
