//! The head of a response, and the frame of its body.
//!
//! Step 9 of the walk, and the only place that writes the fields that frame a message. What a handler
//! has set of these is a hint: the length comes from the body, and nothing is written twice or in
//! contradiction. The head is appended to a buffer that the engine reuses.
//!
//! ```
//! use http::{HeaderMap, StatusCode, Version};
//! use hyperlane_proto::h1::{BodyEncoding, BodySize, ResponseContext, encode_head};
//!
//! let context = ResponseContext {
//!     version: Version::HTTP_10,
//!     head_request: false,
//!     keep_alive: true,
//!     accepts_trailers: false,
//! };
//! let date = hyperlane_proto::format_http_date(784_111_777);
//! let mut out = Vec::new();
//! let encoded = encode_head(&mut out, &context, StatusCode::OK, &HeaderMap::new(), BodySize::Unknown, &date);
//!
//! assert_eq!(encoded.body, BodyEncoding::UntilClose);
//! assert_eq!(out, b"HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\nconnection: close\r\n\r\n");
//! ```

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};

use super::charset::list_elements;
use super::chunked::is_allowed_in_trailers;
use super::framing::content_length;

/// The whole answer to a client that waits with its body (RFC 9110 §10.1.1). Not for HTTP/1.0.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What ends the data of a chunk (RFC 9112 §7.1).
pub const CHUNK_END: &[u8] = b"\r\n";

/// What about the request decides how its response is framed.
#[derive(Clone, Copy, Debug)]
pub struct ResponseContext {
    /// The version of the request. A response says HTTP/1.1 in any case (RFC 9110 §2.5), but an older
    /// client gets no chunks.
    pub version: Version,
    /// Whether the method was HEAD: a response without its body (RFC 9110 §9.3.2).
    pub head_request: bool,
    /// Whether the request allows the connection to live on, and the server wants that.
    pub keep_alive: bool,
    /// Whether the request said `TE: trailers`.
    pub accepts_trailers: bool,
}

/// What is known about the length of a response's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodySize {
    /// So many bytes.
    Known(u64),
    /// A stream that ends when it ends.
    Unknown,
}

/// How the body must now be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyEncoding {
    /// No byte of a body may follow the head.
    None,
    /// Exactly so many bytes must follow.
    Length(u64),
    /// As chunks: [`encode_chunk_head`], data, [`CHUNK_END`], and at the end [`encode_last_chunk`].
    Chunked,
    /// As it is; closing the connection ends it.
    UntilClose,
}

/// What [`encode_head`] decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// How the body must be written.
    pub body: BodyEncoding,
    /// Whether the connection speaks HTTP on after this response. False after 101, when it belongs to
    /// the other protocol, though it is not to be closed.
    pub keep_alive: bool,
}

/// Appends the head of a final response, or of 101, to `dst`.
///
/// From `headers`, these are not copied: `content-length`, `transfer-encoding`, `connection` and
/// `keep-alive`; `trailer`, but for a chunked body to a client that accepts trailers; `upgrade`, but
/// with 101 and 426. Of them, these have an effect: `connection: close` ends the connection; a valid
/// `content-length` is what a HEAD request or a 304 reports when the body itself is empty. `date` is
/// written unless it is in `headers`.
///
/// An interim status other than 101 is no final response, and a client would wait for another. It is
/// written all the same, and ends the connection; interim responses are for [`encode_informational`].
pub fn encode_head<'h>(
    dst: &mut Vec<u8>,
    cx: &ResponseContext,
    status: StatusCode,
    headers: impl IntoIterator<Item = (&'h HeaderName, &'h HeaderValue)>,
    body: BodySize,
    date: &[u8; 29],
) -> Encoded {
    let mut encoded = decide(cx, status, body);
    let with_trailers = encoded.body == BodyEncoding::Chunked && cx.accepts_trailers;
    let with_upgrade = matches!(status, StatusCode::SWITCHING_PROTOCOLS | StatusCode::UPGRADE_REQUIRED);

    encode_status_line(dst, status);
    let mut hints = Hints::default();
    for (name, value) in headers {
        // The most usual one, and often the only one.
        if name == CONTENT_TYPE {
            encode_value(dst, b"content-type: ", value);
            continue;
        }
        let copied = match name.as_str() {
            "content-length" => hints.content_length(value),
            "connection" => hints.connection(value),
            "transfer-encoding" | "keep-alive" => false,
            "trailer" => with_trailers,
            "upgrade" => {
                hints.upgrade |= with_upgrade;
                with_upgrade
            }
            "date" => {
                hints.date = true;
                true
            }
            _ => true,
        };
        if copied {
            encode_field(dst, name, value);
        }
    }
    encoded.keep_alive &= !hints.close;

    match reported_length(cx, status, body, &hints) {
        Reported::Length(length) => {
            dst.extend_from_slice(b"content-length: ");
            dst.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
            dst.extend_from_slice(b"\r\n");
        }
        Reported::Chunked => dst.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Reported::Nothing => {}
    }
    if !hints.date {
        dst.extend_from_slice(b"date: ");
        dst.extend_from_slice(date);
        dst.extend_from_slice(b"\r\n");
    }
    if let Some(field) = connection_field(cx, status, encoded.keep_alive, hints.upgrade) {
        dst.extend_from_slice(field);
    }
    dst.extend_from_slice(b"\r\n");
    encoded
}

