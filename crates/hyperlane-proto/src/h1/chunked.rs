//! The chunked transfer coding of a request's body (RFC 9112 §7.1).
//!
//! Between steps 4 and 7 of the walk: the engine hands over what it has received, gets back where the
//! data lies, and copies nothing. The decoder is one state machine over single bytes, so the outcome does
//! not depend on how they arrived.
//!
//! ```
//! use hyperlane_proto::ChunkLimits;
//! use hyperlane_proto::h1::{Chunk, ChunkedDecoder};
//!
//! let mut decoder = ChunkedDecoder::new(ChunkLimits::default());
//! let (mut input, mut body) = (&b"5\r\nhello\r\n0\r\n\r\nGET /next"[..], Vec::new());
//! while !decoder.is_done() {
//!     let decoded = decoder.decode(input)?;
//!     if let Chunk::Data(range) = decoded.chunk {
//!         body.extend_from_slice(&input[range]);
//!     }
//!     input = &input[decoded.consumed..];
//! }
//! assert_eq!(body, b"hello");
//! assert_eq!(input, b"GET /next");
//! # Ok::<(), hyperlane_proto::Error>(())
//! ```

use std::ops::Range;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::charset::{CR, LF, TOKEN, VALUE};
use super::fields;
use crate::{ChunkLimits, Error, ErrorKind};

/// 64 bits.
const SIZE_DIGITS: u8 = 16;

/// What one call of [`ChunkedDecoder::decode`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Bytes of the input that are done with, the data of `chunk` included.
    pub consumed: usize,
    /// What they held.
    pub chunk: Chunk,
}

/// A step of a chunked body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// Data: the bytes of the input in this range, at least one. It need not be a whole chunk.
    Data(Range<usize>),
    /// The whole input is consumed and the body goes on.
    NeedMore,
    /// The body has ended, trailers included. What follows in the input is the next request's.
    End,
}

/// Decodes one chunked body.
#[derive(Debug)]
pub struct ChunkedDecoder {
    state: State,
    limits: ChunkLimits,
    /// The size being read, then the bytes of data still to come.
    remaining: u64,
    size_line_bytes: usize,
    extension_bytes: usize,
    /// Made when the first trailer field comes, which is hardly ever.
    trailers: Option<Box<Trailers>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So many digits of the size are read.
    Size(u8),
    /// Whitespace after the size or an extension's value: only `;` may follow (§7.1.1).
    BeforeSemicolon,
    ExtensionStart,
    ExtensionName,
    AfterExtensionName,
    ExtensionValueStart,
    ExtensionToken,
    ExtensionQuoted,
    ExtensionEscape,
    AfterExtensionQuoted,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    TrailerLine,
    EndLf,
    Done,
    Failed(Error),
}

impl ChunkedDecoder {
    /// A decoder at the start of a body.
    #[must_use]
    pub fn new(limits: ChunkLimits) -> Self {
        Self {
            state: State::Size(0),
            limits,
            remaining: 0,
            size_line_bytes: 0,
            extension_bytes: 0,
            trailers: None,
        }
    }

    /// Consumes framing up to the next data, the end, or the end of `input`.
    ///
    /// Call it with the bytes that were not consumed and whatever has come since, until it returns
    /// [`Chunk::End`]. From then on it consumes nothing.
    ///
    /// # Errors
    ///
    /// The first fault in the order of the bytes; data before it has been yielded. A decoder that failed
    /// keeps returning its error.
    pub fn decode(&mut self, input: &[u8]) -> Result<Decoded, Error> {
        let mut at = 0;
        loop {
            match self.state {
                State::Data if at < input.len() => return Ok(self.data(input, at)),
                State::Done => {
                    return Ok(Decoded {
                        consumed: at,
                        chunk: Chunk::End,
                    });
                }
                State::Failed(error) => return Err(error),
                _ => {}
            }
            let Some(&byte) = input.get(at) else {
                return Ok(Decoded {
                    consumed: at,
                    chunk: Chunk::NeedMore,
                });
            };
            self.state = self.step(byte).unwrap_or_else(State::Failed);
            at += 1;
        }
    }

    /// Whether the whole body has been decoded.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Bytes of the current chunk that its size line has announced and that have not been yielded yet.
    ///
    /// Added to what was received it tells that a body is over its limit before the bytes have come.
    #[must_use]
    pub fn announced(&self) -> u64 {
        if self.state == State::Data { self.remaining } else { 0 }
    }

