//! The body of the request in hand, from the connection to the handler, as far as the handler asks for it.

use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyperlane_core::body::{BodySender, Demand};
use hyperlane_core::{Body, BodyError, BodyErrorKind};
use hyperlane_proto::h1::{BodyLength, CONTINUE, Chunk, ChunkedDecoder};
use tokio::time::Instant;

use super::reader::Reader;
use super::timer::Deadlines;
use super::writer::Writer;
use crate::{Config, Transport};

/// The most that one read of a long body takes.
const PIECE: usize = 128 * 1024;
/// From this size on, what is still to come of a chunk is read apart from its frame: that is a system call more for each
/// chunk, and saves those for the buffer's few bytes at a time, and the copy.
const OWN_PIECE: u64 = 16 * 1024;

/// A request body of which something is still to come.
#[derive(Debug)]
pub(crate) struct Incoming {
    decoder: Decoder,
    /// `None` once the handler no longer reads, or the body has failed.
    sender: Option<BodySender>,
    /// The client waits for our word before it sends (RFC 9110 §10.1.1).
    continue_due: bool,
    received: u64,
    /// Of these, bytes that were thrown away.
    drained: u64,
    limit: u64,
    pace: Pace,
    failure: Option<BodyErrorKind>,
}

#[derive(Debug)]
enum Decoder {
    Length(u64),
    Chunked(Box<ChunkedDecoder>),
    Done,
}

/// What has become of the body in one step.
enum Step {
    /// A piece of the body's data.
    Piece(Bytes),
    /// Its end.
    End(Option<http::HeaderMap>),
    /// The connection has nothing at the moment.
    Wait,
}

/// What the connection has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The reader of the body is the task itself, and something is there for it: poll it again.
    Made,
    /// Nothing can be done now.
    None,
}

impl Incoming {
    /// The body that the head announced: at once where all of it was received with the head, or else piece by piece,
    /// through what is put in `incoming`.
    ///
    /// # Errors
    ///
    /// It announces more than `limit` bytes.
    pub(crate) fn open(reader: &mut Reader, limit: u64, incoming: &mut Option<Box<Self>>) -> Result<Body, BodyError> {
        let facts = reader.facts;
        let (length, decoder) = match facts.body {
            BodyLength::Empty => return Ok(Body::empty()),
            BodyLength::Length(length) if length > limit => {
                return Err(BodyError::new(BodyErrorKind::TooLarge { limit }));
            }
            BodyLength::Length(length) => {
                if let Some(bytes) = usize::try_from(length)
                    .ok()
                    .and_then(|length| reader.bytes().get(..length))
                {
                    let body = Body::from(Bytes::copy_from_slice(bytes));
                    reader.consume(bytes_len(length));
                    return Ok(body);
                }
                (Some(length), Decoder::Length(length))
            }
            BodyLength::Chunked => (
                None,
                Decoder::Chunked(Box::new(ChunkedDecoder::new(Config::chunk_limits()))),
            ),
        };
        let (sender, body) = Body::channel(length);
        *incoming = Some(Box::new(Self {
            decoder,
            sender: Some(sender),
            // Who has sent something already does not wait.
            continue_due: facts.expect_continue && reader.is_empty(),
            received: 0,
            drained: 0,
            limit,
            pace: Pace::default(),
            failure: None,
        }));
        Ok(body)
    }

