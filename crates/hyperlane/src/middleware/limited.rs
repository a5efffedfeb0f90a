//! A request's body that ends with an error beyond a limit.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyperlane_core::{Body, BodyError, BodyErrorKind};

/// Passes on at most `limit` bytes; what would be more is [`BodyErrorKind::TooLarge`], which is answered 413.
pub(crate) struct Limited {
    body: Body,
    limit: u64,
    left: u64,
}

impl Limited {
    pub(crate) fn new(body: Body, limit: u64) -> Self {
        Self {
            body,
            limit,
            left: limit,
        }
    }
}

impl http_body::Body for Limited {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let length = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len) as u64,
            _ => 0,
        };
        match self.left.checked_sub(length) {
            Some(left) => self.left = left,
            None => {
                // Nothing more is read of it, and what is left of it in memory can go.
                self.body = Body::empty();
                let kind = BodyErrorKind::TooLarge { limit: self.limit };
                return Poll::Ready(Some(Err(BodyError::new(kind))));
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
