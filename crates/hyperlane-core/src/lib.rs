//! Request, response, body and service: what integrations with hyperlane depend on.
//!
//! This crate holds the values that travel between the engine (`hyperlane-server`), the framework (`hyperlane`) and
//! anything that wants to stand between or beside them. It does no I/O and knows neither routes nor sockets.
//!
//! ```
//! use hyperlane_core::{Request, Response, Service};
//! use std::future::{Ready, ready};
//!
//! /// The smallest service: every request gets the same answer.
//! struct Hello;
//!
//! impl Service for Hello {
//!     type Future = Ready<Response>;
//!
//!     fn call(&self, request: Request) -> Self::Future {
//!         ready(Response::new(format!("hello from {}", request.head().path())))
//!     }
//! }
//! ```
#![forbid(unsafe_code)]

pub mod body;
mod connection;
mod connection_slot;
mod error;
mod head;
mod interim;
pub mod into_response;
mod invalid_header;
mod request;
mod response;
mod service;
mod tls;
mod upgrade;

pub use body::{Body, BodySender};
pub use bytes::Bytes;
pub use connection::{ConnectionInfo, Draining, GrantLease, Lease};
pub use connection_slot::ConnectionSlot;
pub use error::{BodyError, BodyErrorKind, BoxError};
pub use head::{Head, WireHead};
pub use interim::Interim;
pub use into_response::IntoResponse;
pub use invalid_header::InvalidHeader;
pub use request::Request;
pub use response::Response;
pub use service::{HandlerPanic, Service};
pub use tls::{TlsInfo, TlsVersion};
pub use upgrade::{ConnectProtocol, Upgrade, Upgraded};
