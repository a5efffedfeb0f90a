//! The body of a request, read from its stream as the handler asks for it.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use hyperlane_core::{Body, BodyError, BodyErrorKind};
use hyperlane_proto::h1::is_allowed_in_trailers;
use tokio::time::Instant;

use super::guard::{Held, Watch};
use crate::Config;
use crate::h1::timer::{Deadlines, Timer};

/// A year: past it a time is no limit any more, and the clock could overflow.
const FOREVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// What the body tells the stream that it belongs to.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// Why the body could not be received, if so.
    failure: OnceLock<BodyErrorKind>,
    /// Somebody reads, and the client waits for our word.
    continue_wanted: AtomicBool,
    stream: Mutex<Option<Waker>>,
}

impl Signals {
    /// Notes that the body could not be received; the first reason stays.
    pub(crate) fn fail(&self, kind: BodyErrorKind) {
        let _ = self.failure.set(kind);
    }

    pub(crate) fn failure(&self) -> Option<BodyErrorKind> {
        self.failure.get().copied()
    }

    /// Whether `100 Continue` is due; the task of `cx` is woken once it is.
    pub(crate) fn poll_continue(&self, cx: &Context<'_>) -> bool {
        *self.stream.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        self.continue_wanted.swap(false, Ordering::AcqRel)
    }

    pub(crate) fn want_continue(&self) {
        self.continue_wanted.store(true, Ordering::Release);
        let waker = self.stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// What is known of a body before it is read.
pub(super) struct Opening {
    pub(super) stream: u32,
    pub(super) length: Option<u64>,
    pub(super) limit: u64,
    pub(super) expect_continue: bool,
}

/// The body that comes on `recv`: at once where all of it has come already, or else as it is read.
pub(super) fn open(
    cx: &mut Context<'_>,
    mut recv: RecvStream,
    opening: &Opening,
    config: &Arc<Config>,
    watch: &Arc<Watch>,
    signals: &Arc<Signals>,
) -> Body {
    let first = match recv.poll_data(cx) {
        Poll::Ready(Some(Ok(piece))) => Some(piece),
        _ => None,
    };
    if let Some(piece) = &first
        && recv.is_end_stream()
        && piece.len() as u64 <= opening.limit
    {
        let _ = recv.flow_control().release_capacity(piece.len());
        return Body::from(piece.clone());
    }
    Body::wrap(Incoming {
        recv,
        stream: opening.stream,
        first,
        left: opening.length,
        received: 0,
        limit: opening.limit,
        continue_due: opening.expect_continue,
        state: State::Data,
        pace: Pace::default(),
        timer: Timer::default(),
        config: Arc::clone(config),
        watch: Arc::clone(watch),
        held: watch.hold(),
        signals: Arc::clone(signals),
    })
}

/// A body that is still to come.
struct Incoming {
    recv: RecvStream,
    stream: u32,
    /// A piece that had come when the body was made.
    first: Option<Bytes>,
    /// What is to come, where that was announced.
    left: Option<u64>,
    received: u64,
    limit: u64,
    continue_due: bool,
    state: State,
    pace: Pace,
    timer: Timer,
    config: Arc<Config>,
    watch: Arc<Watch>,
    #[expect(dead_code, reason = "held until the body is gone")]
    held: Held,
    signals: Arc<Signals>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Data,
    Trailers,
    Ended,
}

impl Incoming {
    fn fail(&mut self, kind: BodyErrorKind) -> BodyError {
        self.state = State::Ended;
        self.signals.fail(kind);
        BodyError::new(kind)
    }

    fn take(&mut self, piece: Bytes) -> Result<Bytes, BodyError> {
        self.pace.pause(Instant::now());
        // The client may send as much again: this is the whole of the back-pressure.
        let _ = self.recv.flow_control().release_capacity(piece.len());
        self.received += piece.len() as u64;
        self.left = self.left.map(|left| left.saturating_sub(piece.len() as u64));
        if self.received > self.limit {
            return Err(self.fail(BodyErrorKind::TooLarge { limit: self.limit }));
        }
        Ok(piece)
    }

    fn failure(&mut self, error: &h2::Error) -> BodyError {
        // Our own reset is for what the client did against the rules, as a body of another length than announced.
        self.fail(match error.is_reset() && error.is_library() {
            true => BodyErrorKind::Malformed,
            false => BodyErrorKind::Incomplete,
        })
    }

    /// Nothing is there. Ready once that has lasted for too long.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<BodyError> {
        if std::mem::take(&mut self.continue_due) {
            self.signals.want_continue();
        }
        loop {
            let mut deadlines = Deadlines::new();
            let received = self.watch.body_bytes(self.stream).unwrap_or(self.received);
            if self.pace.is_too_slow(received, &mut deadlines, &self.config) {
                return Poll::Ready(self.fail(BodyErrorKind::Timeout));
            }
            if deadlines.poll(cx, &mut self.timer).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl http_body::Body for Incoming {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        if let Some(piece) = this.first.take() {
            return Poll::Ready(Some(this.take(piece).map(Frame::data)));
        }
        if this.state == State::Data {
            match this.recv.poll_data(cx) {
                Poll::Ready(Some(Ok(piece))) => return Poll::Ready(Some(this.take(piece).map(Frame::data))),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(this.failure(&error)))),
                Poll::Ready(None) => this.state = State::Trailers,
                Poll::Pending => return this.poll_late(cx).map(|error| Some(Err(error))),
            }
        }
        if this.state == State::Trailers {
            match this.recv.poll_trailers(cx) {
                Poll::Ready(Ok(trailers)) => {
                    this.state = State::Ended;
                    let trailers = trailers.map(allowed).filter(|trailers| !trailers.is_empty());
                    return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(this.failure(&error)))),
                Poll::Pending => return this.poll_late(cx).map(|error| Some(Err(error))),
            }
        }
        Poll::Ready(None)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

/// Trailers without what must not come behind a body (RFC 9110 §6.5.1).
pub(crate) fn allowed(mut trailers: HeaderMap) -> HeaderMap {
    if !trailers.keys().all(is_allowed_in_trailers) {
        let forbidden: Vec<_> = trailers
            .keys()
            .filter(|name| !is_allowed_in_trailers(name))
            .cloned()
            .collect();
        for name in forbidden {
            trailers.remove(name);
        }
    }
    trailers
}

/// How long the body has kept its reader waiting. Time in which nobody wanted to read does not count.
#[derive(Debug, Default)]
struct Pace {
    /// Since a reader came, and how many bytes there were then.
    waiting_since: Option<Instant>,
    waited: Duration,
    /// The last byte, of a frame that is not complete.
    progress: Option<(Instant, u64)>,
}

impl Pace {
    /// A piece came.
    fn pause(&mut self, now: Instant) {
        if let Some(since) = self.waiting_since.take() {
            self.waited += now.saturating_duration_since(since);
        }
        self.progress = None;
    }

    fn is_too_slow(&mut self, received: u64, deadlines: &mut Deadlines, config: &Config) -> bool {
        let since = *self.waiting_since.get_or_insert(deadlines.now);
        let last = match self.progress {
            Some((at, bytes)) if bytes == received => at,
            _ => deadlines.now,
        };
        self.progress = Some((last, received));
        let without_progress = deadlines.is_past(last + config.body_timeout);
        if config.body_min_rate == 0 {
            return without_progress;
        }
        let earned = Duration::from_secs_f64(received as f64 / f64::from(config.body_min_rate));
        let allowed = earned
            .max(config.body_rate_grace)
            .saturating_sub(self.waited)
            .min(FOREVER);
        deadlines.is_past(since + allowed) || without_progress
    }
}
