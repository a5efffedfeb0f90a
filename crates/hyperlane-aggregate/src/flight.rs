//! Requests in flight: who asks the same at the same time waits for the same answer.
//!
//! The work is nobody's own. All who wait for it drive it, whoever is woken; when one leaves, the others go on where it
//! was, and when the last one leaves it is dropped, which cancels it. So neither does a leader that leaves lose its
//! followers, nor does work go on that nobody waits for.

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::time::Instant;

use crate::failure::Failure;

/// What work comes to.
pub(crate) type Answer<T> = Result<Arc<T>, Failure>;

type Work<T> = Shared<BoxFuture<'static, Answer<T>>>;

/// What those who wait for a piece of work must know of it, and it of them.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The latest deadline of all who wait, or have waited; `None` if one of them has none.
    until: Mutex<Option<Instant>>,
    attempts: AtomicU32,
    followers: AtomicUsize,
}

impl Progress {
    pub(crate) fn new(until: Option<Instant>) -> Self {
        Self {
            until: Mutex::new(until),
            attempts: AtomicU32::new(0),
            followers: AtomicUsize::new(0),
        }
    }

    pub(crate) fn until(&self) -> Option<Instant> {
        *lock(&self.until)
    }

    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.until().is_some_and(|until| until <= now)
    }

    /// Notes that an attempt begins, and says whether it is the first.
    pub(crate) fn begin_attempt(&self) -> bool {
        self.attempts.fetch_add(1, Ordering::Relaxed) == 0
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }

    fn extend(&self, until: Option<Instant>) {
        let mut latest = lock(&self.until);
        *latest = latest.zip(until).map(|(one, other)| one.max(other));
    }
}

/// The work of one source that goes on now, by key. There is never more of it than requests that wait.
#[derive(Debug)]
pub(crate) struct Flights<T, K> {
    open: Mutex<HashMap<K, Flight<T>>>,
}

#[derive(Debug)]
struct Flight<T> {
    work: WeakShared<BoxFuture<'static, Answer<T>>>,
    progress: Arc<Progress>,
}

impl<T, K: Hash + Eq> Flights<T, K> {
    pub(crate) fn new() -> Self {
        Self {
            open: Mutex::new(HashMap::new()),
        }
    }

    /// Joins the work that goes on for this key, or begins it. Nobody is let in beyond `max_followers`.
    pub(crate) fn join(
        &self,
        key: K,
        until: Option<Instant>,
        max_followers: usize,
        begin: impl FnOnce(Arc<Progress>) -> BoxFuture<'static, Answer<T>>,
    ) -> Result<Waiter<T>, Failure> {
        let mut open = lock(&self.open);
        if let Some(flight) = open.get(&key)
            && let Some(work) = flight.work.upgrade()
        {
            let progress = flight.progress.clone();
            if progress.followers.load(Ordering::Relaxed) >= max_followers {
                // The last handle may be this one by now: what it drops must find the lock free.
                drop(open);
                return Err(Failure::Overloaded);
            }
            progress.followers.fetch_add(1, Ordering::Relaxed);
            progress.extend(until);
            return Ok(Waiter {
                work,
                progress,
                joined: true,
            });
        }
        let progress = Arc::new(Progress::new(until));
        let work = begin(progress.clone()).shared();
        if let Some(weak) = work.downgrade() {
            let flight = Flight {
                work: weak,
                progress: progress.clone(),
            };
            open.insert(key, flight);
        }
        Ok(Waiter {
            work,
            progress,
            joined: false,
        })
    }

    /// Who asks from now on joins no work that was begun before; those who wait for it go on.
    pub(crate) fn detach(&self, key: &K) {
        lock(&self.open).remove(key);
    }

    /// The same of all keys.
    pub(crate) fn detach_all(&self) {
        lock(&self.open).clear();
    }

    /// Forgets the work of this progress; another that took its place stays.
    pub(crate) fn forget(&self, key: &K, progress: &Arc<Progress>) {
        let mut open = lock(&self.open);
        if open
            .get(key)
            .is_some_and(|flight| Arc::ptr_eq(&flight.progress, progress))
        {
            open.remove(key);
        }
    }
}

/// One of those who wait for the same work.
#[derive(Debug)]
pub(crate) struct Waiter<T> {
    work: Work<T>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) joined: bool,
}

impl<T> Future for Waiter<T> {
    type Output = Answer<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.work.poll_unpin(cx)
    }
}

impl<T> Drop for Waiter<T> {
    fn drop(&mut self) {
        if self.joined {
            self.progress.followers.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// No code that may panic runs under these locks.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
