//! The head of a request: request line and fields, as positions in the receive buffer.
//!
//! Step 4 of the walk. The engine reads into one buffer and calls [`HeadParser::parse`] after each
//! read; nothing is copied, and a [`RequestHead`] that is reused allocates nothing.
//!
//! The parser is one state machine that looks at every byte once and remembers where it stopped. So a
//! fault is reported at the very byte that makes it certain, however the bytes arrived, and a peer that
//! drips them causes no more work than one that sends them whole. (`httparse` starts over at each call
//! and takes a bare LF; it is the oracle in this crate's tests instead.)
//!
//! ```
//! use hyperlane_proto::h1::{HeadParser, RequestHead};
//! use hyperlane_proto::HeadLimits;
//!
//! let (mut parser, mut head, limits) = (HeadParser::default(), RequestHead::default(), HeadLimits::default());
//! assert!(!parser.parse(b"GET / HT", &limits, &mut head)?);
//!
//! let received = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
//! assert!(parser.parse(received, &limits, &mut head)?);
//! assert_eq!(head.header(received, "host"), Some(&b"a"[..]));
//! # Ok::<(), hyperlane_proto::Error>(())
//! ```

use http::{Method, Version};

use super::charset::{CR, LF, TOKEN, skip, skip_value, trim_ows};
use super::framing::{self, Framing};
use super::request_line::{self, Part};
use crate::{Error, ErrorKind, HeadLimits};

/// The longest name that `http::HeaderName` can hold.
const HEADER_NAME_BYTES: usize = 65_535;

/// A range of bytes in the buffer that was handed to [`HeadParser::parse`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Index of the first byte.
    pub start: u32,
    /// Index after the last byte.
    pub end: u32,
}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Self {
        // The parser never looks past `u32::MAX` bytes, see `HeadParser::parse`.
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    /// The bytes of `buf` that this span covers; empty if `buf` does not reach that far.
    #[must_use]
    #[inline]
    pub fn of(self, buf: &[u8]) -> &[u8] {
        buf.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The number of bytes.
    #[must_use]
    pub const fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// Whether the span covers nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

/// One field line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderSpan {
    /// The name, a token in the peer's own upper and lower case.
    pub name: Span,
    /// The value without surrounding whitespace. It has no control byte but tab, and may have bytes
    /// from 0x80 up.
    pub value: Span,
}

/// The form of the request target (RFC 9112 §3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetForm {
    /// `/path?query`, the usual one.
    #[default]
    Origin,
    /// `http://host/path?query`, as sent to proxies; every server must take it.
    Absolute,
    /// `*`, only with OPTIONS: the server as a whole. Also what `OPTIONS http://host` means (§3.2.4).
    Asterisk,
    /// `host:port`, only and always with CONNECT.
    Authority,
}

/// A parsed head. Its spans hold as long as the buffer does.
#[derive(Clone, Debug, Default)]
pub struct RequestHead {
    /// The method. Any token is one.
    pub method: Method,
    /// `HTTP_10`, or `HTTP_11` for 1.1 and every later 1.x (RFC 9110 §2.5).
    pub version: Version,
    /// The form of the target.
    pub form: TargetForm,
    /// The whole target as sent.
    pub target: Span,
    /// The target's own authority, in absolute and authority form: `host [":" port]`.
    pub authority: Option<Span>,
    /// The host the request is for: the target's authority if it has one, else the Host field's value
    /// (RFC 9112 §3.2.2). `None` only in HTTP/1.0.
    pub host: Option<Span>,
    /// The path without query, percent-encoding untouched. Empty in authority form, and in absolute
    /// form without a path, where it means `/`. For a target of `*` it is that byte.
    pub path: Span,
    /// What follows the first `?`, which may be nothing.
    pub query: Option<Span>,
    /// The field lines in order.
    pub headers: Vec<HeaderSpan>,
    /// Bytes of the head: leading empty lines and the empty line at the end included. The body, or the
    /// next request, starts at this index.
    pub len: usize,
    /// What the fields mean for the body and the connection.
    pub framing: Framing,
}

impl RequestHead {
    /// Back to the default value, but for the memory of `headers`, which is kept.
    pub fn clear(&mut self) {
        let mut headers = std::mem::take(&mut self.headers);
        headers.clear();
        *self = Self {
            headers,
            ..Self::default()
        };
    }

