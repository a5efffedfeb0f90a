//! The watchdog: says which handler keeps a worker from serving others.
//!
//! A handler shares its thread with many connections; one that computes or blocks between two `.await`s keeps all of
//! them waiting. Each thread notes which endpoint it is polling, at the cost of two relaxed stores; one watching thread
//! looks at these notes now and then. So the log names the route while it is still blocking, and even if it never
//! ends.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

/// What each thread polls.
static THREADS: Mutex<Vec<Weak<Note>>> = Mutex::new(Vec::new());
/// The next endpoint's number; 0 stands for none.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// What a thread polls now.
#[derive(Debug)]
struct Note {
    thread: String,
    /// The endpoint's number, or 0.
    endpoint: AtomicU64,
    /// Counts polls, so that two of the same endpoint are told apart.
    polls: AtomicU64,
}

thread_local! {
    static NOTE: Arc<Note> = {
        let thread = thread::current();
        let note = Arc::new(Note {
            thread: thread.name().unwrap_or("unnamed").to_owned(),
            endpoint: AtomicU64::new(0),
            polls: AtomicU64::new(0),
        });
        let mut threads = threads();
        threads.retain(|thread| thread.strong_count() > 0);
        threads.push(Arc::downgrade(&note));
        note
    };
}

fn threads() -> MutexGuard<'static, Vec<Weak<Note>>> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A number for an endpoint, unique in this process.
pub(crate) fn new_id() -> u64 {
    NEXT_ID.fetch_add(1, Ordering::Relaxed)
}

/// Runs `poll` and notes meanwhile that this thread is busy with the endpoint.
#[inline]
pub(crate) fn watched<T>(endpoint: u64, poll: impl FnOnce() -> T) -> T {
    /// Takes the note back, even if the handler panics.
    struct Busy<'n>(&'n Note, u64);

    impl Drop for Busy<'_> {
        fn drop(&mut self) {
            self.0.endpoint.store(self.1, Ordering::Relaxed);
        }
    }

    let mut poll = Some(poll);
    let watched = NOTE.try_with(|note| {
        // Only this thread writes, so that plain loads and stores do.
        note.polls
            .store(note.polls.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        let _busy = Busy(note, note.endpoint.load(Ordering::Relaxed));
        note.endpoint.store(endpoint, Ordering::Relaxed);
        poll.take().map(|poll| poll())
    });
    match (watched, poll) {
        (Ok(Some(output)), _) => output,
        // While a thread ends its note may be gone already.
        (_, Some(poll)) => poll(),
        (_, None) => unreachable!("the poll was run, or is still here"),
    }
}

/// Watches the endpoints of one app until it is dropped.
#[derive(Debug)]
pub(crate) struct Watchdog(Arc<End>);

/// What the watching thread sleeps on between two looks.
#[derive(Debug, Default)]
struct End {
    ended: Mutex<bool>,
    changed: Condvar,
}

impl End {
    /// Waits, and says whether the end has come.
    fn came_within(&self, time: Duration) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(ended, time, |ended| !*ended);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn come(&self) {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.come();
    }
}

impl Watchdog {
    /// Begins to watch: an endpoint that keeps its thread for `limit` is logged, once for each time it does.
    ///
    /// Where no thread can be started that is logged, and nothing is watched.
    pub(crate) fn start(endpoints: HashMap<u64, String>, limit: Duration) -> Self {
        let end = Arc::<End>::default();
        let watched_for = Arc::clone(&end);
        let watch = move || {
            let mut watch = Watch::default();
            while !watched_for.came_within(limit / 4) {
                for blocked in watch.look(&endpoints, limit) {
                    let Blocked { route, thread, for_ } = blocked;
                    let ms = u64::try_from(for_.as_millis()).unwrap_or(u64::MAX);
                    tracing::warn!(
                        route,
                        thread,
                        ms,
                        "a handler blocks its worker thread, and all connections on it: use `ctx.spawn_blocking` for \
                         what computes or blocks, or `.await` more often"
                    );
                }
            }
        };
        if let Err(error) = thread::Builder::new().name("hyperlane-watchdog".into()).spawn(watch) {
            tracing::warn!(%error, "can't watch for handlers that block");
        }
        Self(end)
    }
}

/// What was seen of each thread.
#[derive(Debug, Default)]
struct Watch {
    /// By the addresses of the threads' notes.
    seen: HashMap<usize, Seen>,
}

#[derive(Debug)]
struct Seen {
    poll: (u64, u64),
    since: Instant,
    told: bool,
}

#[derive(Debug, PartialEq, Eq)]
struct Blocked {
    route: String,
    thread: String,
    for_: Duration,
}

impl Watch {
    /// Compares with the last look.
    fn look(&mut self, endpoints: &HashMap<u64, String>, limit: Duration) -> Vec<Blocked> {
        let mut blocked = Vec::new();
        let now = Instant::now();
        let notes: Vec<_> = threads().iter().filter_map(Weak::upgrade).collect();
        for note in &notes {
            let poll = (
                note.endpoint.load(Ordering::Relaxed),
                note.polls.load(Ordering::Relaxed),
            );
            let key = Arc::as_ptr(note).addr();
            let Some(route) = endpoints.get(&poll.0) else {
                self.seen.remove(&key);
                continue;
            };
            let seen = self.seen.entry(key).or_insert(Seen {
                poll,
                since: now,
                told: false,
            });
            if seen.poll != poll {
                *seen = Seen {
                    poll,
                    since: now,
                    told: false,
                };
            }
            let for_ = now - seen.since;
            if for_ >= limit && !seen.told {
                seen.told = true;
                blocked.push(Blocked {
                    route: route.clone(),
                    thread: note.thread.clone(),
                    for_,
                });
            }
        }
        blocked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(id: u64) -> HashMap<u64, String> {
        HashMap::from([(id, "GET /slow".to_owned())])
    }

    #[test]
    fn a_poll_that_goes_on_is_told_once_with_its_route() {
        let (id, mut watch) = (new_id(), Watch::default());
        watched(id, || {
            assert!(
                watch.look(&routes(id), Duration::from_nanos(1)).is_empty(),
                "it was not seen before"
            );
            let told = watch.look(&routes(id), Duration::from_nanos(1));
            assert_eq!(told.len(), 1);
            assert_eq!(told[0].route, "GET /slow");
            assert!(
                watch.look(&routes(id), Duration::from_nanos(1)).is_empty(),
                "told already"
            );
        });
        assert!(watch.look(&routes(id), Duration::ZERO).is_empty(), "it has ended");
    }

    #[test]
    fn two_short_polls_are_not_one_long() {
        let (id, mut watch) = (new_id(), Watch::default());
        watched(id, || watch.look(&routes(id), Duration::from_secs(1)));
        watched(id, || {
            assert!(watch.look(&routes(id), Duration::from_nanos(1)).is_empty());
        });
    }

    #[test]
    fn a_panic_ends_the_note_too() {
        let (id, mut watch) = (new_id(), Watch::default());
        let _ = std::panic::catch_unwind(|| watched(id, || panic!("boom")));
        watch.look(&routes(id), Duration::ZERO);
        assert!(watch.look(&routes(id), Duration::ZERO).is_empty());
    }
}
