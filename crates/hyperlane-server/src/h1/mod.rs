//! HTTP/1.1 (RFC 9112) on one connection.

pub(crate) mod body;
mod call;
mod close;
mod connection;
mod interim;
#[cfg(feature = "http2")]
mod preface;
mod reader;
mod respond;
pub(crate) mod timer;
mod writer;

pub(crate) use connection::{Connection, serve};
