//! The list of live connections, and the two steps by which they are ended: draining, then closing.

use std::pin::Pin;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use hyperlane_core::{Draining, GrantLease, Lease};
use slab::Slab;
use tokio::sync::Notify;

/// The phases follow each other; it begins with 0, running.
const DRAINING: u8 = 1;
const CLOSING: u8 = 2;

/// How far the end of a server has come, and who has to hear of it.
///
/// A connection looks at it where it would wait; looking costs one relaxed load. Nobody waits on a lock or a list in
/// the way of a request: connections are woken once, when the phase changes.
#[derive(Debug, Default)]
pub(crate) struct Shutdown {
    phase: AtomicU8,
    /// Accept loops that may still bring connections.
    listeners: AtomicUsize,
    /// Threads that have something to do when the last connection has ended.
    threads: AtomicUsize,
    /// Those who hold a lease are among them.
    connections: Mutex<Slab<Option<Waker>>>,
    leases: AtomicUsize,
    /// Those who want to hear that draining begins, and for whom nobody waits. They have no part in `changed`, which
    /// every end of a connection notifies.
    watchers: Mutex<Slab<Waker>>,
    changed: Notify,
    /// For those that wait for a phase alone, which may be as many as there are connections: the end of another
    /// connection must not wake them.
    phase_changed: Notify,
}

impl Shutdown {
    /// Whether no further request shall be begun on a connection.
    pub(crate) fn is_draining(&self) -> bool {
        self.phase.load(Ordering::Acquire) >= DRAINING
    }

    /// Whether connections shall end now, whatever they are doing.
    pub(crate) fn is_closing(&self) -> bool {
        self.phase.load(Ordering::Acquire) >= CLOSING
    }

    /// Begins the end: connections finish what they have in hand.
    pub(crate) fn drain(&self) {
        self.advance(DRAINING);
    }

    /// Ends all connections at once.
    pub(crate) fn close(&self) {
        self.advance(CLOSING);
    }

    fn advance(&self, phase: u8) {
        if self.phase.fetch_max(phase, Ordering::AcqRel) >= phase {
            return;
        }
        let mut wakers: Vec<Waker> = self.lock().iter().filter_map(|(_, waker)| waker.clone()).collect();
        wakers.extend(self.watchers().iter().map(|(_, waker)| waker.clone()));
        for waker in wakers {
            waker.wake();
        }
        self.phase_changed.notify_waiters();
        self.changed.notify_waiters();
    }

    /// Waits until draining begins.
    pub(crate) async fn draining(&self) {
        self.until(&self.phase_changed, Self::is_draining).await;
    }

    /// Waits until all connections shall end.
    pub(crate) async fn closing(&self) {
        self.until(&self.phase_changed, Self::is_closing).await;
    }

    /// Waits until no connection is left, and none will come.
    pub(crate) async fn quiet(&self) {
        self.until(&self.changed, Self::is_quiet).await;
    }

    /// Waits until moreover all threads have ended.
    pub(crate) async fn idle(&self) {
        let is_idle = |shutdown: &Self| shutdown.is_quiet() && shutdown.threads.load(Ordering::Acquire) == 0;
        self.until(&self.changed, is_idle).await;
    }

    fn is_quiet(&self) -> bool {
        self.listeners.load(Ordering::Acquire) == 0 && self.lock().is_empty()
    }

    /// Says that a thread works for the server until the guard is dropped.
    pub(crate) fn working(self: &Arc<Self>) -> Working {
        self.threads.fetch_add(1, Ordering::AcqRel);
        Working(Arc::clone(self))
    }

    /// Says that connections may come until the guard is dropped.
    pub(crate) fn listening(self: &Arc<Self>) -> Listening {
        self.listeners.fetch_add(1, Ordering::AcqRel);
        Listening(Arc::clone(self))
    }

    /// Waits until a connection has ended (or the phase has changed).
    pub(crate) async fn connection_ended(&self) {
        self.changed.notified().await;
    }

    async fn until(&self, told: &Notify, condition: impl Fn(&Self) -> bool) {
        loop {
            // Enlisted before the look, so that a change right after it is not missed.
            let mut changed = std::pin::pin!(told.notified());
            changed.as_mut().enable();
            if condition(self) {
                return;
            }
            changed.await;
        }
    }

