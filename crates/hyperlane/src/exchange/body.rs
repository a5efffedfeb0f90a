//! The body of a streamed response: it drives the handler and yields what it sends.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http_body::Frame;
use hyperlane_core::{BodyError, BodyErrorKind, Response};

use super::{Link, detach, is_failure, poll_guarded, warn_of_ignored};
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
}

impl StreamBody {
    pub(super) fn new(handler: Option<BoxFuture<'static, Response>>, link: Link) -> Self {
        Self {
            handler,
            link: Some(link),
        }
    }

    /// Polls the handler once. An error is the end of the stream.
    fn drive(&mut self, cx: &mut TaskContext<'_>) -> Result<(), BodyError> {
        let (Some(handler), Some(link)) = (&mut self.handler, &self.link) else {
            return Ok(());
        };
        link.ctx.reply().start_driving(cx);
        let id = link.ctx.endpoint().id;
        match watched(id, || poll_guarded(handler, cx)) {
            Ok(Poll::Pending) => Ok(()),
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
                    return Err(self.fail("handler returned an error"));
                }
                warn_of_ignored(&returned);
                Ok(())
            }
            Err(panic) => {
                let pattern = link.ctx.matched_pattern();
                tracing::error!(%panic, pattern, "handler panicked in the middle of a stream, which ends as incomplete");
                Err(self.fail("handler panicked"))
            }
        }
    }

    fn fail(&mut self, reason: &'static str) -> BodyError {
        self.handler = None;
        if let Some(link) = self.link.take() {
            link.abandon();
        }
        BodyError::with_source(BodyErrorKind::Producer, reason)
    }
}

impl http_body::Body for StreamBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        // The handler first: were pieces of other tasks taken before, they could keep it from ever being polled.
        if let Err(error) = self.drive(cx) {
            return Poll::Ready(Some(Err(error)));
        }
        let Some(link) = &self.link else {
            return Poll::Ready(None);
        };
        let next = link.ctx.reply().next(self.handler.is_some(), cx);
        match next {
            Piece::Wait => Poll::Pending,
            Piece::Chunk(chunk, sender) => {
                if let Some(sender) = sender {
                    sender.wake();
                }
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
            Piece::End(trailers) => {
                if let Some(link) = self.link.take() {
                    if let Some(handler) = self.handler.take() {
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