/// Appends an interim response such as 103 Early Hints (RFC 9110 §15.2). Returns whether it did.
///
/// Fields that frame a message are not copied. Nothing is written if `status` is not 1xx or is 101,
/// which are for [`encode_head`]. The caller must not send it to an HTTP/1.0 client.
pub fn encode_informational(dst: &mut Vec<u8>, status: StatusCode, headers: &HeaderMap) -> bool {
    if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
        return false;
    }
    encode_status_line(dst, status);
    for (name, value) in headers {
        if !matches!(
            name.as_str(),
            "content-length" | "transfer-encoding" | "connection" | "keep-alive" | "trailer" | "upgrade"
        ) {
            encode_field(dst, name, value);
        }
    }
    dst.extend_from_slice(b"\r\n");
    true
}

/// Appends the line before `len` bytes of chunk data; [`CHUNK_END`] goes after them.
///
/// Empty data must be skipped by the caller: a chunk of size 0 is the end of the body.
pub fn encode_chunk_head(dst: &mut Vec<u8>, len: usize) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // As long as the longest length and its line end. Filled from behind, and copied at once.
    let mut line = [b'0'; size_of::<usize>() * 2 + 2];
    let mut begin = line.len() - 2;
    let mut rest = len;
    loop {
        begin -= 1;
        line[begin] = DIGITS[rest & 0xf];
        rest >>= 4;
        if rest == 0 {
            break;
        }
    }
    let end = line.len();
    line[end - 2..].copy_from_slice(b"\r\n");
    dst.extend_from_slice(&line[begin..]);
}

/// Appends what ends a chunked body, with `trailers` if the client accepts them.
///
/// Fields that RFC 9110 §6.5.1 forbids in trailers are left out.
pub fn encode_last_chunk(dst: &mut Vec<u8>, trailers: Option<&HeaderMap>) {
    dst.extend_from_slice(b"0\r\n");
    for (name, value) in trailers.into_iter().flatten() {
        if is_allowed_in_trailers(name) {
            encode_field(dst, name, value);
        }
    }
    dst.extend_from_slice(b"\r\n");
}

/// What a handler's framing fields ask for.
#[derive(Default)]
struct Hints {
    length: LengthHint,
    close: bool,
    upgrade: bool,
    date: bool,
}

#[derive(Default)]
enum LengthHint {
    #[default]
    None,
    Valid(u64),
    /// Malformed, or more than one.
    Invalid,
}

impl Hints {
    /// Returns false: the field is not copied.
    fn content_length(&mut self, value: &HeaderValue) -> bool {
        self.length = match (&self.length, content_length(value.as_bytes())) {
            (LengthHint::None, Some(length)) => LengthHint::Valid(length),
            _ => LengthHint::Invalid,
        };
        false
    }

    /// Returns false: the field is not copied.
    fn connection(&mut self, value: &HeaderValue) -> bool {
        self.close |= list_elements(value.as_bytes()).any(|option| option.eq_ignore_ascii_case(b"close"));
        false
    }
}

/// What the head says about the length of the body.
enum Reported {
    Nothing,
    Length(u64),
    Chunked,
}