    /// Puts a connection on the list.
    pub(crate) fn register(self: &Arc<Self>) -> Registration {
        let key = self.lock().insert(None);
        Registration {
            shutdown: Arc::clone(self),
            key,
            watched: false,
        }
    }

    /// Connections on the list.
    pub(crate) fn connections(&self) -> usize {
        self.lock().len().saturating_sub(self.leases.load(Ordering::Relaxed))
    }

    fn lock(&self) -> MutexGuard<'_, Slab<Option<Waker>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watchers(&self) -> MutexGuard<'_, Slab<Waker>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An accept loop that has not ended.
#[derive(Debug)]
pub(crate) struct Listening(Arc<Shutdown>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.listeners.fetch_sub(1, Ordering::AcqRel);
        self.0.changed.notify_waiters();
    }
}

/// A thread that has not ended.
#[derive(Debug)]
pub(crate) struct Working(Arc<Shutdown>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.threads.fetch_sub(1, Ordering::AcqRel);
        self.0.changed.notify_waiters();
    }
}

/// A connection's place on the list; it is left when this is dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    shutdown: Arc<Shutdown>,
    key: usize,
    watched: bool,
}

impl Registration {
    /// Makes sure that the task of `cx` is woken when the phase changes. It is the same task throughout, so that once
    /// is enough.
    pub(crate) fn watch(&mut self, cx: &Context<'_>) {
        if !self.watched {
            self.watched = true;
            if let Some(place) = self.shutdown.lock().get_mut(self.key) {
                *place = Some(cx.waker().clone());
            }
        }
    }

    pub(crate) fn shutdown(&self) -> &Arc<Shutdown> {
        &self.shutdown
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut connections = self.shutdown.lock();
        connections.try_remove(self.key);
        drop(connections);
        self.shutdown.changed.notify_waiters();
    }
}

impl GrantLease for Shutdown {
    fn grant(self: Arc<Self>) -> Lease {
        self.leases.fetch_add(1, Ordering::Relaxed);
        Lease::new(Leased(self.register()))
    }

    fn watch(self: Arc<Self>) -> Draining {
        Draining::new(Watching {
            shutdown: self,
            key: None,
            waker: None,
        })
    }
}

/// Somebody who waits for the draining to begin.
struct Watching {
    shutdown: Arc<Shutdown>,
    /// Its place among the watchers.
    key: Option<usize>,
    /// What stands there, so that whoever is polled for every message takes the lock only once.
    waker: Option<Waker>,
}

impl Future for Watching {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(waker) = &self.waker
            && waker.will_wake(cx.waker())
        {
            return match self.shutdown.is_draining() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            };
        }
        let shutdown = Arc::clone(&self.shutdown);
        let mut watchers = shutdown.watchers();
        // Under the lock: a phase that changes right after this look finds the waker.
        if shutdown.is_draining() {
            return Poll::Ready(());
        }
        match self.key.and_then(|key| watchers.get_mut(key)) {
            Some(waker) => waker.clone_from(cx.waker()),
            None => self.key = Some(watchers.insert(cx.waker().clone())),
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let waker = self.shutdown.watchers().try_remove(key);
            drop(waker);
        }
    }
}

/// Work that goes on behind the end of its connection: a place on the list, as a connection has one.
struct Leased(Registration);

impl Future for Leased {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Unlike a connection, a lease may change its task.
        self.0.watched = false;
        self.0.watch(cx);
        if self.0.shutdown.is_closing() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Leased {
    fn drop(&mut self) {
        self.0.shutdown.leases.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(future: &mut Draining) -> Poll<()> {
        Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn who_watches_hears_of_the_draining_and_is_not_waited_for() {
        let shutdown = Arc::new(Shutdown::default());
        let mut early = GrantLease::watch(Arc::clone(&shutdown));
        let mut forgotten = GrantLease::watch(Arc::clone(&shutdown));
        assert!(poll(&mut early).is_pending() && poll(&mut early).is_pending());
        assert_eq!(shutdown.watchers().len(), 1, "one place however often it is polled");
        assert!(poll(&mut forgotten).is_pending());
        drop(forgotten);
        assert_eq!(shutdown.watchers().len(), 1, "its place is left");
        assert!(shutdown.is_quiet(), "a shutdown would not wait");
        tokio::join!(early, async { shutdown.drain() });
        assert!(shutdown.watchers().is_empty());
        assert!(poll(&mut GrantLease::watch(Arc::clone(&shutdown))).is_ready());
    }
}
