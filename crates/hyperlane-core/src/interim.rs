//! Interim responses (RFC 9110 §15.2): what a handler says before its response.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, StatusCode};

/// How many may wait for an engine; a request has use for one or two.
const MOST: usize = 16;

/// An interim response: a status and fields.
#[derive(Clone, Debug)]
pub struct Interim {
    /// A status of 1xx; neither 100 nor 101, which are the engine's.
    pub status: StatusCode,
    /// Its fields.
    pub headers: HeaderMap,
}

/// Interim responses that wait for the engine. A connection without any costs one look at a flag for each request.
#[derive(Default)]
pub(crate) struct InterimQueue {
    waiting: AtomicBool,
    queue: Mutex<Vec<Interim>>,
}

impl InterimQueue {
    /// Appends one; false where it is none, or too many wait.
    pub(crate) fn push(&self, interim: Interim) -> bool {
        let status = interim.status;
        if !status.is_informational() || status == StatusCode::CONTINUE || status == StatusCode::SWITCHING_PROTOCOLS {
            return false;
        }
        // No code panics under the lock, so a poisoned one holds a sound value.
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() >= MOST {
            return false;
        }
        queue.push(interim);
        self.waiting.store(true, Ordering::Release);
        true
    }

    /// Takes all.
    #[inline]
    pub(crate) fn take(&self) -> Option<Vec<Interim>> {
        self.waiting.load(Ordering::Acquire).then(|| self.take_waiting())
    }

    #[cold]
    fn take_waiting(&self) -> Vec<Interim> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiting.store(false, Ordering::Release);
        std::mem::take(&mut *queue)
    }
}

/// What waits belongs to the request in hand: a copy of the description begins without.
impl Clone for InterimQueue {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// What waits makes no difference between two descriptions of one connection.
impl PartialEq for InterimQueue {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for InterimQueue {}

impl fmt::Debug for InterimQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InterimQueue")
    }
}
