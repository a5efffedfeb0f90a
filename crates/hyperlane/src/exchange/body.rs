//! The body of a streamed response: it drives the handler and yields what it sends.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http_body::Frame;
use hyperlane_core::body::Paced;
use hyperlane_core::{BodyError, BodyErrorKind, Response};

use super::detached::detach;
use super::{Link, is_failure, poll_guarded, warn_of_ignored};
use crate::context::Piece;
use crate::watchdog::watched;

/// Polls the handler for as long as it runs, and hands the pieces that it and others sent to the engine, each when
/// the engine asks for one. So no task is spawned, and the client's pace is the handler's.
///
/// Dropped before its end, it lets the handler run on in a task: its next `send_body` fails, and it can clean up.
pub(super) struct StreamBody {
    /// `None` once it has ended.
    handler: Option<BoxFuture<'static, Response>>,
    /// `None` once the stream has ended.
    link: Option<Link>,
    /// Pieces that the handler sent at one go. It is polled again when they are taken.
    batch: VecDeque<Bytes>,
    /// Bytes for which the engine has room.
    granted: usize,
    /// How the stream ends behind the batch, where it ends too early.
    failure: Option<BodyError>,
}

/// The most bytes that a handler sends at one go: enough for the cost of polling it not to count, and little for a
/// client that leaves.
const MAX_AHEAD: usize = 16 * 1024;

impl StreamBody {
    pub(super) fn new(handler: Option<BoxFuture<'static, Response>>, link: Link) -> Self {
        Self {
            handler,
            link: Some(link),
            batch: VecDeque::new(),
            granted: 0,
            failure: None,
        }
    }

    /// Polls the handler once.
    fn drive(&mut self, cx: &mut TaskContext<'_>) {
        let (Some(handler), Some(link)) = (&mut self.handler, &self.link) else {
            return;
        };
        link.ctx.reply().start_driving(self.granted.min(MAX_AHEAD), cx);
        let id = link.ctx.endpoint().id;
        match watched(id, || poll_guarded(handler, cx)) {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(returned)) => {
                self.handler = None;
                link.ctx.reply().finish_stream();
                if is_failure(&returned) {
                    let status = returned.status().as_u16();
                    let pattern = link.ctx.matched_pattern();
                    tracing::error!(
                        status,
                        pattern,
                        "handler returned an error in the middle of a stream, which ends as incomplete"
                    );
                    return self.fail("handler returned an error");
                }
                warn_of_ignored(&returned);
            }
            Err(panic) => {
                let pattern = link.ctx.matched_pattern();
                tracing::error!(%panic, pattern, "handler panicked in the middle of a stream, which ends as incomplete");
                self.fail("handler panicked");
            }
        }
    }

    /// Ends the stream behind what was sent.
    fn fail(&mut self, reason: &'static str) {
        self.handler = None;
        if let Some(link) = self.link.take() {
            link.ctx.reply().take_ahead(&mut self.batch);
            link.abandon();
        }
        self.failure = Some(BodyError::with_source(BodyErrorKind::Producer, reason));
    }
}

impl http_body::Body for StreamBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        if let Some(piece) = this.batch.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        // The handler first: were pieces of other tasks taken before, they could keep it from ever being polled.
        this.drive(cx);
        let Some(link) = &this.link else {
            return Poll::Ready(
                this.batch
                    .pop_front()
                    .map(|piece| Ok(Frame::data(piece)))
                    .or_else(|| this.failure.take().map(Err)),
            );
        };
        let next = link.ctx.reply().next(this.handler.is_some(), &mut this.batch, cx);
        match next {
            Piece::Wait => Poll::Pending,
            Piece::Batch => Poll::Ready(this.batch.pop_front().map(|piece| Ok(Frame::data(piece)))),
            Piece::Chunk(chunk, sender) => {
                if let Some(sender) = sender {
                    sender.wake();
                }
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
            Piece::End(trailers) => {
                if let Some(link) = this.link.take() {
                    if let Some(handler) = this.handler.take() {
                        let rest = link.rest_of_whole();
                        link.release();
                        detach(handler, rest);
                    } else {
                        link.release();
                    }
                }
                Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(*trailers))))
            }
        }
    }
}

impl Paced for StreamBody {
    fn grant(mut self: Pin<&mut Self>, bytes: usize) {
        self.granted = bytes;
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        // Senders are told before the handler goes on, so that its next one fails.
        let Some(link) = self.link.take() else {
            return;
        };
        let Some(handler) = self.handler.take() else {
            return link.abandon();
        };
        let rest = link.rest();
        link.abandon();
        detach(handler, rest);
    }
}
