//! HTTP/2 (RFC 9113) on one connection: the engine's rules around the `h2` crate, which does frames, streams, flow
//! control and header compression.
//!
//! A connection comes here from `h1/connection.rs`, where the preface stood in the place of a first request, or from
//! the TLS handshake that has agreed on `h2`. `connection.rs` drives it in the connection's own task: a request that
//! comes in is a future among others (`stream.rs`), which goes through `request.rs` (head), `body.rs` (request body),
//! `response.rs` (head of the response) and `send.rs` (its body), or ends in `upgrade.rs` (RFC 8441). Below the `h2` crate
//! stands `guard.rs`: it sees all bytes and stops floods, and what else has to end a connection.

mod body;
mod config;
mod connection;
mod failure;
mod guard;
pub(crate) mod request;
pub(crate) mod response;
mod send;
mod stream;
mod upgrade;

#[cfg(feature = "http3")]
pub(crate) use body::{Signals, allowed as allowed_trailers};
pub use config::Http2Config;
pub(crate) use connection::serve;
#[cfg(feature = "http3")]
pub(crate) use failure::{Announced, Failure};
pub(crate) use hyperlane_proto::h2::PREFACE;