    /// The value of the first field called `name`, in any case, in the buffer that was parsed.
    #[must_use]
    pub fn header<'buf>(&self, buf: &'buf [u8], name: &str) -> Option<&'buf [u8]> {
        self.headers
            .iter()
            .find(|header| header.name.of(buf).eq_ignore_ascii_case(name.as_bytes()))
            .map(|header| header.value.of(buf))
    }
}

/// Parses the heads of one connection, one after the other.
#[derive(Clone, Debug, Default)]
pub struct HeadParser {
    state: State,
    /// Everything before this index has been looked at.
    at: usize,
    /// Where the part being read began.
    mark: usize,
    /// Where the request line began.
    line_start: usize,
    /// The name of the field line being read.
    name: Span,
    failed: Option<Error>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    EmptyLines,
    RequestLine(Part),
    FieldStart,
    FieldName,
    FieldValue,
}

impl HeadParser {
    /// Looks at what is new in `buf`, which holds everything received since the start of this request.
    ///
    /// Returns whether the head is complete. If not, call again with the same bytes and more, and with
    /// the same `head`, which holds what is known so far. When it is complete the parser is ready for the
    /// next request, whose buffer starts [`head.len`](RequestHead::len) bytes (and the body) later.
    ///
    /// # Errors
    ///
    /// The first fault in the order of the bytes, as soon as it is certain. What concerns several fields
    /// at once (Host, the body's length) is decided at the end of the head. A parser that failed keeps
    /// returning its error until [`reset`](Self::reset).
    #[inline]
    pub fn parse(&mut self, buf: &[u8], limits: &HeadLimits, head: &mut RequestHead) -> Result<bool, Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if self.at == 0 {
            head.clear();
        }
        let parsed = self.advance(buf, limits, head);
        match parsed {
            Ok(true) => self.reset(),
            Ok(false) => {}
            Err(error) => self.failed = Some(error),
        }
        parsed
    }

    /// Forgets an unfinished or failed head.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    fn advance(&mut self, buf: &[u8], limits: &HeadLimits, head: &mut RequestHead) -> Result<bool, Error> {
        let limit = limits.head_bytes.min(u32::MAX as usize);
        let window = buf.get(..limit).unwrap_or(buf);

        let complete = (self.state != State::EmptyLines || self.skip_empty_lines(window)?)
            && self.read_request_line(window, limits, head)?
            && self.read_fields(window, limits, head)?;
        if complete {
            head.len = self.at;
            head.framing = framing::decide(buf, head)?;
            return Ok(true);
        }
        // A full window without an end is certain not to fit.
        if window.len() == limit {
            return Err(Error::exceeded(ErrorKind::HeadTooLarge, limit));
        }
        Ok(false)
    }

    /// Passes the empty lines that some clients send after a body (RFC 9112 §2.2).
    fn skip_empty_lines(&mut self, window: &[u8]) -> Result<bool, Error> {
        loop {
            match window.get(self.at) {
                None => return Ok(false),
                Some(&CR) if !is_line_end(window, self.at)? => return Ok(false),
                Some(&CR) => self.at += 2,
                Some(&LF) => return Err(Error::new(ErrorKind::BareLineFeed)),
                Some(_) => {
                    self.state = State::RequestLine(Part::Method);
                    self.line_start = self.at;
                    self.mark = self.at;
                    return Ok(true);
                }
            }
        }
    }

    fn read_request_line(&mut self, window: &[u8], limits: &HeadLimits, head: &mut RequestHead) -> Result<bool, Error> {
        let State::RequestLine(mut part) = self.state else {
            return Ok(true);
        };
        // One byte more than the limit, where a line of just the limit has its CR.
        let line_end = self
            .line_start
            .saturating_add(limits.request_line_bytes)
            .saturating_add(1);
        let line = window.get(..line_end).unwrap_or(window);
        loop {
            let end = request_line::skip_part(part, line, self.mark, self.at)?;
            self.at = end;
            if end >= line.len() {
                self.state = State::RequestLine(part);
                if line.len() == line_end {
                    return Err(Error::exceeded(
                        ErrorKind::RequestLineTooLong,
                        limits.request_line_bytes,
                    ));
                }
                return Ok(false);
            }
            let span = Span::new(self.mark, end);
            match part {
                Part::Method => {
                    request_line::finish_method(head, line, span)?;
                    part = Part::Target;
                }
                Part::Target => {
                    request_line::finish_target(head, line, span)?;
                    part = Part::Version;
                }
                Part::Version => {
                    if !is_line_end(window, end)? {
                        self.state = State::RequestLine(part);
                        return Ok(false);
                    }
                    request_line::finish_version(head, line, span)?;
                    self.at = end + 2;
                    self.state = State::FieldStart;
                    return Ok(true);
                }
            }
            self.at = end + 1;
            self.mark = self.at;
        }
    }

    fn read_fields(&mut self, window: &[u8], limits: &HeadLimits, head: &mut RequestHead) -> Result<bool, Error> {
        loop {
            if self.state == State::FieldStart {
                match window.get(self.at) {
                    None => return Ok(false),
                    Some(&CR) if !is_line_end(window, self.at)? => return Ok(false),
                    Some(&CR) => {
                        self.at += 2;
                        return Ok(true);
                    }
                    Some(&byte) => check_field_start(byte)?,
                }
                if head.headers.len() >= limits.header_count {
                    return Err(Error::exceeded(ErrorKind::TooManyHeaders, limits.header_count));
                }
                self.mark = self.at;
                self.state = State::FieldName;
            }
            if self.state == State::FieldName {
                let end = skip(window, self.at, TOKEN);
                if end > self.mark + HEADER_NAME_BYTES {
                    return Err(Error::exceeded(ErrorKind::HeaderNameTooLong, HEADER_NAME_BYTES));
                }
                self.at = end;
                match window.get(end) {
                    None => return Ok(false),
                    Some(b':') => {}
                    Some(&byte) => return Err(name_fault(byte)),
                }
                self.name = Span::new(self.mark, end);
                self.at = end + 1;
                self.mark = self.at;
                self.state = State::FieldValue;
            }
            let end = skip_value(window, self.at);
            self.at = end;
            match window.get(end) {
                None => return Ok(false),
                Some(&CR) if !is_line_end(window, end)? => return Ok(false),
                Some(&CR) => {}
                Some(&byte) => return Err(value_fault(byte)),
            }
            let value = trimmed(window, self.mark, end);
            head.headers.push(HeaderSpan { name: self.name, value });
            self.at = end + 2;
            self.state = State::FieldStart;
        }
    }
}

