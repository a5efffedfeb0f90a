//! HTTP/3 (RFC 9114): the engine's rules around the `h3` crate, which does frames and header compression, over QUIC by
//! `quinn`. Needs the cargo feature `http3`.
//!
//! A listener with TLS has a second door for it, the same port over UDP (`door.rs`), with the same certificates,
//! service and limits; the responses that go out through the first one tell of it (`advertise.rs`). A connection
//! (`connection.rs`) is a task; a request that comes in is a future among others in it (`stream.rs`), which goes through
//! `body.rs` (request body) and `send.rs` (response). Heads are read and written as those of HTTP/2. Below the `h3`
//! crate stands `quic/`: it looks at all frames and stops what must not be kept in memory, and the streams that end
//! without being finished are reset there.

mod advertise;
mod body;
mod config;
mod connection;
mod door;
mod quic;
mod send;
mod stream;

pub(crate) use advertise::Advertising;
pub use config::Http3Config;
pub(crate) use door::{Door, Inside};
