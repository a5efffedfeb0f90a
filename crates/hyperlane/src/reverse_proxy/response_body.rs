//! The response's body on its way from the upstream to the client.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyperlane_core::{BoxError, Draining};
use tokio::time::{Instant, Sleep, sleep};

/// The body, with a limit on how long the upstream may be silent. It is read from the upstream only as the client takes
/// it, and an error breaks the response off.
pub(super) struct ResponseBody {
    incoming: Incoming,
    limit: Duration,
    /// Set while the upstream is waited for.
    timer: Option<Pin<Box<Sleep>>>,
    is_waiting: bool,
    /// For a stream that goes on for as long as its client likes.
    draining: Option<Draining>,
    /// To a `HEAD` request whose answer tells no length.
    of_unknown_length: bool,
    upstream: String,
    /// Why it broke off. It is told one poll later, so that what came before is sent first.
    broken: Option<BoxError>,
    has_ended: bool,
}

impl ResponseBody {
    pub(super) fn new(incoming: Incoming, limit: Duration, upstream: String) -> Self {
        Self {
            incoming,
            limit,
            timer: None,
            is_waiting: false,
            draining: None,
            of_unknown_length: false,
            upstream,
            broken: None,
            has_ended: false,
        }
    }

    /// Ends it when the server begins to shut down.
    pub(super) fn until(mut self, draining: Option<Draining>) -> Self {
        self.draining = draining;
        self
    }

    /// Hides that it is empty.
    pub(super) fn of_unknown_length(mut self) -> Self {
        self.of_unknown_length = true;
        self
    }

    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.limit)));
        if !std::mem::replace(&mut self.is_waiting, true)
            && let Some(end) = Instant::now().checked_add(self.limit)
        {
            timer.as_mut().reset(end);
        }
        timer.as_mut().poll(cx)
    }

    fn break_off(&mut self, error: BoxError, cx: &Context<'_>) {
        tracing::warn!(upstream = %self.upstream, %error, "response of an upstream broke off");
        self.broken = Some(error);
        cx.waker().wake_by_ref();
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if let Some(error) = this.broken.take() {
            this.has_ended = true;
            return Poll::Ready(Some(Err(error)));
        }
        let drains = this.draining.as_mut();
        if this.has_ended || drains.is_some_and(|draining| Pin::new(draining).poll(cx).is_ready()) {
            this.has_ended = true;
            return Poll::Ready(None);
        }
        match Pin::new(&mut this.incoming).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.is_waiting = false;
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => {
                this.has_ended = true;
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(error))) => {
                this.break_off(error.into(), cx);
                Poll::Pending
            }
            Poll::Pending => {
                ready!(this.poll_silence(cx));
                let message = format!("nothing came for {:?}", this.limit);
                this.break_off(message.into(), cx);
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        !self.of_unknown_length && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.of_unknown_length || self.draining.is_some() {
            return SizeHint::default();
        }
        self.incoming.size_hint()
    }
}
