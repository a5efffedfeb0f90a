//! What the fields of a head mean for the body and the connection.
//!
//! The end of step 4 of the walk, and the only place that decides how long a request's body is. Two
//! servers on one path that disagree about that length can be made to see different requests (request
//! smuggling, RFC 9112 §11.2). So there is one answer or none: whatever is doubtful is an error.
//!
//! ```
//! use hyperlane_proto::h1::{BodyLength, HeadParser, RequestHead};
//! use hyperlane_proto::{ErrorKind, HeadLimits};
//!
//! let parse = |fields: &str| {
//!     let bytes = format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
//!     let mut head = RequestHead::default();
//!     HeadParser::default().parse(bytes.as_bytes(), &HeadLimits::default(), &mut head).map(|_| head.framing)
//! };
//! assert_eq!(parse("Transfer-Encoding: chunked\r\n")?.body, BodyLength::Chunked);
//! assert_eq!(
//!     parse("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n").unwrap_err().kind(),
//!     ErrorKind::ContentLengthWithTransferEncoding,
//! );
//! # Ok::<(), hyperlane_proto::Error>(())
//! ```

use http::Version;

use super::charset::{is_token, list_elements};
use super::head::RequestHead;
use super::host::{self, Port};
use super::span::Span;
use crate::{Error, ErrorKind};

/// The length of a request's body (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyLength {
    /// No body: neither field is there, or the length is 0.
    #[default]
    Empty,
    /// So many bytes, at least 1.
    Length(u64),
    /// Chunks, to be decoded by [`ChunkedDecoder`](super::ChunkedDecoder).
    Chunked,
}

/// What a head says about the body and the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Framing {
    /// The length of the body.
    pub body: BodyLength,
    /// Whether the client lets the connection live on after the response (RFC 9112 §9.3).
    pub keep_alive: bool,
    /// Whether the client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1). Never
    /// without a body, nor in HTTP/1.0.
    pub expect_continue: bool,
    /// Whether the client offers another protocol: HTTP/1.1 with `Connection: upgrade` and an Upgrade
    /// field (RFC 9110 §7.8).
    pub upgrade: bool,
    /// Whether the client says `TE: trailers` (RFC 9110 §10.1.4).
    pub accepts_trailers: bool,
}

/// Decides the framing of a head whose other parts are complete, and sets its `host`.
pub(super) fn decide(buf: &[u8], head: &mut RequestHead) -> Result<Framing, Error> {
    let mut seen = Seen::default();
    for header in &head.headers {
        seen.field(header.name.of(buf), header.value, buf)?;
    }
    let http_11 = head.version == Version::HTTP_11;

    if seen.host.is_none() && http_11 {
        return Err(Error::new(ErrorKind::MissingHost));
    }
    head.host = head.authority.or(seen.host);

    let body = seen.body(http_11)?;
    Ok(Framing {
        body,
        keep_alive: !seen.close && (http_11 || seen.keep_alive),
        expect_continue: seen.expect_continue && http_11 && body != BodyLength::Empty,
        upgrade: http_11 && seen.connection_upgrade && seen.upgrade_field,
        accepts_trailers: seen.accepts_trailers,
    })
}

/// Reads a Content-Length: `1*DIGIT` below 2^64 (RFC 9110 §8.6).
pub(super) fn content_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0_u64, |length, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        length.checked_mul(10)?.checked_add(digit)
    })
}

/// What one pass over the fields finds.
#[derive(Default)]
struct Seen {
    host: Option<Span>,
    content_length: Option<u64>,
    coding: Coding,
    close: bool,
    keep_alive: bool,
    connection_upgrade: bool,
    upgrade_field: bool,
    expect_continue: bool,
    accepts_trailers: bool,
}

/// The transfer codings so far, over all Transfer-Encoding fields.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Coding {
    /// No such field.
    #[default]
    None,
    /// `chunked` alone.
    Chunked,
    /// Others, not yet ended by `chunked`.
    Others,
    /// Others, then `chunked`.
    OthersThenChunked,
    /// Nothing that can still become right.
    Invalid,
}

impl Seen {
    /// Names are told apart by their length first: most fields of a request are none of these.
    #[inline]
    fn field(&mut self, name: &[u8], span: Span, buf: &[u8]) -> Result<(), Error> {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        let value = || span.of(buf);
        match name.len() {
            2 if is(b"te") => {
                self.accepts_trailers |=
                    list_elements(value()).any(|element| element.eq_ignore_ascii_case(b"trailers"));
            }
            4 if is(b"host") => {
                if self.host.is_some() {
                    return Err(Error::new(ErrorKind::DuplicateHost));
                }
                if !host::is_valid(value(), Port::Optional) {
                    return Err(Error::new(ErrorKind::InvalidHost));
                }
                self.host = Some(span);
            }
            6 if is(b"expect") => {
                if !value().eq_ignore_ascii_case(b"100-continue") {
                    return Err(Error::new(ErrorKind::UnsupportedExpectation));
                }
                self.expect_continue = true;
            }
            7 if is(b"upgrade") => self.upgrade_field |= !span.is_empty(),
            10 if is(b"connection") => self.connection(value()),
            14 if is(b"content-length") => {
                if self.content_length.is_some() {
                    return Err(Error::new(ErrorKind::DuplicateContentLength));
                }
                let length = content_length(value()).ok_or(Error::new(ErrorKind::InvalidContentLength))?;
                self.content_length = Some(length);
            }
            17 if is(b"transfer-encoding") => {
                for element in list_elements(value()) {
                    self.coding = self.coding.then(element);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn connection(&mut self, value: &[u8]) {
        for option in list_elements(value) {
            match option.len() {
                5 if option.eq_ignore_ascii_case(b"close") => self.close = true,
                10 if option.eq_ignore_ascii_case(b"keep-alive") => self.keep_alive = true,
                7 if option.eq_ignore_ascii_case(b"upgrade") => self.connection_upgrade = true,
                _ => {}
            }
        }
    }

    fn body(&self, http_11: bool) -> Result<BodyLength, Error> {
        if self.coding != Coding::None {
            if self.content_length.is_some() {
                return Err(Error::new(ErrorKind::ContentLengthWithTransferEncoding));
            }
            if !http_11 {
                return Err(Error::new(ErrorKind::TransferEncodingInHttp10));
            }
        }
        match (self.coding, self.content_length) {
            (Coding::None, None | Some(0)) => Ok(BodyLength::Empty),
            (Coding::None, Some(length)) => Ok(BodyLength::Length(length)),
            (Coding::Chunked, _) => Ok(BodyLength::Chunked),
            (Coding::OthersThenChunked, _) => Err(Error::new(ErrorKind::UnsupportedTransferCoding)),
            (Coding::Others | Coding::Invalid, _) => Err(Error::new(ErrorKind::InvalidTransferEncoding)),
        }
    }
}

impl Coding {
    /// With one more list element (RFC 9112 §6.1: `chunked` once, last, and without parameters, §7.1).
    fn then(self, element: &[u8]) -> Self {
        let name = element
            .split(|byte| matches!(byte, b';' | b' ' | b'\t'))
            .next()
            .unwrap_or_default();
        if !is_token(name) {
            return Self::Invalid;
        }
        let chunked = name.eq_ignore_ascii_case(b"chunked");
        match self {
            _ if chunked && name.len() < element.len() => Self::Invalid,
            Self::None if chunked => Self::Chunked,
            Self::Others if chunked => Self::OthersThenChunked,
            Self::None | Self::Others => Self::Others,
            Self::Chunked | Self::OthersThenChunked | Self::Invalid => Self::Invalid,
        }
    }
}
