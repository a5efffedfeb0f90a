//! Between the body and the parser: hands over a piece at a time, so that no more than that is in memory.
//!
//! The parser by itself takes all that the body has ready, and searches for the end of a field's head in all of it
//! anew each time.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http::StatusCode;
use hyperlane_core::{Body, BodyError, BoxError};

use crate::extract::{Rejection, RejectionKind};

/// The most bytes before a field's data: its head, or what stands before the first boundary.
const HEAD_LIMIT: usize = 16 * 1024;

/// The body as the parser sees it.
pub(super) struct Feed {
    body: Body,
    gate: Arc<Gate>,
}

/// What passes, and what has passed.
#[derive(Default)]
pub(super) struct Gate(Mutex<GateState>);

#[derive(Default)]
struct GateState {
    /// Whether the next piece may pass.
    open: bool,
    /// Whether the parser was told to wait although there may be more.
    held_back: bool,
    /// What may still pass of a head, while one is read.
    head_left: Option<usize>,
}

/// A field's head is over its limit.
#[derive(Debug)]
struct HeadTooLarge;

impl Gate {
    /// Lets one piece pass.
    pub(super) fn open(&self) {
        let mut state = self.lock();
        state.open = true;
        state.held_back = false;
    }

    /// Whether the parser waits for the gate, rather than for the client.
    pub(super) fn is_held_back(&self) -> bool {
        self.lock().held_back
    }

    pub(super) fn begin_head(&self) {
        self.lock().head_left.get_or_insert(HEAD_LIMIT);
    }

    pub(super) fn end_head(&self) {
        self.lock().head_left = None;
    }

    fn lock(&self) -> MutexGuard<'_, GateState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feed {
    pub(super) fn new(body: Body, gate: Arc<Gate>) -> Self {
        Self { body, gate }
    }
}

impl Stream for Feed {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let Self { body, gate } = &mut *self;
        let mut state = gate.lock();
        if !state.open {
            state.held_back = true;
            return Poll::Pending;
        }
        if state.head_left == Some(0) {
            return Poll::Ready(Some(Err(Box::new(HeadTooLarge))));
        }
        Pin::new(body).poll_next(cx).map(|item| {
            let item = item?;
            if let Ok(chunk) = &item {
                state.open = false;
                state.head_left = state.head_left.map(|left| left.saturating_sub(chunk.len()));
            }
            Some(item.map_err(BoxError::from))
        })
    }
}

impl fmt::Display for HeadTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "head of a field of the multipart form exceeds {HEAD_LIMIT} bytes")
    }
}

impl std::error::Error for HeadTooLarge {}

/// What an error of the parser means for the request.
pub(super) fn reject(error: multer::Error) -> Rejection {
    use multer::Error;

    let malformed =
        |message: String| Rejection::new(StatusCode::BAD_REQUEST, message).with_kind(RejectionKind::Malformed);
    match error {
        Error::StreamReadFailed(source) => match source.downcast::<BodyError>() {
            Ok(error) => Rejection::from(*error),
            Err(source) => Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, source.to_string())
                .with_kind(RejectionKind::TooLarge)
                .with_source(source),
        },
        Error::IncompleteFieldData { .. } | Error::IncompleteHeaders | Error::IncompleteStream => {
            let message = "multipart form is cut short, or its boundary is not that of its content type";
            malformed(message.to_owned()).with_source(error)
        }
        Error::NoBoundary | Error::DecodeContentType(_) => {
            malformed("content type of the multipart form has no boundary".to_owned()).with_source(error)
        }
        other => malformed("head of a field of the multipart form is malformed".to_owned()).with_source(other),
    }
}