/// How the body goes out (RFC 9112 §6.3), before the handler's hints.
fn decide(cx: &ResponseContext, status: StatusCode, body: BodySize) -> Encoded {
    let mut keep_alive = cx.keep_alive && !status.is_informational();
    let body = match body {
        _ if cx.head_request || is_bodiless(status) => BodyEncoding::None,
        BodySize::Known(length) => BodyEncoding::Length(length),
        BodySize::Unknown if cx.version < Version::HTTP_11 => {
            keep_alive = false;
            BodyEncoding::UntilClose
        }
        BodySize::Unknown => BodyEncoding::Chunked,
    };
    Encoded { body, keep_alive }
}

/// Statuses whose responses never have a body (RFC 9110 §6.4.1, and §15.3.6 for 205).
fn is_bodiless(status: StatusCode) -> bool {
    status.is_informational()
        || matches!(
            status,
            StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
        )
}

fn reported_length(cx: &ResponseContext, status: StatusCode, body: BodySize, hints: &Hints) -> Reported {
    // RFC 9110 §8.6: never with 1xx and 204; with 304 only what a 200 would have had.
    if status.is_informational() || status == StatusCode::NO_CONTENT {
        return Reported::Nothing;
    }
    if status == StatusCode::RESET_CONTENT {
        return Reported::Length(0);
    }
    if status == StatusCode::NOT_MODIFIED {
        return match hints.length {
            LengthHint::Valid(length) => Reported::Length(length),
            _ => Reported::Nothing,
        };
    }
    match (body, &hints.length) {
        (BodySize::Known(0), &LengthHint::Valid(length)) if cx.head_request => Reported::Length(length),
        (BodySize::Known(length), _) => Reported::Length(length),
        (BodySize::Unknown, _) if cx.version < Version::HTTP_11 => Reported::Nothing,
        (BodySize::Unknown, _) => Reported::Chunked,
    }
}

fn connection_field(
    cx: &ResponseContext,
    status: StatusCode,
    keep_alive: bool,
    upgrade: bool,
) -> Option<&'static [u8]> {
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Some(b"connection: upgrade\r\n");
    }
    match (upgrade, keep_alive) {
        (true, false) => Some(b"connection: upgrade, close\r\n"),
        (false, false) => Some(b"connection: close\r\n"),
        (true, true) if cx.version < Version::HTTP_11 => Some(b"connection: upgrade, keep-alive\r\n"),
        (false, true) if cx.version < Version::HTTP_11 => Some(b"connection: keep-alive\r\n"),
        (true, true) => Some(b"connection: upgrade\r\n"),
        (false, true) => None,
    }
}

fn encode_field(dst: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    let name = name.as_str().as_bytes();
    dst.reserve(name.len() + value.len() + 4);
    dst.extend_from_slice(name);
    encode_value(dst, b": ", value);
}

/// The rest of a field line, from `before` the value on.
#[inline]
fn encode_value<const N: usize>(dst: &mut Vec<u8>, before: &[u8; N], value: &HeaderValue) {
    dst.extend_from_slice(before);
    dst.extend_from_slice(value.as_bytes());
    dst.extend_from_slice(b"\r\n");
}

/// Always HTTP/1.1, the highest version we speak (RFC 9110 §2.5). A status without a registered
/// reason gets an empty one; the space before it stays (RFC 9112 §4).
#[inline]
fn encode_status_line(dst: &mut Vec<u8>, status: StatusCode) {
    // Apart, for a copy of a length that the compiler knows.
    if status == StatusCode::OK {
        return dst.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    }
    let line: &[u8] = match status {
        StatusCode::CREATED => b"HTTP/1.1 201 Created\r\n",
        StatusCode::NO_CONTENT => b"HTTP/1.1 204 No Content\r\n",
        StatusCode::NOT_MODIFIED => b"HTTP/1.1 304 Not Modified\r\n",
        StatusCode::BAD_REQUEST => b"HTTP/1.1 400 Bad Request\r\n",
        StatusCode::NOT_FOUND => b"HTTP/1.1 404 Not Found\r\n",
        StatusCode::INTERNAL_SERVER_ERROR => b"HTTP/1.1 500 Internal Server Error\r\n",
        _ => return encode_rare_status_line(dst, status),
    };
    dst.extend_from_slice(line);
}

#[cold]
fn encode_rare_status_line(dst: &mut Vec<u8>, status: StatusCode) {
    dst.extend_from_slice(b"HTTP/1.1 ");
    dst.extend_from_slice(status.as_str().as_bytes());
    dst.push(b' ');
    dst.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    dst.extend_from_slice(b"\r\n");
}
