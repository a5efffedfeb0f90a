//! The work of asking one source: attempt after attempt, each behind the bulkhead, the breaker and the time-out.

use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, sleep, timeout};

use crate::breaker::{CircuitState, Outcome, Ticket};
use crate::failure::Failure;
use crate::flight::{Answer, Progress, lock};
use crate::source::Inner;

/// Asks until there is an answer, or no attempt is left, or none would be in time.
pub(crate) async fn work<T, K>(inner: Arc<Inner<T, K>>, key: K, progress: Arc<Progress>) -> Answer<T>
where
    T: Send + Sync + 'static,
    K: Clone + Hash + Eq + Send + Sync + 'static,
{
    let retry = inner.policy.retry.as_ref();
    let mut delays = retry.into_iter().flat_map(crate::Retry::delays);
    loop {
        let forgotten = inner.store.as_ref().map_or(0, |store| store.forgotten(&key));
        let failure = match attempt(&inner, key.clone(), &progress).await {
            Ok(value) => {
                let value = Arc::new(value);
                if let Some(store) = &inner.store {
                    store.put_unless_forgotten(key, &value, forgotten);
                }
                return Ok(value);
            }
            Err(failure) => failure,
        };
        if let (Failure::Permanent(_), Some(store)) = (&failure, &inner.store) {
            // That is its answer now: an older one must not come back when the source fails.
            store.discard(&key);
        }
        if !failure.is_transient() {
            return Err(failure);
        }
        let Some(delay) = delays.next() else {
            return Err(failure);
        };
        let end = Instant::now().checked_add(delay.saturating_add(inner.usual.get()));
        let in_time = |until: Instant| end.is_some_and(|end| end < until);
        if !progress.until().is_none_or(in_time) || !inner.budget.withdraw() {
            return Err(failure);
        }
        sleep(delay).await;
    }
}

async fn attempt<T, K>(inner: &Inner<T, K>, key: K, progress: &Progress) -> Result<T, Failure> {
    // Who is refused anyway waits for no place.
    if let Some(circuit) = &inner.circuit {
        let looked = lock(circuit).look(Instant::now());
        looked.map_err(|refused| inner.refuse(refused.0))?;
    }
    let entered = inner.bulkhead.enter().await;
    let _place = entered.inspect_err(|_| inner.counts.overloaded.add())?;
    let mut running = Running::begin(inner, progress)?;
    if progress.begin_attempt() {
        inner.budget.deposit();
    } else {
        inner.counts.retries.add();
    }
    inner.counts.attempts.add();
    let call = AssertUnwindSafe(async { (inner.policy.call)(key).await }).catch_unwind();
    let name = &*inner.policy.name;
    match timeout(inner.policy.timeout, call).await {
        Ok(Ok(Ok(value))) => {
            inner.usual.add(running.begun.elapsed());
            running.end(Outcome::Success);
            Ok(value)
        }
        Ok(Ok(Err(error))) if inner.policy.permanent.as_ref().is_some_and(|is| is(&error)) => {
            tracing::debug!(source = name, %error, "a source refused");
            running.end(Outcome::Success);
            Err(Failure::Permanent(Arc::new(error)))
        }
        Ok(Ok(Err(error))) => {
            tracing::warn!(source = name, %error, "a source answered with an error");
            running.end(Outcome::Failure);
            Err(Failure::Error(Arc::new(error)))
        }
        Ok(Err(_panic)) => {
            tracing::error!(source = name, "asking a source panicked");
            running.end(Outcome::Failure);
            Err(Failure::Panicked)
        }
        Err(_elapsed) => {
            let limit = inner.policy.timeout;
            tracing::warn!(source = name, ?limit, "a source did not answer in time");
            inner.counts.timeouts.add();
            running.end(Outcome::Failure);
            Err(Failure::TimedOut(limit))
        }
    }
}

/// An attempt that the breaker has admitted, and hears of again whatever becomes of it.
struct Running<'a, T, K> {
    inner: &'a Inner<T, K>,
    progress: &'a Progress,
    begun: Instant,
    /// `None` without a breaker.
    ticket: Option<Ticket>,
    ended: bool,
}

impl<'a, T, K> Running<'a, T, K> {
    fn begin(inner: &'a Inner<T, K>, progress: &'a Progress) -> Result<Self, Failure> {
        let begun = Instant::now();
        let ticket = match &inner.circuit {
            None => None,
            Some(circuit) => {
                let admitted = lock(circuit).admit(begun);
                Some(admitted.map_err(|refused| inner.refuse(refused.0))?)
            }
        };
        Ok(Self {
            inner,
            progress,
            begun,
            ticket,
            ended: false,
        })
    }

    fn end(&mut self, outcome: Outcome) {
        self.ended = true;
        let (Some(circuit), Some(ticket)) = (&self.inner.circuit, self.ticket) else {
            return;
        };
        let now = Instant::now();
        let mut circuit = lock(circuit);
        let before = circuit.state(now);
        circuit.report(ticket, outcome, now);
        let after = circuit.state(now);
        drop(circuit);
        let name = &*self.inner.policy.name;
        match (before, after) {
            (CircuitState::Closed | CircuitState::HalfOpen, CircuitState::Open) => {
                self.inner.counts.opened.add();
                tracing::warn!(source = name, "a source fails too often and is left alone for a while");
            }
            (CircuitState::HalfOpen, CircuitState::Closed) => tracing::info!(source = name, "a source is back"),
            _ => {}
        }
    }
}

impl<T, K> Drop for Running<'_, T, K> {
    /// Nobody waits any more. Where a deadline is the reason, and the source took longer than it usually does, that is
    /// the source's failure; otherwise nothing is known of it.
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        self.inner.counts.cancelled.add();
        let overlong = self.begun.elapsed() > self.inner.usual.get();
        if overlong && self.progress.is_over(Instant::now()) {
            self.end(Outcome::Failure);
        } else {
            self.end(Outcome::Unknown);
        }
    }
}

/// How long answers usually take: a mean in which the last ones weigh most.
#[derive(Debug, Default)]
pub(crate) struct Usual(AtomicU64);

impl Usual {
    /// Zero before the first answer.
    pub(crate) fn get(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::Relaxed))
    }

    fn add(&self, time: Duration) {
        let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let old = self.0.load(Ordering::Relaxed);
        // Two at once lose one: it is a mean.
        let new = if old == 0 { time } else { old - old / 8 + time / 8 };
        self.0.store(new, Ordering::Relaxed);
    }
}
