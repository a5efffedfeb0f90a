//! The bulkhead: how many ask one source at a time, so that a slow one takes neither all memory nor all connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::failure::Failure;

/// The places at one source.
#[derive(Debug)]
pub(crate) struct Bulkhead {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    max_waiting: usize,
}

impl Bulkhead {
    pub(crate) fn new(places: usize, max_waiting: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(places)),
            waiting: AtomicUsize::new(0),
            max_waiting,
        }
    }

    /// Waits for a place, in order of arrival; at once [`Failure::Overloaded`] where too many wait already.
    pub(crate) async fn enter(&self) -> Result<OwnedSemaphorePermit, Failure> {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return Ok(place);
        }
        let _waiting = Counted::enter(&self.waiting, self.max_waiting).ok_or(Failure::Overloaded)?;
        self.places
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| Failure::Overloaded)
    }

    pub(crate) fn has_room(&self) -> bool {
        self.places.available_permits() > 0
    }
}

/// One of those who are counted, until it is dropped.
#[derive(Debug)]
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    /// `None` where there are as many as may be.
    fn enter(count: &'a AtomicUsize, max: usize) -> Option<Self> {
        let one_more = |count| (count < max).then_some(count + 1);
        let entered = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        entered.ok().map(|_| Self(count))
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
