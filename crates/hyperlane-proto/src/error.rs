//! What is wrong with a peer's bytes, and which status answers it.
//!
//! Everything that reads returns this one [`Error`]. After it the connection has no trustworthy
//! position any more: the engine sends [`Error::status`] and closes.
//!
//! ```
//! use hyperlane_proto::h1::{HeadParser, RequestHead};
//! use hyperlane_proto::{ErrorKind, HeadLimits};
//!
//! let bytes = b"GET / HTTP/1.1\n";
//! let mut head = RequestHead::default();
//! let error = HeadParser::default().parse(bytes, &HeadLimits::default(), &mut head).unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::BareLineFeed);
//! assert_eq!(error.status(), 400);
//! ```

use std::fmt;

use http::StatusCode;

/// A fault in what a peer sent.
///
/// Small and `Copy`: it is made on the path of every attack, and must cost nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    /// The limit that was exceeded, for kinds that are about one.
    limit: usize,
}

/// Which rule was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A line ended with LF alone (RFC 9112 §2.2 lets a server accept it; we do not, because two
    /// readers that disagree about it can be played against each other).
    BareLineFeed,
    /// A CR not followed by LF (RFC 9112 §2.2).
    BareCarriageReturn,
    /// The method is empty or not a token (RFC 9110 §9.1).
    InvalidMethod,
    /// The request target is empty, has a forbidden byte, or a form the method does not allow
    /// (RFC 9112 §3.2).
    InvalidTarget,
    /// The request line does not end with `HTTP/` digit `.` digit (RFC 9112 §2.3).
    InvalidVersion,
    /// A well-formed version with a major number other than 1 (RFC 9110 §15.6.6).
    UnsupportedVersion,
    /// The request line exceeds its limit.
    RequestLineTooLong,
    /// The head exceeds its limit.
    HeadTooLarge,
    /// The head has more field lines than its limit.
    TooManyHeaders,
    /// A field line starts with the colon.
    EmptyHeaderName,
    /// A field name has a byte that is no token character (RFC 9110 §5.1).
    InvalidHeaderName,
    /// A field name is longer than 65535 bytes, more than an `http::HeaderName` can hold.
    HeaderNameTooLong,
    /// Whitespace in or after a field name (RFC 9112 §5.1).
    WhitespaceInHeaderName,
    /// A field line without a colon.
    MissingColon,
    /// A line that starts with whitespace: obsolete line folding (RFC 9112 §5.2).
    ObsoleteLineFolding,
    /// A control byte in a field value (RFC 9110 §5.5).
    InvalidHeaderValue,
    /// An HTTP/1.1 request without Host (RFC 9112 §3.2).
    MissingHost,
    /// More than one Host (RFC 9112 §3.2).
    DuplicateHost,
    /// A Host that is not `host [":" port]` (RFC 9110 §7.2).
    InvalidHost,
    /// A Content-Length that is not one decimal number below 2^64 (RFC 9110 §8.6).
    InvalidContentLength,
    /// More than one Content-Length, equal or not (RFC 9112 §6.3).
    DuplicateContentLength,
    /// Content-Length beside Transfer-Encoding (RFC 9112 §6.3).
    ContentLengthWithTransferEncoding,
    /// Transfer-Encoding in HTTP/1.0 (RFC 9112 §6.1).
    TransferEncodingInHttp10,
    /// A Transfer-Encoding whose final coding is not a single plain `chunked` (RFC 9112 §6.3).
    InvalidTransferEncoding,
    /// Codings before the final `chunked`, which this server does not decode (RFC 9112 §6.1).
    UnsupportedTransferCoding,
    /// An Expect other than `100-continue` (RFC 9110 §10.1.1).
    UnsupportedExpectation,
    /// A chunk size that is not 1 to 16 hexadecimal digits (RFC 9112 §7.1).
    InvalidChunkSize,
    /// A chunk extension that breaks the grammar (RFC 9112 §7.1.1).
    InvalidChunkExtension,
    /// A chunk-size line exceeds its limit.
    ChunkSizeLineTooLong,
    /// The chunk extensions of one body exceed their limit.
    ChunkExtensionsTooLarge,
    /// Chunk data that is not followed by CRLF (RFC 9112 §7.1).
    MissingChunkEnd,
    /// The trailer section exceeds its limit.
    TrailersTooLarge,
    /// The trailer section has more field lines than its limit.
    TooManyTrailers,
}