    /// The trailer fields, once, after the end; `None` if there were none.
    ///
    /// Fields that RFC 9110 §6.5.1 forbids in trailers (those for framing, routing, authentication,
    /// request modifiers and content format) are checked for their grammar and then dropped.
    pub fn take_trailers(&mut self) -> Option<HeaderMap> {
        if !self.is_done() {
            return None;
        }
        let trailers = self.trailers.take()?;
        (!trailers.fields.is_empty()).then_some(trailers.fields)
    }

    fn data(&mut self, input: &[u8], at: usize) -> Decoded {
        let available = input.len() - at;
        let length = usize::try_from(self.remaining).map_or(available, |remaining| remaining.min(available));
        self.remaining -= length as u64;
        if self.remaining == 0 {
            self.state = State::DataCr;
        }
        Decoded {
            consumed: at + length,
            chunk: Chunk::Data(at..at + length),
        }
    }

    fn step(&mut self, byte: u8) -> Result<State, Error> {
        match self.state {
            State::Size(_)
            | State::BeforeSemicolon
            | State::ExtensionStart
            | State::ExtensionName
            | State::AfterExtensionName
            | State::ExtensionValueStart
            | State::ExtensionToken
            | State::ExtensionQuoted
            | State::ExtensionEscape
            | State::AfterExtensionQuoted => self.size_line(byte),
            State::SizeLf => {
                expect(byte, LF, ErrorKind::BareCarriageReturn)?;
                self.size_line_bytes = 0;
                Ok(if self.remaining == 0 {
                    State::TrailerStart
                } else {
                    State::Data
                })
            }
            State::DataCr => expect(byte, CR, ErrorKind::MissingChunkEnd).map(|()| State::DataLf),
            State::DataLf => expect(byte, LF, ErrorKind::MissingChunkEnd).map(|()| State::Size(0)),
            State::TrailerStart if byte == CR => Ok(State::EndLf),
            State::TrailerStart | State::TrailerLine => self.trailer(byte),
            State::EndLf => {
                expect(byte, LF, ErrorKind::BareCarriageReturn)?;
                if let Some(trailers) = &mut self.trailers {
                    trailers.finish()?;
                }
                Ok(State::Done)
            }
            state @ (State::Data | State::Done | State::Failed(_)) => Ok(state),
        }
    }

    fn size_line(&mut self, byte: u8) -> Result<State, Error> {
        let next = self.size_line_state(byte)?;
        if next == State::SizeLf {
            return Ok(next);
        }
        self.size_line_bytes += 1;
        if self.size_line_bytes > self.limits.size_line_bytes {
            return Err(Error::exceeded(
                ErrorKind::ChunkSizeLineTooLong,
                self.limits.size_line_bytes,
            ));
        }
        if !matches!(next, State::Size(_)) {
            self.extension_bytes += 1;
            if self.extension_bytes > self.limits.extension_bytes_total {
                return Err(Error::exceeded(
                    ErrorKind::ChunkExtensionsTooLarge,
                    self.limits.extension_bytes_total,
                ));
            }
        }
        Ok(next)
    }

    fn size_line_state(&mut self, byte: u8) -> Result<State, Error> {
        let blank = matches!(byte, b' ' | b'\t');
        let next = match (self.state, byte) {
            (_, LF) => return Err(Error::new(ErrorKind::BareLineFeed)),
            (State::Size(digits), _) => return self.size(digits, byte),
            (State::ExtensionName | State::ExtensionToken | State::AfterExtensionQuoted, CR) => State::SizeLf,
            (
                State::BeforeSemicolon
                | State::ExtensionName
                | State::AfterExtensionName
                | State::ExtensionToken
                | State::AfterExtensionQuoted,
                b';',
            ) => State::ExtensionStart,
            (State::ExtensionName | State::AfterExtensionName, b'=') => State::ExtensionValueStart,
            (State::ExtensionName | State::AfterExtensionName, _) if blank => State::AfterExtensionName,
            (State::BeforeSemicolon | State::ExtensionToken | State::AfterExtensionQuoted, _) if blank => {
                State::BeforeSemicolon
            }
            (state @ (State::ExtensionStart | State::ExtensionValueStart), _) if blank => state,
            (State::ExtensionStart | State::ExtensionName, _) if TOKEN.contains(byte) => State::ExtensionName,
            (State::ExtensionValueStart | State::ExtensionToken, _) if TOKEN.contains(byte) => State::ExtensionToken,
            (State::ExtensionValueStart, b'"') => State::ExtensionQuoted,
            (State::ExtensionQuoted, b'"') => State::AfterExtensionQuoted,
            (State::ExtensionQuoted, b'\\') => State::ExtensionEscape,
            (State::ExtensionQuoted | State::ExtensionEscape, _) if VALUE.contains(byte) => State::ExtensionQuoted,
            _ => return Err(Error::new(ErrorKind::InvalidChunkExtension)),
        };
        Ok(next)
    }

