//! A reverse proxy as a handler: requests go on to another server, answers come back, both as streams.
//!
//! It stands where a handler stands, step 8 of the walk: routes, middleware and limits are those of any handler. Both
//! messages are read and written anew, so that what one side frames oddly can't mean something else to the other: there
//! is no way to smuggle a request through.
//!
//! ```no_run
//! use hyperlane::reverse_proxy::ReverseProxy;
//! use hyperlane::*;
//!
//! # fn app() -> Result<Server, Error> {
//! let server = Server::new();
//! server
//!     .route("/api/{*rest}", ReverseProxy::to("http://127.0.0.1:9000")?.strip_prefix("/api"))
//!     .route("/legacy/{*rest}", ReverseProxy::to("unix:/run/legacy.sock")?);
//! # Ok(server) }
//! ```
//!
//! # What is changed on the way
//!
//! - Fields that concern one connection only are taken out, both ways, with all that `Connection` names (RFC 9110
//!   §7.6.1). `Expect` is answered here: the client is asked for its body once the upstream is connected.
//! - `Host` is that of the upstream, unless [`preserve_host`](ReverseProxy::preserve_host) is set.
//! - `Forwarded`, `X-Forwarded-*` and `X-Real-IP` of the client are replaced by what is known here, unless
//!   [`forwarded`](ReverseProxy::forwarded) says otherwise.
//! - `Via` is added to requests (RFC 9110 §7.6.3); beyond 20 entries it is a loop, and answered 508.
//! - A path with dot segments, plain or encoded, is refused with 400: behind the proxy it would lead elsewhere than the
//!   routes in front of it say.
//!
//! # What is answered when the upstream fails
//!
//! `502` where it can't be reached or does not speak HTTP properly, `504` where it takes too long, as
//! [`Problem`](crate::Problem)s without any detail: that is for the log. Once the answer has begun it can only be broken
//! off, so that nobody takes a part for the whole.

mod balance;
mod connector;
mod failure;
mod fields;
mod forward;
mod proxy;
mod request_body;
mod response_body;
mod target;
mod tunnel;
mod upgrade;
mod upstream;

pub use fields::Forwarded;
pub use proxy::{ProxyArgs, ReverseProxy};
pub use upstream::InvalidUpstream;

/// The program of the guide, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/guide/reverse-proxy.md")]
struct Guide;
