//! HTTP/1.1 (RFC 9112) on one connection.

mod body;
mod close;
mod connection;
mod reader;
mod respond;
mod timer;
mod writer;

pub(crate) use connection::{Connection, serve};