/// Whether the CR at `cr` is followed by LF; not yet if it is the last byte.
#[inline]
fn is_line_end(window: &[u8], cr: usize) -> Result<bool, Error> {
    match window.get(cr + 1) {
        None => Ok(false),
        Some(&LF) => Ok(true),
        Some(_) => Err(Error::new(ErrorKind::BareCarriageReturn)),
    }
}

/// Whether a field line, of a head or of trailers, may start with `byte`.
#[inline]
pub(super) fn check_field_start(byte: u8) -> Result<(), Error> {
    match byte {
        byte if TOKEN.contains(byte) => Ok(()),
        b' ' | b'\t' => Err(Error::new(ErrorKind::ObsoleteLineFolding)),
        b':' => Err(Error::new(ErrorKind::EmptyHeaderName)),
        byte => Err(name_fault(byte)),
    }
}

/// What is wrong with `byte` where a field name or its colon should be.
#[cold]
pub(super) fn name_fault(byte: u8) -> Error {
    Error::new(match byte {
        b' ' | b'\t' => ErrorKind::WhitespaceInHeaderName,
        CR => ErrorKind::MissingColon,
        LF => ErrorKind::BareLineFeed,
        _ => ErrorKind::InvalidHeaderName,
    })
}

/// What is wrong with `byte` in a field value.
#[cold]
pub(super) fn value_fault(byte: u8) -> Error {
    Error::new(match byte {
        LF => ErrorKind::BareLineFeed,
        _ => ErrorKind::InvalidHeaderValue,
    })
}

/// The span of a value from `start` to `end`, within surrounding whitespace.
#[inline]
fn trimmed(window: &[u8], start: usize, end: usize) -> Span {
    let raw = window.get(start..end).unwrap_or_default();
    let leading = raw.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let start = start + leading;
    Span::new(start, start + trim_ows(raw.get(leading..).unwrap_or_default()).len())
}
