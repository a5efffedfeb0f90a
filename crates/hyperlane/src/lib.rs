//! An asynchronous web framework: fast, safe by default, with one core and two styles of handler.
//!
//! A handler is an `async fn`. Its arguments are read from the request, the value it returns becomes the response;
//! or it takes the [`Context`], reads and sets what it likes there, and returns nothing. Both styles are one
//! mechanism and mix in one handler.
//!
//! ```no_run
//! use hyperlane::*;
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Error> {
//!     let server = Server::new();
//!     server.config(ServerConfig::new().port(8080));
//!     server.get("/hello/{name}", hello).post("/echo", echo);
//!     server.run().await?.wait().await;
//!     Ok(())
//! }
//!
//! async fn hello(Path(name): Path<String>) -> String {
//!     format!("hello {name}")
//! }
//!
//! async fn echo(ctx: Context, body: Bytes) {
//!     ctx.set_response_status_code(200).set_response_header("x-style", "context").set_response_body(body);
//! }
//! ```
//!
//! # The walk of a request
//!
//! [`Server`] collects routes, states and settings; [`Server::run`] freezes them to an immutable [`App`] and hands it
//! to the engine. For each request the engine calls the app, the app finds the endpoint (a handler, or the built-in
//! answer 400, 404, 405 or `OPTIONS`), the [`Handler`] reads its arguments through [`FromContext`], and what it
//! returns is made a [`Response`] by [`IntoResponse`].
//!
//! # Awaiting setters
//!
//! Constructors and setters do their work at once and return what they were called on. That value may be awaited, to
//! no effect: `ctx.set_response_status_code(200).await` and `ctx.set_response_status_code(200)` are the same. What
//! truly waits ([`Server::run`], [`Context::bytes`], [`Context::send_body`] …) is an `async fn`.
#![forbid(unsafe_code)]

mod app;
mod config;
mod context;
mod error;
mod exchange;
mod extract;
mod handler;
mod middleware;
mod routing;
mod server;
mod state;
mod version;

pub use app::App;
pub use config::ServerConfig;
pub use context::{Context, SendError};
pub use error::Error;
pub use exchange::Exchange;
#[cfg(feature = "json")]
pub use extract::Json;
pub use extract::{FromContext, Path, PeerAddr, Query, Rejection, Requirements, State};
pub use handler::Handler;
pub use middleware::{Middleware, Next, NextInput, NextService};
pub use routing::{Guard, HandlerOptions, Route, RouteArgs, RouteEntry, RouteTable, Router, Routes, TrailingSlash};
pub use server::Server;
pub use version::HttpVersion;

pub use bytes::Bytes;
pub use cookie::{Cookie, CookieBuilder, SameSite};
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
pub use hyperlane_core::{
    Body, BodyError, BodyErrorKind, BoxError, ConnectionInfo, HandlerPanic, Head, IntoResponse, InvalidHeader, Request,
    Response, Service, Upgraded,
};
pub use hyperlane_server::ServerHandle;

/// The README's programs, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
