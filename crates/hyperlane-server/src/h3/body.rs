//! The body of a request, read from its stream as the handler asks for it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use h3::error::{Code, StreamError};
use h3::server::RequestStream;
use http_body::{Frame, SizeHint};
use hyperlane_core::{Body, BodyError, BodyErrorKind};
use tokio::time::Instant;

use super::quic::{RecvHalf, RequestState};
use crate::Config;
use crate::h1::body::Pace;
use crate::h1::timer::{Deadlines, Timer};
use crate::h2::{Signals, allowed_trailers};

/// What is known of a body before it is read.
pub(super) struct Opening {
    pub(super) length: Option<u64>,
    pub(super) limit: u64,
    pub(super) expect_continue: bool,
}

/// The body that comes on `recv`: at once where all of it has come already, or else as it is read.
pub(super) fn open(
    cx: &mut Context<'_>,
    recv: RequestStream<RecvHalf, Bytes>,
    opening: &Opening,
    config: &Arc<Config>,
    request: Arc<RequestState>,
    signals: &Arc<Signals>,
) -> Body {
    let mut incoming = Incoming {
        recv,
        first: None,
        second: None,
        left: opening.length,
        received: 0,
        limit: opening.limit,
        continue_due: opening.expect_continue,
        state: State::Data,
        pace: Pace::default(),
        timer: Timer::default(),
        config: Arc::clone(config),
        request,
        signals: Arc::clone(signals),
    };
    match incoming.poll_piece(cx) {
        Poll::Ready(None) => Body::empty(),
        Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
            Ok(piece) => {
                if incoming.left == Some(0) {
                    match incoming.poll_piece(cx) {
                        Poll::Ready(None) => return Body::from(piece),
                        // Trailers, or what makes the message malformed.
                        Poll::Ready(Some(next)) => incoming.second = Some(next),
                        Poll::Pending => {}
                    }
                }
                incoming.first = Some(Ok(Frame::data(piece)));
                Body::wrap(incoming)
            }
            Err(trailers) => {
                incoming.first = Some(Ok(trailers));
                Body::wrap(incoming)
            }
        },
        Poll::Ready(Some(Err(error))) => {
            incoming.first = Some(Err(error));
            Body::wrap(incoming)
        }
        Poll::Pending => Body::wrap(incoming),
    }
}

/// A body that is still to come.
struct Incoming {
    recv: RequestStream<RecvHalf, Bytes>,
    /// What had come when the body was made.
    first: Option<Result<Frame<Bytes>, BodyError>>,
    /// What had come behind that.
    second: Option<Result<Frame<Bytes>, BodyError>>,
    /// What is to come, where that was announced.
    left: Option<u64>,
    received: u64,
    limit: u64,
    continue_due: bool,
    state: State,
    pace: Pace,
    timer: Timer,
    config: Arc<Config>,
    request: Arc<RequestState>,
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
        if kind == BodyErrorKind::Malformed {
            self.request.fail_with(Code::H3_MESSAGE_ERROR);
        }
        self.signals.fail(kind);
        BodyError::new(kind)
    }

    fn take(&mut self, piece: Bytes) -> Result<Bytes, BodyError> {
        self.pace.pause(Instant::now());
        let length = piece.len() as u64;
        self.received += length;
        if self.received > self.limit {
            return Err(self.fail(BodyErrorKind::TooLarge { limit: self.limit }));
        }
        if let Some(left) = self.left {
            // RFC 9114 §4.1.2: a length other than the announced one makes the message malformed.
            let Some(left) = left.checked_sub(length) else {
                return Err(self.fail(BodyErrorKind::Malformed));
            };
            self.left = Some(left);
        }
        Ok(piece)
    }

    fn failure(&mut self, error: &StreamError) -> BodyError {
        self.fail(match error {
            StreamError::RemoteTerminate { code, .. } if *code == Code::H3_MESSAGE_ERROR => BodyErrorKind::Malformed,
            StreamError::StreamError { .. } => BodyErrorKind::Malformed,
            StreamError::HeaderTooBig { .. } => BodyErrorKind::TooLarge { limit: self.limit },
            _ => BodyErrorKind::Incomplete,
        })
    }

    /// The next piece or the trailers, as far as they are there.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        while self.state == State::Data {
            match self.recv.poll_recv_data(cx) {
                Poll::Ready(Ok(Some(mut data))) => {
                    let piece = data.copy_to_bytes(data.remaining());
                    if !piece.is_empty() {
                        return Poll::Ready(Some(self.take(piece).map(Frame::data)));
                    }
                }
                Poll::Ready(Ok(None)) => {
                    if self.left.is_some_and(|left| left > 0) {
                        return Poll::Ready(Some(Err(self.fail(BodyErrorKind::Malformed))));
                    }
                    self.state = State::Trailers;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(self.failure(&error)))),
                Poll::Pending => return Poll::Pending,
            }
        }
        if self.state == State::Trailers {
            match self.recv.poll_recv_trailers(cx) {
                Poll::Ready(Ok(trailers)) => {
                    self.state = State::Ended;
                    let trailers = trailers.map(allowed_trailers).filter(|trailers| !trailers.is_empty());
                    return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(self.failure(&error)))),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(None)
    }

    /// Nothing is there. Ready once that has lasted for too long.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<BodyError> {
        if std::mem::take(&mut self.continue_due) {
            self.signals.want_continue();
        }
        loop {
            let mut deadlines = Deadlines::new();
            if self.pace.is_too_slow(self.received, &mut deadlines, &self.config) {
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
        if let Some(had_come) = this.first.take().or_else(|| this.second.take()) {
            return Poll::Ready(Some(had_come));
        }
        match this.poll_piece(cx) {
            Poll::Pending => this.poll_late(cx).map(|error| Some(Err(error))),
            ready => ready,
        }
    }

    fn size_hint(&self) -> SizeHint {
        let waiting = match &self.first {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len) as u64,
            _ => 0,
        };
        self.left
            .map_or_else(SizeHint::default, |left| SizeHint::with_exact(left + waiting))
    }
}
