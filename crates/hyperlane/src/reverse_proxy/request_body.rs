//! The request's body on its way to the upstream, and who is waited for meanwhile.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyperlane_core::{Body, BodyError, BodyErrorKind};
use tokio::time::Instant;

/// The body as the client of the upstream takes it. It is read from the client only as the upstream takes it.
///
/// A clone is for watching, and for another try: as long as nothing was read, all of it is there.
#[derive(Clone)]
pub(super) struct RequestBody(Arc<Mutex<State>>);

struct State {
    body: Body,
    is_read: bool,
    waits_for_client: bool,
    /// Since when nothing has moved.
    since: Instant,
    failure: Option<BodyErrorKind>,
}

impl RequestBody {
    pub(super) fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(State {
            body,
            is_read: false,
            waits_for_client: false,
            since: Instant::now(),
            failure: None,
        })))
    }

    /// Whether there is none, and no trailers.
    pub(super) fn is_empty(&self) -> bool {
        self.lock().body.is_empty()
    }

    /// Its length in bytes, if it is known.
    pub(super) fn length(&self) -> Option<u64> {
        self.lock().body.size_hint().exact()
    }

    /// Whether something of it was given away, so that it can't be sent again.
    pub(super) fn is_read(&self) -> bool {
        self.lock().is_read
    }

    /// Why it could not be read from the client, if so.
    pub(super) fn failure(&self) -> Option<BodyErrorKind> {
        self.lock().failure
    }

    /// Since when the upstream is waited for; `None` while it is the client.
    pub(super) fn waiting_since(&self) -> Option<Instant> {
        let state = self.lock();
        (!state.waits_for_client).then_some(state.since)
    }

    /// A new try begins.
    pub(super) fn restart(&self) {
        self.lock().since = Instant::now();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut state = self.lock();
        state.is_read = true;
        let polled = Pin::new(&mut state.body).poll_frame(cx);
        state.waits_for_client = polled.is_pending();
        state.since = Instant::now();
        if let Poll::Ready(Some(Err(error))) = &polled {
            state.failure = Some(error.kind());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.lock().body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.lock().body.size_hint()
    }
}