    fn size(&mut self, digits: u8, byte: u8) -> Result<State, Error> {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            CR if digits > 0 => return Ok(State::SizeLf),
            b';' if digits > 0 => return Ok(State::ExtensionStart),
            b' ' | b'\t' if digits > 0 => return Ok(State::BeforeSemicolon),
            _ => return Err(Error::new(ErrorKind::InvalidChunkSize)),
        };
        if digits == SIZE_DIGITS {
            return Err(Error::new(ErrorKind::InvalidChunkSize));
        }
        // The chunk before has left 0.
        self.remaining = self.remaining << 4 | u64::from(digit);
        Ok(State::Size(digits + 1))
    }

    /// Looks at line ends and limits only, as in a head; the fields are parsed at the end.
    fn trailer(&mut self, byte: u8) -> Result<State, Error> {
        let trailers = self.trailers.get_or_insert_default();
        let after_cr = trailers.section.last() == Some(&CR);
        match (after_cr, byte == LF) {
            (true, false) => return Err(Error::new(ErrorKind::BareCarriageReturn)),
            (false, true) => return Err(Error::new(ErrorKind::BareLineFeed)),
            _ => {}
        }
        if self.state == State::TrailerStart {
            trailers.count += 1;
            if trailers.count > self.limits.trailer_count {
                return Err(Error::exceeded(ErrorKind::TooManyTrailers, self.limits.trailer_count));
            }
        }
        if trailers.section.len() >= self.limits.trailer_bytes {
            return Err(Error::exceeded(ErrorKind::TrailersTooLarge, self.limits.trailer_bytes));
        }
        trailers.section.push(byte);
        Ok(if byte == LF {
            State::TrailerStart
        } else {
            State::TrailerLine
        })
    }
}

fn expect(byte: u8, expected: u8, otherwise: ErrorKind) -> Result<(), Error> {
    match byte {
        byte if byte == expected => Ok(()),
        LF => Err(Error::new(ErrorKind::BareLineFeed)),
        _ => Err(Error::new(otherwise)),
    }
}

#[derive(Debug, Default)]
struct Trailers {
    fields: HeaderMap,
    /// The field lines as they came.
    section: Vec<u8>,
    count: usize,
}

impl Trailers {
    fn finish(&mut self) -> Result<(), Error> {
        self.section.extend_from_slice(b"\r\n");
        let map = &mut self.fields;
        let mut outcome = Ok(());
        fields::parse_whole(&self.section, self.count, |fields| {
            outcome = fields
                .iter()
                .try_for_each(|field| append(map, field.name.as_bytes(), field.value));
        })?;
        outcome?;
        // The decoder may live as long as the request, and only the map is still of use.
        self.section = Vec::new();
        Ok(())
    }
}

fn append(map: &mut HeaderMap, name: &[u8], value: &[u8]) -> Result<(), Error> {
    let name = HeaderName::from_bytes(name).map_err(|_| Error::new(ErrorKind::InvalidHeaderName))?;
    let value = HeaderValue::from_bytes(value).map_err(|_| Error::new(ErrorKind::InvalidHeaderValue))?;
    if is_allowed_in_trailers(&name) {
        map.try_append(name, value)
            .map_err(|_| Error::exceeded(ErrorKind::TooManyTrailers, map.len()))?;
    }
    Ok(())
}

/// Whether a field may come after the content that it would have changed the handling of
/// (RFC 9110 §6.5.1).
pub fn is_allowed_in_trailers(name: &HeaderName) -> bool {
    let name = name.as_str();
    let forbidden = matches!(
        name,
        // Framing and the connection.
        "connection" | "content-length" | "keep-alive" | "proxy-connection" | "te" | "trailer" | "transfer-encoding" | "upgrade"
        // Routing and where the request comes from.
        | "forwarded" | "host" | "via" | "x-real-ip"
        // Request modifiers and response controls.
        | "age" | "cache-control" | "date" | "expect" | "expires" | "if-match" | "if-modified-since" | "if-none-match" | "if-range"
        | "if-unmodified-since" | "location" | "max-forwards" | "pragma" | "range" | "retry-after" | "vary" | "warning"
        // Authentication and state.
        | "authorization" | "cookie" | "proxy-authenticate" | "proxy-authorization" | "set-cookie" | "www-authenticate"
        // How the content is to be processed.
        | "content-encoding" | "content-range" | "content-type"
    );
    !forbidden && !name.starts_with("x-forwarded-")
}
