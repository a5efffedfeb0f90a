//! What the two halves of a request's stream, and who answers on it, have to tell each other.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use h3::error::Code;
use h3::quic::StreamId;
use quinn::{StoppedError, VarInt};

/// Ends when the client wants no more of a response, or has all of it.
pub(in crate::h3) type Stopped = Pin<Box<dyn Future<Output = Result<Option<VarInt>, StoppedError>> + Send + Sync>>;

/// What is known of the streams of requests beyond what the `h3` crate tells; shared with those who answer them.
#[derive(Clone, Default)]
pub(in crate::h3) struct Requests(Arc<Mutex<HashMap<u64, Arc<RequestState>>>>);

/// What the two halves of a stream, and who answers on it, have to tell each other.
pub(in crate::h3) struct RequestState {
    /// The code by which the halves end if they are not ended in order.
    code: AtomicU64,
    /// Whether its head is still being read.
    reading_head: AtomicBool,
    /// Whether something was sent.
    sent: AtomicBool,
    stopped: Mutex<Option<Stopped>>,
}

impl Requests {
    /// What belongs to the request that has just been accepted.
    pub(in crate::h3) fn take(&self, id: StreamId) -> Option<Arc<RequestState>> {
        self.lock().remove(&id.into_inner())
    }

    /// Notes that a request begins on the stream `id`.
    pub(super) fn begin(&self, id: u64, stopped: Stopped) -> Arc<RequestState> {
        let request = Arc::new(RequestState {
            code: AtomicU64::new(Code::H3_REQUEST_CANCELLED.value()),
            reading_head: AtomicBool::new(true),
            sent: AtomicBool::new(false),
            stopped: Mutex::new(Some(stopped)),
        });
        let mut waiting = self.lock();
        // Those whose streams the `h3` crate has rejected (behind the number of its GOAWAY): nobody takes them.
        waiting.retain(|_, other| Arc::strong_count(other) > 1);
        waiting.insert(id, Arc::clone(&request));
        drop(waiting);
        request
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<RequestState>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RequestState {
    /// The head was read: from now on what is not finished is reset.
    pub(in crate::h3) fn head_is_read(&self) {
        self.reading_head.store(false, Ordering::Relaxed);
    }

    /// Says by which code the stream ends if it is given up now.
    pub(in crate::h3) fn fail_with(&self, code: Code) {
        self.code.store(code.value(), Ordering::Relaxed);
    }

    pub(in crate::h3) fn take_stopped(&self) -> Option<Stopped> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn code(&self) -> u64 {
        self.code.load(Ordering::Relaxed)
    }

    pub(super) fn something_is_sent(&self) {
        self.sent.store(true, Ordering::Relaxed);
    }

    /// Whether what was sent is the `h3` crate's own answer to a head that is too large, which is whole.
    pub(super) fn is_refused(&self) -> bool {
        self.reading_head.load(Ordering::Relaxed) && self.sent.load(Ordering::Relaxed)
    }
}
