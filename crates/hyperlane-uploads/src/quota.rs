//! How many bytes the store holds, and may hold.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{UploadError, UploadErrorKind};

/// The count, shared by all uploads of a process.
#[derive(Debug)]
pub(crate) struct Quota {
    used: AtomicU64,
    limit: u64,
}

impl Quota {
    pub(crate) fn new(used: u64, limit: u64) -> Self {
        Self {
            used: AtomicU64::new(used),
            limit,
        }
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    pub(crate) fn has_room(&self, bytes: u64) -> bool {
        self.used().checked_add(bytes).is_some_and(|sum| sum <= self.limit)
    }

    pub(crate) fn take(&self, bytes: u64) -> Result<(), UploadError> {
        let sum = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= self.limit);
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
        taken
            .map(drop)
            .map_err(|_| UploadError::new(UploadErrorKind::StoreFull))
    }

    pub(crate) fn give_back(&self, bytes: u64) {
        let less = |used: u64| Some(used.saturating_sub(bytes));
        let _ = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

/// The bytes of an upload in progress. They are given back when it and its clones are dropped, but for those that are
/// kept.
#[derive(Clone, Debug)]
pub(crate) struct Reservation(Arc<Reserved>);

#[derive(Debug)]
struct Reserved {
    quota: Arc<Quota>,
    bytes: AtomicU64,
}

impl Reservation {
    pub(crate) fn new(quota: &Arc<Quota>) -> Self {
        Self(Arc::new(Reserved {
            quota: Arc::clone(quota),
            bytes: AtomicU64::new(0),
        }))
    }

    pub(crate) fn grow(&self, bytes: u64) -> Result<(), UploadError> {
        self.0.quota.take(bytes)?;
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Keeps so many of the bytes counted, now that they are on disk for good.
    pub(crate) fn keep(&self, bytes: u64) {
        let less = |reserved: u64| Some(reserved.saturating_sub(bytes));
        let _ = self.0.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.quota.give_back(*self.bytes.get_mut());
    }
}