impl Error {
    pub(crate) const fn new(kind: ErrorKind) -> Self {
        Self { kind, limit: 0 }
    }

    pub(crate) const fn exceeded(kind: ErrorKind, limit: usize) -> Self {
        Self { kind, limit }
    }

    /// Which rule was broken.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The status that answers this fault: 400, or a more telling one where RFC 9110 §15 has it.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        use ErrorKind as K;
        match self.kind {
            K::RequestLineTooLong => StatusCode::URI_TOO_LONG,
            K::UnsupportedExpectation => StatusCode::EXPECTATION_FAILED,
            K::HeadTooLarge | K::TooManyHeaders | K::HeaderNameTooLong | K::TrailersTooLarge | K::TooManyTrailers => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            K::UnsupportedTransferCoding => StatusCode::NOT_IMPLEMENTED,
            K::UnsupportedVersion => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ErrorKind as K;
        let limit = self.limit;
        f.write_str(match self.kind {
            K::BareLineFeed => "line ends with a bare LF, end it with CRLF",
            K::BareCarriageReturn => "CR is not followed by LF, end lines with CRLF",
            K::InvalidMethod => "method is not a token followed by one space",
            K::InvalidTarget => "request target is malformed or not allowed with this method",
            K::InvalidVersion => "request line does not end with a version such as HTTP/1.1",
            K::UnsupportedVersion => "HTTP version is not supported, use HTTP/1.1",
            K::RequestLineTooLong => {
                return write!(f, "request line exceeds {limit} bytes, shorten the target");
            }
            K::HeadTooLarge => {
                return write!(f, "request head exceeds {limit} bytes, send fewer or shorter headers");
            }
            K::TooManyHeaders => {
                return write!(f, "request head exceeds {limit} headers, send fewer");
            }
            K::EmptyHeaderName => "header name is empty, put a name before the colon",
            K::InvalidHeaderName => "header name contains a byte that is not a token character",
            K::HeaderNameTooLong => return write!(f, "header name exceeds {limit} bytes, shorten it"),
            K::WhitespaceInHeaderName => "header name contains or is followed by whitespace, remove it",
            K::MissingColon => "header line has no colon, put one after the name",
            K::ObsoleteLineFolding => "header line starts with whitespace, send each header on one line",
            K::InvalidHeaderValue => "header value contains a control byte, remove or encode it",
            K::MissingHost => "host header is missing, HTTP/1.1 requires exactly one",
            K::DuplicateHost => "host header is repeated, send exactly one",
            K::InvalidHost => "host header is not a host with an optional port",
            K::InvalidContentLength => "content-length is not one decimal number below 2^64",
            K::DuplicateContentLength => "content-length is repeated, send exactly one",
            K::ContentLengthWithTransferEncoding => {
                "content-length and transfer-encoding exclude each other, send one of them"
            }
            K::TransferEncodingInHttp10 => "transfer-encoding is not allowed in HTTP/1.0, send content-length",
            K::InvalidTransferEncoding => "transfer-encoding does not end with one plain chunked",
            K::UnsupportedTransferCoding => {
                "transfer-encoding other than chunked is not supported, use content-encoding"
            }
            K::UnsupportedExpectation => "expectation is not supported, only 100-continue is",
            K::InvalidChunkSize => "chunk size is not 1 to 16 hexadecimal digits",
            K::InvalidChunkExtension => "chunk extension is malformed",
            K::ChunkSizeLineTooLong => {
                return write!(f, "chunk size line exceeds {limit} bytes, send shorter extensions");
            }
            K::ChunkExtensionsTooLarge => {
                return write!(f, "chunk extensions exceed {limit} bytes in one body, send fewer");
            }
            K::MissingChunkEnd => "chunk data is not followed by CRLF, check the chunk size",
            K::TrailersTooLarge => {
                return write!(f, "trailers exceed {limit} bytes, send fewer or shorter ones");
            }
            K::TooManyTrailers => return write!(f, "trailers exceed {limit} fields, send fewer"),
        })
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}: {self})", self.kind)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_names_the_limit_and_what_to_do() {
        let error = Error::exceeded(ErrorKind::RequestLineTooLong, 8192);
        assert_eq!(error.to_string(), "request line exceeds 8192 bytes, shorten the target");
    }

    #[test]
    fn is_no_larger_than_two_words() {
        assert!(size_of::<Error>() <= 2 * size_of::<usize>());
    }
}
