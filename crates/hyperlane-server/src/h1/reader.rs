//! The receiving side: a buffer that exists only while there are bytes in it, and heads out of it.

use std::cell::Cell;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{Method, Version};
use hyperlane_core::{Head, WireHead};
use hyperlane_proto::h1::{BodyLength, HeadParser, RequestHead, ResponseContext, Span, TargetForm};
use hyperlane_proto::{Error, HeadLimits};
use tokio::io::AsyncReadExt;

use crate::{Transport, pool};

/// The least room that a read is made with.
const MIN_ROOM: usize = 2 * 1024;

thread_local! {
    /// Where heads are parsed into, before they are copied to where they live.
    static PARSED: Cell<Option<Box<RequestHead>>> = const { Cell::new(None) };
}

/// Bytes received and not used yet.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    buffer: Vec<u8>,
    start: usize,
    parser: HeadParser,
    /// What is known of the head at the front of the buffer, until it is taken from there.
    parsed: Option<Box<RequestHead>>,
    /// Of the request whose head was read last.
    pub(crate) facts: RequestFacts,
    /// The peer has sent all that it will (it may still read).
    pub(crate) ended: bool,
}

/// What the engine itself has to know of a request: its [`Framing`](hyperlane_proto::h1::Framing) and some of its head.
//
// The flags stand in another order than there, so that the compiler copies them one by one. In one piece they are
// loaded sooner after they were stored one by one than a processor can forward them: 2 % of a small request's cycles.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestFacts {
    pub(crate) version: Version,
    pub(crate) accepts_trailers: bool,
    pub(crate) upgrade: bool,
    pub(crate) expect_continue: bool,
    pub(crate) keep_alive: bool,
    pub(crate) head_request: bool,
    pub(crate) connect: bool,
    pub(crate) body: BodyLength,
}

impl RequestFacts {
    #[inline]
    fn of(head: &RequestHead) -> Self {
        let framing = &head.framing;
        Self {
            version: head.version,
            accepts_trailers: framing.accepts_trailers,
            upgrade: framing.upgrade,
            expect_continue: framing.expect_continue,
            keep_alive: framing.keep_alive,
            head_request: head.method == Method::HEAD,
            connect: head.method == Method::CONNECT,
            body: framing.body,
        }
    }

    /// Whether it is more than a head, or a request that is refused.
    pub(crate) fn may_have_body(&self) -> bool {
        self.body != BodyLength::Empty || self.connect
    }

    pub(crate) fn response_context(&self, keep_alive: bool) -> ResponseContext {
        ResponseContext {
            version: self.version,
            head_request: self.head_request,
            keep_alive,
            accepts_trailers: self.accepts_trailers,
        }
    }
}

