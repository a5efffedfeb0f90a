//! HTTP/1.1 (RFC 9112), the server's side.
//!
//! The order of a request's walk is the order of the files: `head.rs` reads the request line (with
//! `request_line.rs`) and the fields (with `fields.rs`), `framing.rs` (with `host.rs`) decides what they mean for the
//! connection, `chunked.rs` decodes the body, `encode.rs` writes the response.
//!
//! ```
//! use http::{HeaderMap, StatusCode, Version};
//! use hyperlane_proto::h1::{BodyEncoding, BodySize, ResponseContext, encode_head};
//!
//! let context = ResponseContext {
//!     version: Version::HTTP_11,
//!     head_request: false,
//!     keep_alive: true,
//!     accepts_trailers: false,
//! };
//! let date = hyperlane_proto::format_http_date(0);
//! let mut out = Vec::new();
//! let encoded =
//!     encode_head(&mut out, &context, StatusCode::OK, &HeaderMap::new(), BodySize::Known(2), &date);
//! assert_eq!(encoded.body, BodyEncoding::Length(2));
//! assert!(out.starts_with(b"HTTP/1.1 200 OK\r\n"));
//! ```

mod charset;
mod chunked;
mod encode;
mod fields;
mod framing;
mod head;
mod host;
mod request_line;
mod span;

pub use chunked::{Chunk, ChunkedDecoder, Decoded, is_allowed_in_trailers};
pub use encode::{
    BodyEncoding, BodySize, CHUNK_END, CONTINUE, Encoded, ResponseContext, encode_chunk_head, encode_head,
    encode_informational, encode_last_chunk,
};
pub use framing::{BodyLength, Framing};
pub use head::{HeadParser, RequestHead, TargetForm};
pub use host::is_valid_host;
pub use span::{HeaderSpan, Span};
