//! Tests of an application in memory: requests through the real engine, without a port.
//!
//! A [`TestClient`] stands where the network is. What it sends is bytes of HTTP/1.1, the engine reads them as it reads
//! those of any client, and everything behind it is the application as it is served: limits, time-outs, framing,
//! middleware, and the handlers. Only the listener is missing.
//!
//! ```
//! use hyperlane::testing::TestClient;
//! use hyperlane::*;
//!
//! fn app() -> Server {
//!     let server = Server::new();
//!     server.get("/hello/{name}", async |Path(name): Path<String>| format!("hello {name}"));
//!     server
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let client = TestClient::new(app());
//! client.get("/hello/world").await.assert_status(200).assert_text("hello world").await;
//! client.get("/nothing").await.assert_status(404);
//! # }
//! ```
//!
//! # Streams
//!
//! A [`TestResponse`] is there as soon as its head is; [`chunk`](TestResponse::chunk) gives the pieces as they arrive,
//! [`events`](TestResponse::events) those of an event stream. Dropping a response before its end closes its connection,
//! as a client does that leaves: the handler learns of it.
//!
//! # Time
//!
//! All clocks of the engine are those of tokio, so that with `#[tokio::test(start_paused = true)]` (tokio's feature
//! `test-util`) a time-out of an hour is over at once.
//!
//! # Beyond requests
//!
//! `TestClient::websocket` opens a WebSocket (feature `websocket`), and [`TestRequest::upgrade`] leads out of HTTP to
//! whatever else. [`TestClient::connect`] gives a bare connection, for bytes that no client would send.

mod client;
mod connection;
mod cookies;
mod error;
mod event_stream;
mod events;
mod expect;
mod form;
mod reading;
mod redirect;
mod request;
mod response;
mod transport;
#[cfg(feature = "websocket")]
mod websocket;

pub use client::{TestApp, TestClient};
pub use error::TestError;
pub use event_stream::{Event, StreamItem};
pub use events::Events;
pub use form::TestForm;
pub use request::TestRequest;
pub use response::TestResponse;
pub use transport::TestConnection;
#[cfg(feature = "websocket")]
pub use websocket::{TestWebSocket, TestWebSocketRequest};
