//! A response's body that tells how much of it was sent, and how it ended.
//!
//! What ends with a response (a line of the log, a span, a place among those that are served at once) must end with
//! its body: a stream may go on for hours after its head.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use http::{Method, StatusCode};
use http_body::{Frame, SizeHint};
use hyperlane_core::{Body, BodyError, Response};
use tracing::Span;

/// What became of a response's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BodyEnd {
    /// The bytes that were handed to the connection.
    pub(crate) bytes: u64,
    /// Whether it ended before its time: its producer failed, or the client left.
    pub(crate) aborted: bool,
}

/// Is told of the end of a body, once.
pub(crate) trait Observer: Send + 'static {
    fn ended(self, end: BodyEnd);
}

/// Lets `observer` see the end of the response's body. Each poll of it runs within `span`.
pub(crate) fn observe<O: Observer>(method: &Method, mut response: Response, span: Span, observer: O) -> Response {
    let has_content = has_content(method, response.status()) && !response.body().is_empty();
    let body = std::mem::take(response.body_mut());
    let mut observed = Observed {
        observer: Some(observer),
        expected: http_body::Body::size_hint(&body).exact(),
        bytes: 0,
        body,
        span,
    };
    if has_content {
        return response.with_body(Body::wrap(observed));
    }
    observed.end(false);
    let body = std::mem::take(&mut observed.body);
    response.with_body(body)
}

/// Stands for a response that is not there yet. Dropped before it is, it tells the observer that the request came to
/// nothing: the client left, or the middleware around gave up.
pub(crate) struct Unanswered<O: Observer>(Option<O>);

impl<O: Observer> Unanswered<O> {
    pub(crate) fn new(observer: O) -> Self {
        Self(Some(observer))
    }

    /// The response is there.
    pub(crate) fn answered(
        mut self,
        method: &Method,
        response: Response,
        span: Span,
        tell: impl FnOnce(&mut O),
    ) -> Response {
        match self.0.take() {
            Some(mut observer) => {
                tell(&mut observer);
                observe(method, response, span, observer)
            }
            None => response,
        }
    }
}

impl<O: Observer> Drop for Unanswered<O> {
    fn drop(&mut self) {
        if let Some(observer) = self.0.take() {
            observer.ended(BodyEnd {
                bytes: 0,
                aborted: true,
            });
        }
    }
}

/// Whether the body of such a response is sent at all (RFC 9110 §6.4.1).
fn has_content(method: &Method, status: StatusCode) -> bool {
    *method != Method::HEAD
        && !status.is_informational()
        && status != StatusCode::NO_CONTENT
        && status != StatusCode::NOT_MODIFIED
}

struct Observed<O: Observer> {
    body: Body,
    span: Span,
    /// `None` once the end was told.
    observer: Option<O>,
    bytes: u64,
    expected: Option<u64>,
}

impl<O: Observer> Observed<O> {
    fn end(&mut self, aborted: bool) {
        if let Some(observer) = self.observer.take() {
            let _entered = self.span.enter();
            observer.ended(BodyEnd {
                bytes: self.bytes,
                aborted,
            });
        }
    }
}

// Nothing in it is pinned: a body can be moved while it is polled.
impl<O: Observer> Unpin for Observed<O> {}

impl<O: Observer> http_body::Body for Observed<O> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let frame = {
            let _entered = this.span.enter();
            ready!(Pin::new(&mut this.body).poll_frame(cx))
        };
        match &frame {
            Some(Ok(frame)) => match frame.data_ref() {
                Some(data) => this.bytes += data.len() as u64,
                // Trailers are the last frame (RFC 9110 §6.5).
                None => this.end(false),
            },
            Some(Err(_)) => this.end(true),
            None => this.end(false),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // Trailers need a body of unknown length (RFC 9112 §7.1.2).
        match self.body.trailers() {
            Some(_) => SizeHint::new(),
            None => self.body.size_hint(),
        }
    }
}

impl<O: Observer> Drop for Observed<O> {
    fn drop(&mut self) {
        // Who knows the length may stop at the last byte, before the end is told.
        let whole = self.expected == Some(self.bytes) || self.body.is_empty();
        self.end(!whole);
    }
}