impl Reader {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.buffer.len()
    }

    /// Marks the first `n` bytes as used.
    pub(crate) fn consume(&mut self, n: usize) {
        self.start = self.buffer.len().min(self.start.saturating_add(n));
        if self.is_empty() {
            self.buffer.clear();
            self.start = 0;
        }
    }

    /// Whether nothing but empty lines was received: some clients send one behind a body (RFC 9112 §2.2).
    pub(crate) fn has_only_empty_lines(&self) -> bool {
        self.bytes().iter().all(|byte| matches!(byte, b'\r' | b'\n'))
    }

    /// Takes what was received and not used: for a protocol that goes on from here.
    pub(crate) fn take_rest(&mut self) -> Bytes {
        let rest = Bytes::copy_from_slice(self.bytes());
        self.consume(rest.len());
        rest
    }

    /// Whether a complete head is at the front of the buffer. It is to be taken from there by
    /// [`take_head`](Self::take_head) or [`pass_head`](Self::pass_head) before anything else is read.
    pub(crate) fn parse_head(&mut self, limits: &HeadLimits) -> Result<bool, Error> {
        if self.is_empty() {
            return Ok(false);
        }
        let mut parsed = self.parsed.take().or_else(|| PARSED.take()).unwrap_or_default();
        let complete = self.parser.parse(&self.buffer[self.start..], limits, &mut parsed)?;
        if complete {
            self.facts = RequestFacts::of(&parsed);
        }
        self.parsed = Some(parsed);
        Ok(complete)
    }

    /// Method and path of a complete head whose target is of the usual form: what can be told without taking it.
    #[inline]
    pub(crate) fn method_and_path(&self) -> Option<(&Method, &str)> {
        let parsed = self.parsed.as_deref()?;
        if parsed.form != TargetForm::Origin {
            return None;
        }
        let path = std::str::from_utf8(parsed.path.of(&self.buffer[self.start..])).ok()?;
        Some((&parsed.method, path))
    }

    /// Passes a complete head that nobody wants.
    #[inline]
    pub(crate) fn pass_head(&mut self) {
        if let Some(parsed) = self.parsed.take() {
            self.consume(parsed.len);
            PARSED.set(Some(parsed));
        }
    }

    /// Copies a complete head out of the buffer.
    #[inline]
    pub(crate) fn take_head(&mut self) -> Head {
        let parsed = self.parsed.take().unwrap_or_default();
        let head = Head::from_wire(WireHead {
            method: &parsed.method,
            version: parsed.version,
            bytes: &self.buffer[self.start..self.start + parsed.len],
            path: range(parsed.path),
            asterisk: parsed.form == TargetForm::Asterisk,
            query: parsed.query.map(range),
            authority: parsed.authority.map(range),
            fields: parsed
                .headers
                .iter()
                .map(|field| (range(field.name), range(field.value))),
        });
        self.consume(parsed.len);
        PARSED.set(Some(parsed));
        head
    }

    /// Reads more. 0 bytes: the peer has ended its side.
    pub(crate) fn poll_fill<T: Transport>(&mut self, cx: &mut Context<'_>, io: &mut T) -> Poll<io::Result<usize>> {
        if self.ended {
            return Poll::Ready(Ok(0));
        }
        if self.buffer.capacity() == 0 {
            self.buffer = pool::take();
        } else if self.buffer.capacity() - self.buffer.len() < MIN_ROOM {
            self.make_room();
        }
        // The future of a single read holds no state: it can be made anew for each poll.
        let Poll::Ready(read) = pin!(io.read_buf(&mut self.buffer)).poll(cx) else {
            self.release();
            return Poll::Pending;
        };
        let read = read?;
        self.ended = read == 0;
        Poll::Ready(Ok(read))
    }

    /// Reads at most `limit` bytes of a body to a buffer of their own, past ours, which must be empty.
    pub(crate) fn poll_fill_apart<T: Transport>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut T,
        limit: usize,
    ) -> Poll<io::Result<Bytes>> {
        debug_assert!(self.is_empty(), "bytes in the buffer come first");
        if self.ended {
            return Poll::Ready(Ok(Bytes::new()));
        }
        let mut piece = BytesMut::with_capacity(limit);
        let read = ready!(pin!(io.take(limit as u64).read_buf(&mut piece)).poll(cx))?;
        self.ended = read == 0;
        // A piece keeps all the memory that was set aside for it. Who collects pieces must not be made to hold that much
        // for a few bytes each.
        let fills = read >= limit / 4;
        Poll::Ready(Ok(if fills {
            piece.freeze()
        } else {
            Bytes::copy_from_slice(&piece)
        }))
    }

    /// Gives the buffer back if nothing is in it.
    pub(crate) fn release(&mut self) {
        if self.is_empty() {
            pool::give(std::mem::take(&mut self.buffer));
        }
    }

    fn make_room(&mut self) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        if self.buffer.capacity() - self.buffer.len() < MIN_ROOM {
            self.buffer.reserve(pool::BUFFER_BYTES);
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        pool::give(std::mem::take(&mut self.buffer));
    }
}

fn range(span: Span) -> std::ops::Range<u32> {
    span.start..span.end
}
