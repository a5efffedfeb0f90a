//! A request's body whose bytes are counted as they are read.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context as TaskContext, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyperlane_core::{Body, BodyError};

use crate::context::Context;

/// How much of a request's body came in.
pub(crate) enum Received {
    /// It was at hand, or there is none.
    Known(u64),
    /// It is read while the request is answered.
    Counted(Arc<AtomicU64>),
}

impl Received {
    /// Counts what is read of the body from now on.
    pub(crate) fn of(ctx: &Context) -> Self {
        let mut received = Self::Known(0);
        ctx.wrap_body(|mut body| {
            if let Some(bytes) = body.take_full() {
                received = Self::Known(bytes.len() as u64);
                let whole = Body::from(bytes);
                return match body.trailers() {
                    Some(trailers) => whole.with_trailers(trailers.clone()),
                    None => whole,
                };
            }
            let bytes = Arc::<AtomicU64>::default();
            received = Self::Counted(Arc::clone(&bytes));
            Body::wrap(Counting { body, bytes })
        });
        received
    }

    /// The bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Known(bytes) => *bytes,
            Self::Counted(bytes) => bytes.load(Ordering::Relaxed),
        }
    }
}

struct Counting {
    body: Body,
    bytes: Arc<AtomicU64>,
}

impl http_body::Body for Counting {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            let length = frame.data_ref().map_or(0, Bytes::len);
            self.bytes.fetch_add(length as u64, Ordering::Relaxed);
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
