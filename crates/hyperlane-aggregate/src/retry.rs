//! Retries: how often, how soon, and how many of them a source may cost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

/// How a source is asked again after it failed.
///
/// Only what may pass is tried again: errors, panics and time-outs; not what
/// [`permanent_if`](crate::Source::permanent_if) knows, and not what an open breaker or a full source refused. A retry
/// that could not end before the deadline, judged by how long answers took so far, is not begun.
///
/// All requests together share a *budget*, so that an outage is not multiplied: each first attempt pays a part of a
/// retry in, each retry takes one out.
///
/// ```
/// use hyperlane_aggregate::Retry;
/// use std::time::Duration;
///
/// let retry = Retry::new().attempts(2).delay(Duration::from_millis(20));
/// ```
#[derive(Debug, Clone)]
pub struct Retry {
    attempts: u32,
    delay: Duration,
    max_delay: Duration,
    jitter: bool,
    budget: f64,
}

impl Retry {
    /// The defaults: 3 attempts, 50 to 100 ms and then twice as long apart, 20 % more attempts than requests.
    pub fn new() -> Self {
        Self {
            attempts: 3,
            delay: Duration::from_millis(50),
            max_delay: Duration::from_secs(1),
            jitter: true,
            budget: 0.2,
        }
    }

    /// How many attempts there are at most, the first included; at least 1. Default: 3, since what fails three times
    /// seldom succeeds the fourth time, and somebody waits.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The wait before the second attempt; it doubles with each. Default: 50 ms, enough for a connection to be made anew.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The longest of these waits, before jitter. Default: 1 second.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// Whether each wait is made longer by a random part of itself, so that those who failed together don't come back
    /// together. Default: true.
    #[must_use]
    pub fn jitter(mut self, jitter: bool) -> Self {
        self.jitter = jitter;
        self
    }

    /// How many retries there may be for each first attempt, on the long run. Default: 0.2, so that a source that is
    /// down gets a fifth more work, not three times as much. Ten are always saved up for a source that was quiet.
    #[must_use]
    pub fn budget(mut self, ratio: f64) -> Self {
        self.budget = if ratio.is_finite() {
            ratio.max(0.0)
        } else {
            f64::from(u32::MAX)
        };
        self
    }

    pub(crate) fn delays(&self) -> ExponentialBackoff {
        let builder = ExponentialBuilder::new()
            .with_factor(2.0)
            .with_min_delay(self.delay.min(self.max_delay))
            .with_max_delay(self.max_delay)
            .with_max_times(self.attempts as usize - 1);
        let builder = if self.jitter { builder.with_jitter() } else { builder };
        builder.build()
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::new()
    }
}

/// What is left of the retries that all requests of a source share, in thousandths of one.
#[derive(Debug)]
pub(crate) struct Budget {
    left: AtomicU64,
    income: u64,
}

const ONE: u64 = 1000;
/// Enough to mend a failure now and then in little traffic.
const SAVED: u64 = 10 * ONE;

impl Budget {
    pub(crate) fn new(retry: Option<&Retry>) -> Self {
        Self {
            left: AtomicU64::new(SAVED),
            income: retry.map_or(0, |retry| (retry.budget * ONE as f64) as u64),
        }
    }

    /// Pays in for a first attempt.
    pub(crate) fn deposit(&self) {
        self.change(|left| Some(left.saturating_add(self.income).min(SAVED.max(self.income))));
    }

    /// Takes one retry out, if there is one.
    pub(crate) fn withdraw(&self) -> bool {
        self.change(|left| left.checked_sub(ONE))
    }

    fn change(&self, change: impl FnMut(u64) -> Option<u64>) -> bool {
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, change)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_lets_a_fifth_of_the_requests_be_retried_after_its_savings_are_gone() {
        let budget = Budget::new(Some(&Retry::new()));
        let mut retries = 0;
        for _ in 0..1000 {
            budget.deposit();
            retries += u32::from(budget.withdraw());
        }
        assert!((200..=210).contains(&retries), "{retries}");
    }

    #[test]
    fn waits_double_up_to_their_limit_and_jitter_at_most_doubles_them_again() {
        let retry = Retry::new()
            .attempts(5)
            .delay(Duration::from_millis(100))
            .max_delay(Duration::from_millis(300));
        let millis = |retry: &Retry| retry.delays().map(|delay| delay.as_millis()).collect::<Vec<_>>();
        assert_eq!(millis(&retry.clone().jitter(false)), [100, 200, 300, 300]);
        let long = retry.clone().delay(Duration::MAX).jitter(false);
        assert_eq!(
            millis(&long),
            [300, 300, 300, 300],
            "the first wait has the limit as well"
        );
        for (actual, plain) in millis(&retry).into_iter().zip([100, 200, 300, 300]) {
            assert!((plain..=2 * plain).contains(&actual), "{actual} for {plain}");
        }
    }
}
