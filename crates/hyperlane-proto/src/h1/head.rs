//! The head of a request: request line and fields, as positions in the receive buffer.
//!
//! Step 4 of the walk. The engine reads into one buffer and calls [`HeadParser::parse`] after each
//! read; nothing is copied, and a [`RequestHead`] that is reused allocates nothing.
//!
//! A head that is whole at the first call and of the usual kind is read in one go. For all others the
//! parser remembers where it stopped, so a peer that drips bytes causes no more work than one that sends
//! them whole. The request line is read as it comes, and its faults are reported at the byte that makes
//! them certain. The fields are parsed by `httparse` (see `fields.rs`) when they are all there: until then
//! only their line ends are looked at. (For the whole head that would not do: `httparse` starts over at
//! each call, knows no minor version above 1 and takes a bare LF.)
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
use memchr::memchr2;

use super::charset::{CR, LF};
use super::fields;
use super::framing::{self, Framing};
use super::request_line::{self, Part};
use super::span::{HeaderSpan, Span};
use crate::{Error, ErrorKind, HeadLimits};

/// Bytes that a field line usually has at least, to guess how many there are in the first head of a connection.
const LINE_BYTES: usize = 25;
/// The most that is guessed: other requests may stand behind the first.
const USUAL_FIELDS: usize = 20;

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
        // One by one: to build a whole value and move it costs 20 instructions of each request more.
        self.method = Method::GET;
        self.version = Version::default();
        self.form = TargetForm::default();
        self.target = Span::default();
        self.authority = None;
        self.host = None;
        self.path = Span::default();
        self.query = None;
        self.headers.clear();
        self.len = 0;
        self.framing = Framing::default();
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
    /// Where the part of the request line, or the field line, that is being read began.
    mark: usize,
    /// Where the request line began, then where the fields did.
    start: usize,
    /// Whole field lines so far.
    field_count: usize,
    /// How many fields the last heads had, or 0: the next one has hardly more.
    usual_count: u16,
    failed: Option<Error>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    EmptyLines,
    RequestLine(Part),
    Fields,
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
    /// A fault of the request line, a bare CR or LF, or an exceeded limit: the first in the order of the
    /// bytes, as soon as it is certain. What is wrong with the fields otherwise, one by one (their
    /// grammar) or together (Host, the body's length), is decided at the end of the head. A parser that
    /// failed keeps returning its error until [`reset`](Self::reset).
    #[inline]
    pub fn parse(&mut self, buf: &[u8], limits: &HeadLimits, head: &mut RequestHead) -> Result<bool, Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let fresh = self.at == 0;
        if fresh {
            head.clear();
        }
        let usual = fresh && self.parse_usual(buf, limits, head);
        if !usual && !self.advance(buf, limits, head).map_err(|error| self.fail(error))? {
            return Ok(false);
        }
        head.framing = framing::decide(buf, head).map_err(|error| self.fail(error))?;
        if !usual {
            self.reset();
        }
        Ok(true)
    }

    #[cold]
    fn fail(&mut self, error: Error) -> Error {
        self.failed = Some(error);
        error
    }

    /// Nearly all heads come whole, without fault, and with a request line of the usual kind: they are read in one go
    /// and leave no trace in the parser. False says nothing about `buf`.
    ///
    /// Reading them like others costs about 220 instructions more, a quarter of a small head.
    #[inline]
    fn parse_usual(&mut self, buf: &[u8], limits: &HeadLimits, head: &mut RequestHead) -> bool {
        let window = buf.get(..head_limit(limits)).unwrap_or(buf);
        let Some(start) = request_line::try_usual(head, window, limits.request_line_bytes) else {
            return false;
        };
        let unread = window.get(start..).unwrap_or_default();
        let expected = match usize::from(self.usual_count) {
            0 => (unread.len() / LINE_BYTES).min(USUAL_FIELDS),
            usual => usual,
        };
        let headers = &mut head.headers;
        let section = fields::try_parse(unread, expected, limits.header_count, |fields| {
            headers.extend(fields.iter().map(|field| HeaderSpan::of_field(window, field)));
        });
        let Some(len) = section else {
            return false;
        };
        head.len = start + len;
        self.note_count(head.headers.len());
        true
    }

    /// Forgets an unfinished or failed head.
    pub fn reset(&mut self) {
        *self = Self {
            usual_count: self.usual_count,
            ..Self::default()
        };
    }

    fn advance(&mut self, buf: &[u8], limits: &HeadLimits, head: &mut RequestHead) -> Result<bool, Error> {
        let limit = head_limit(limits);
        let window = buf.get(..limit).unwrap_or(buf);

        let complete = (self.state != State::EmptyLines || self.skip_empty_lines(window)?)
            && self.read_request_line(window, limits, head)?
            && self.read_fields(window, limits, head)?;
        if complete {
            head.len = self.at;
            self.note_count(head.headers.len());
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
                    self.start = self.at;
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
        let line_end = self.start.saturating_add(limits.request_line_bytes).saturating_add(1);
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
                    self.mark = self.at;
                    self.start = self.at;
                    self.state = State::Fields;
                    return Ok(true);
                }
            }
            self.at = end + 1;
            self.mark = self.at;
        }
    }

    fn read_fields(&mut self, window: &[u8], limits: &HeadLimits, head: &mut RequestHead) -> Result<bool, Error> {
        if !self.find_end_of_fields(window, limits.header_count)? {
            return Ok(false);
        }
        let section = window.get(self.start..self.at).unwrap_or_default();
        fields::parse_whole(section, self.field_count, |fields| {
            head.headers
                .extend(fields.iter().map(|field| HeaderSpan::of_field(window, field)));
        })?;
        Ok(true)
    }

    /// Goes from line end to line end until the empty line.
    fn find_end_of_fields(&mut self, window: &[u8], header_count: usize) -> Result<bool, Error> {
        loop {
            if self.field_count >= header_count && self.begins_field_line(window) {
                return Err(Error::exceeded(ErrorKind::TooManyHeaders, header_count));
            }
            let new = window.get(self.at..).unwrap_or_default();
            self.at += memchr2(CR, LF, new).unwrap_or(new.len());
            match window.get(self.at) {
                None => return Ok(false),
                Some(&CR) if !is_line_end(window, self.at)? => return Ok(false),
                Some(&CR) => {}
                Some(_) => return Err(Error::new(ErrorKind::BareLineFeed)),
            }
            let empty = self.at == self.mark;
            self.at += 2;
            if empty {
                return Ok(true);
            }
            self.field_count += 1;
            self.mark = self.at;
        }
    }

    /// It falls by one at a time, so that a connection with mixed requests has room for the larger ones.
    #[inline]
    fn note_count(&mut self, count: usize) {
        let count = u16::try_from(count).unwrap_or(u16::MAX);
        self.usual_count = count.max(self.usual_count.saturating_sub(1));
    }

    /// Whether there is a next line, and it does not begin like the empty one.
    fn begins_field_line(&self, window: &[u8]) -> bool {
        window.get(self.mark).is_some_and(|&byte| byte != CR && byte != LF)
    }
}

/// The parser never looks past so many bytes, and a span reaches no further.
fn head_limit(limits: &HeadLimits) -> usize {
    limits.head_bytes.min(u32::MAX as usize)
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
