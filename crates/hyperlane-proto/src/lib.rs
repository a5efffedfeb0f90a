//! HTTP/1.1 as values and bytes, without sockets, clock or runtime: the protocol core of hyperlane.
//!
//! Everything here is a function from bytes to values or back. The engine owns the sockets and the
//! timers; it hands over what it has received and writes what it is given. That makes every rule of
//! the protocol testable in a unit test, and every input reproducible.
//!
//! In the walk of a request this crate is step 4 (parse: [`h1::HeadParser`], which ends by asking
//! `framing.rs` for the length of the body), the decoding of chunked bodies ([`h1::ChunkedDecoder`])
//! and step 9 (write: [`h1::encode_head`]).
//!
//! Two promises hold for everything that reads:
//!
//! - **Split independence.** The outcome depends on the bytes alone, not on the pieces in which they
//!   arrived. Of several faults the one that is certain at the earlier byte is reported; what is wrong with
//!   a field is certain when the head, or the trailer section, is complete.
//! - **Bounded work and memory.** Every length has a limit ([`HeadLimits`], [`ChunkLimits`]), and a
//!   peer that drips single bytes causes work linear in what it sent.
//!
//! ```
//! use hyperlane_proto::h1::{BodyLength, HeadParser, RequestHead};
//! use hyperlane_proto::HeadLimits;
//!
//! let received = b"POST /notes?draft=1 HTTP/1.1\r\nHost: example.org\r\nContent-Length: 5\r\n\r\nhello";
//! let mut head = RequestHead::default();
//! let complete = HeadParser::default().parse(received, &HeadLimits::default(), &mut head)?;
//!
//! assert!(complete);
//! assert_eq!(head.path.of(received), b"/notes");
//! assert_eq!(head.framing.body, BodyLength::Length(5));
//! assert_eq!(&received[head.len..], b"hello");
//! # Ok::<(), hyperlane_proto::Error>(())
//! ```

#![forbid(unsafe_code)]

mod date;
mod error;
pub mod h1;
pub mod h2;
pub mod h3;
mod limits;
#[cfg(feature = "websocket")]
pub mod websocket;

pub use date::format_http_date;
pub use error::{Error, ErrorKind};
pub use limits::{ChunkLimits, HeadLimits};
