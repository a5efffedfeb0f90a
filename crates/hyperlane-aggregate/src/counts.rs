//! What is counted of a source, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

use crate::failure::Failure;
use crate::part::State;

/// What has happened at a source since the program began: [`Source::counts`](crate::Source::counts).
///
/// `asked` is the sum of `fresh`, `cached`, `stale`, `fallback`, `failed`, what waits now, and those whose client left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Counts {
    /// How often it was asked for.
    pub asked: u64,
    /// Parts with an answer that was made for them.
    pub fresh: u64,
    /// Parts with an answer that was fresh in the cache.
    pub cached: u64,
    /// Parts with an old answer.
    pub stale: u64,
    /// Parts from the fallback.
    pub fallback: u64,
    /// Parts without an answer.
    pub failed: u64,
    /// Those that waited for an answer that somebody else had asked for.
    pub joined: u64,
    /// How often the source itself was called.
    pub attempts: u64,
    /// How many of these were not the first of their work.
    pub retries: u64,
    /// Attempts that ran into the source's time-out.
    pub timeouts: u64,
    /// Attempts that were dropped before their end, since nobody waited any more.
    pub cancelled: u64,
    /// Attempts that the open breaker refused.
    pub refused: u64,
    /// Attempts that found too many others waiting.
    pub overloaded: u64,
    /// How often the breaker opened.
    pub opened: u64,
}

/// What has become of one request to a source, as it is told to [`Source::observe`](crate::Source::observe).
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Observation<'a> {
    /// The source's name.
    pub source: &'a str,
    /// What the part is.
    pub state: State,
    /// Whether the answer was fresh in the cache.
    pub cached: bool,
    /// Why the source gave no answer of its own.
    pub failure: Option<&'a Failure>,
    /// How long it took.
    pub elapsed: Duration,
    /// How often the source was called for it.
    pub attempts: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The same, being counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) asked: Counter,
    pub(crate) fresh: Counter,
    pub(crate) cached: Counter,
    pub(crate) stale: Counter,
    pub(crate) fallback: Counter,
    pub(crate) failed: Counter,
    pub(crate) joined: Counter,
    pub(crate) attempts: Counter,
    pub(crate) retries: Counter,
    pub(crate) timeouts: Counter,
    pub(crate) cancelled: Counter,
    pub(crate) refused: Counter,
    pub(crate) overloaded: Counter,
    pub(crate) opened: Counter,
}

impl Counters {
    pub(crate) fn read(&self) -> Counts {
        Counts {
            asked: self.asked.read(),
            fresh: self.fresh.read(),
            cached: self.cached.read(),
            stale: self.stale.read(),
            fallback: self.fallback.read(),
            failed: self.failed.read(),
            joined: self.joined.read(),
            attempts: self.attempts.read(),
            retries: self.retries.read(),
            timeouts: self.timeouts.read(),
            cancelled: self.cancelled.read(),
            refused: self.refused.read(),
            overloaded: self.overloaded.read(),
            opened: self.opened.read(),
        }
    }
}
