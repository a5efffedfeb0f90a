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
mod forwarded;
mod handler;
pub mod middleware;
#[cfg(feature = "openapi")]
pub mod openapi;
mod response;
#[cfg(feature = "reverse-proxy")]
pub mod reverse_proxy;
mod routing;
mod server;
pub mod sse;
mod state;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tls")]
pub mod tls;
mod version;
mod watchdog;
#[cfg(feature = "websocket")]
pub mod websocket;

pub use app::App;
pub use config::ServerConfig;
pub use context::{Context, SendError, Task, TaskError};
pub use error::RunError;
pub use exchange::Exchange;
#[cfg(feature = "cookies")]
pub use extract::Cookies;
#[cfg(feature = "json")]
pub use extract::Json;
#[cfg(feature = "typed-headers")]
pub use extract::TypedHeader;
pub use extract::{
    Extension, Form, FromContext, MatchedPath, OriginalUri, Path, PeerAddr, Query, Rejection, RejectionKind,
    Requirements, State,
};
#[cfg(feature = "multipart")]
pub use extract::{Field, Multipart};
#[cfg(feature = "cookies-crypto")]
pub use extract::{PrivateCookies, SignedCookies};
#[cfg(feature = "validation")]
pub use extract::{Valid, Validatable};
pub use forwarded::{ClientIp, ForwardedHeader};
pub use handler::Handler;
pub use middleware::{Middleware, Next, NextInput, NextService};
pub use response::{Created, Either, Error, FieldError, FieldLocation, Html, NoContent, OrError, Problem, Redirect};
pub use routing::{
    Guard, HandlerOptions, OnDisconnect, Route, RouteArgs, RouteEntry, RouteTable, Router, Routes, TrailingSlash,
};
pub use server::Server;
#[cfg(feature = "tls")]
pub use tls::Tls;
pub use version::HttpVersion;

#[cfg(feature = "macros")]
#[doc(hidden)]
#[path = "macros.rs"]
pub mod __macros;

/// # Example
///
/// ```
/// use hyperlane::*;
///
/// /// One user.
/// #[get("/user/{id:u64}", name = "user")]
/// async fn user(Path(id): Path<u64>) -> String {
///     format!("user {id}")
/// }
///
/// #[route("/search", method = "GET", method = "POST")]
/// async fn search(ctx: Context) {
///     ctx.set_response_body("found");
/// }
///
/// let server = Server::new();
/// server.add((user, search)).get("/me/{id}", user);
/// # assert!(server.build().is_ok());
/// # async fn test() {
/// assert_eq!(user(Path(7)).await, "user 7");
/// # }
/// ```
#[cfg(feature = "macros")]
pub use hyperlane_macros::get;
#[cfg(feature = "macros")]
pub use hyperlane_macros::{delete, head, options, patch, post, put, route};

/// # Example of the derive macro
///
/// ```
/// use hyperlane::*;
///
/// #[derive(TypedPath)]
/// #[typed_path("/users/{id}/posts/{slug}")]
/// struct Post {
///     id: u64,
///     slug: String,
/// }
///
/// async fn post(Post { id, slug }: Post) -> String {
///     format!("{slug} of {id}")
/// }
///
/// let server = Server::new();
/// server.get(Post::PATTERN, post);
/// assert_eq!(Post { id: 7, slug: "a b".into() }.url(), "/users/7/posts/a%20b");
/// # assert!(server.build().is_ok());
/// ```
#[cfg(feature = "macros")]
pub use hyperlane_macros::TypedPath;
pub use hyperlane_router::{Constraint, Pattern, TypedPath, UrlError};

pub use bytes::Bytes;
#[cfg(feature = "cookies-crypto")]
pub use cookie::Key as CookieKey;
#[cfg(feature = "cookies")]
pub use cookie::{Cookie, CookieBuilder, SameSite};
#[cfg(feature = "typed-headers")]
pub use headers;
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
pub use hyperlane_core::into_response::{AppendHeaders, ErrorResponse, ResponsePart};
pub use hyperlane_core::{
    Body, BodyError, BodyErrorKind, BoxError, ConnectionInfo, HandlerPanic, Head, IntoResponse, InvalidHeader, Request,
    Response, Service, Upgraded,
};
#[cfg(all(unix, feature = "hand-over"))]
pub use hyperlane_server::HandOverError;
#[cfg(feature = "http2")]
pub use hyperlane_server::Http2Config;
#[cfg(feature = "http3")]
pub use hyperlane_server::Http3Config;
#[cfg(all(unix, feature = "processes"))]
pub use hyperlane_server::processes;
pub use hyperlane_server::{Address, AddressError, BindError, Listen, LocalAddr, Runtime, ServerHandle};

/// The README's programs, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