    /// Whether all of the body was received.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.decoder, Decoder::Done | Decoder::Length(0))
    }

    /// Whether somebody may still read it.
    pub(crate) fn has_reader(&self) -> bool {
        self.sender.is_some()
    }

    /// Bytes of it received so far.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Why the body could not be received, if so.
    pub(crate) fn failure(&self) -> Option<BodyErrorKind> {
        self.failure
    }

    /// Whether what is still to come is at most `limit` bytes, as far as is known: then it can be thrown away to keep
    /// the connection. What a client may or may not send, since it still waits for our word, can't.
    pub(crate) fn can_be_drained(&self, limit: u64) -> bool {
        self.failure.is_none()
            && !self.continue_due
            && match &self.decoder {
                Decoder::Length(rest) => *rest <= limit,
                Decoder::Chunked(_) | Decoder::Done => true,
            }
    }

    /// The response has begun: no interim response may come after it (RFC 9110 §15.2), so a client that still waits
    /// for our word sends nothing, and a reader is told so.
    pub(crate) fn response_began(&mut self) {
        if self.continue_due {
            self.sender = None;
        }
    }

    /// Moves the body along as long as its reader asks for it.
    pub(crate) fn poll<T: Transport>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut T,
        reader: &mut Reader,
        writer: &mut Writer,
        deadlines: &mut Deadlines,
        config: &Config,
    ) -> Progress {
        loop {
            let Some(sender) = &mut self.sender else {
                return Progress::None;
            };
            match sender.poll_demand(cx) {
                Poll::Ready(Demand::Wanted) => {}
                Poll::Ready(Demand::Gone) => {
                    self.sender = None;
                    return Progress::None;
                }
                Poll::Pending => {
                    self.pace.pause(deadlines.now);
                    return Progress::None;
                }
            }
            if self.continue_due {
                if !writer.has_room() {
                    return Progress::None;
                }
                writer.gathered().extend_from_slice(CONTINUE);
                // What can't be written now is written with what comes later; errors show there, too.
                let _ = writer.poll_flush(cx, io);
                self.continue_due = false;
            }
            let own_task = match self.step(cx, io, reader) {
                Ok(Step::Piece(piece)) => {
                    self.pace.pause(deadlines.now);
                    match self.sender.as_mut() {
                        Some(sender) => sender.send(piece, cx),
                        None => false,
                    }
                }
                Ok(Step::End(trailers)) => {
                    self.decoder = Decoder::Done;
                    self.sender.take().is_some_and(|sender| sender.finish(trailers, cx))
                }
                Ok(Step::Wait) => {
                    if !self.pace.is_too_slow(self.received, deadlines, config) {
                        return Progress::None;
                    }
                    self.fail(BodyErrorKind::Timeout, cx)
                }
                Err(kind) => self.fail(kind, cx),
            };
            if own_task {
                return Progress::Made;
            }
        }
    }

    /// Throws away what is still to come, up to the limit of the configuration. Ready: whether the connection can go
    /// on.
    pub(crate) fn poll_drain<T: Transport>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut T,
        reader: &mut Reader,
        deadlines: &mut Deadlines,
        config: &Config,
    ) -> Poll<bool> {
        self.sender = None;
        loop {
            if self.is_done() {
                return Poll::Ready(true);
            }
            if self.failure.is_some() || self.drained > config.drain_limit || !self.can_be_drained(config.drain_limit) {
                return Poll::Ready(false);
            }
            match self.step(cx, io, reader) {
                Ok(Step::Piece(piece)) => {
                    self.pace.pause(deadlines.now);
                    self.drained += piece.len() as u64;
                }
                Ok(Step::End(_)) => self.decoder = Decoder::Done,
                Ok(Step::Wait) if self.pace.is_too_slow(self.received, deadlines, config) => return Poll::Ready(false),
                Ok(Step::Wait) => return Poll::Pending,
                Err(_) => return Poll::Ready(false),
            }
        }
    }

    fn fail(&mut self, kind: BodyErrorKind, cx: &Context<'_>) -> bool {
        self.failure = Some(kind);
        self.sender
            .take()
            .is_some_and(|sender| sender.fail(BodyError::new(kind), cx))
    }

    /// The next piece of the body, out of the buffer or from the connection.
    fn step<T: Transport>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut T,
        reader: &mut Reader,
    ) -> Result<Step, BodyErrorKind> {
        loop {
            match &mut self.decoder {
                Decoder::Done | Decoder::Length(0) => return Ok(Step::End(None)),
                Decoder::Length(rest) if !reader.is_empty() => {
                    let len = reader.bytes().len().min(bytes_len(*rest));
                    let piece = Bytes::copy_from_slice(&reader.bytes()[..len]);
                    reader.consume(len);
                    *rest -= len as u64;
                    self.received += len as u64;
                    return Ok(Step::Piece(piece));
                }
                // A long body goes straight to memory of its own.
                Decoder::Length(rest) => {
                    let want = bytes_len(*rest).min(PIECE);
                    return match reader.poll_fill_apart(cx, io, want) {
                        Poll::Pending => Ok(Step::Wait),
                        Poll::Ready(Ok(piece)) if !piece.is_empty() => {
                            *rest -= piece.len() as u64;
                            self.received += piece.len() as u64;
                            Ok(Step::Piece(piece))
                        }
                        Poll::Ready(_) => Err(BodyErrorKind::Incomplete),
                    };
                }
                // And most of a large chunk does. The limit was looked at when it was announced.
                Decoder::Chunked(decoder) if reader.is_empty() && decoder.announced() >= OWN_PIECE => {
                    let want = bytes_len(decoder.announced()).min(PIECE);
                    return match reader.poll_fill_apart(cx, io, want) {
                        Poll::Pending => Ok(Step::Wait),
                        Poll::Ready(Ok(piece)) if !piece.is_empty() => {
                            // All of it is data, which the decoder only has to count.
                            decoder.decode(&piece).map_err(|_| BodyErrorKind::Malformed)?;
                            self.received += piece.len() as u64;
                            Ok(Step::Piece(piece))
                        }
                        Poll::Ready(_) => Err(BodyErrorKind::Incomplete),
                    };
                }
                Decoder::Chunked(decoder) => {
                    let decoded = decoder
                        .decode(reader.bytes())
                        .map_err(|error| match error.status().as_u16() {
                            // Trailers over their limit are too much of a body like the rest of it.
                            431 => BodyErrorKind::TooLarge { limit: self.limit },
                            _ => BodyErrorKind::Malformed,
                        })?;
                    let step = match decoded.chunk {
                        Chunk::Data(range) => {
                            let data = reader.bytes().get(range).unwrap_or_default();
                            self.received += data.len() as u64;
                            if self.received > self.limit {
                                return Err(BodyErrorKind::TooLarge { limit: self.limit });
                            }
                            Some(Step::Piece(Bytes::copy_from_slice(data)))
                        }
                        Chunk::End => Some(Step::End(decoder.take_trailers())),
                        Chunk::NeedMore => None,
                    };
                    // A chunk that is too long is refused when it is announced, not when it has come.
                    if decoder.announced() > self.limit.saturating_sub(self.received) {
                        return Err(BodyErrorKind::TooLarge { limit: self.limit });
                    }
                    reader.consume(decoded.consumed);
                    if let Some(step) = step {
                        return Ok(step);
                    }
                    if decoder.announced() >= OWN_PIECE {
                        continue;
                    }
                    match reader.poll_fill(cx, io) {
                        Poll::Pending => return Ok(Step::Wait),
                        Poll::Ready(Ok(n)) if n > 0 => {}
                        Poll::Ready(_) => return Err(BodyErrorKind::Incomplete),
                    }
                }
            }
        }
    }
}

/// How long the body has kept us waiting. Time in which nobody wanted to read does not count.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// Since the last byte, or since a reader came.
    waiting_since: Option<Instant>,
    waited: Duration,
}

impl Pace {
    /// A byte came, or nobody waits any more.
    pub(crate) fn pause(&mut self, now: Instant) {
        if let Some(since) = self.waiting_since.take() {
            self.waited += now.saturating_duration_since(since);
        }
    }

    pub(crate) fn is_too_slow(&mut self, received: u64, deadlines: &mut Deadlines, config: &Config) -> bool {
        let since = *self.waiting_since.get_or_insert(deadlines.now);
        let without_progress = deadlines.is_past(since + config.body_timeout);
        if config.body_min_rate == 0 {
            return without_progress;
        }
        let earned = Duration::from_secs_f64(received as f64 / f64::from(config.body_min_rate));
        let allowed = earned.max(config.body_rate_grace).saturating_sub(self.waited);
        // Past a year it is no limit any more, and the clock could overflow.
        let allowed = allowed.min(Duration::from_secs(365 * 24 * 3600));
        deadlines.is_past(since + allowed) || without_progress
    }
}

/// A length as an index; what exceeds the address space exceeds any buffer as well.
fn bytes_len(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
