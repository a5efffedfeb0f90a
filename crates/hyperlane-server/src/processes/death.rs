//! When a worker that has died is started again, and when that is given up.

use std::collections::VecDeque;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use super::Processes;

/// A worker that lived for less may never come to serve: it is waited before the next start.
const SHORT_LIFE: Duration = Duration::from_secs(1);
const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// The deaths of one worker.
#[derive(Debug)]
pub(super) struct Deaths {
    most: usize,
    window: Duration,
    recent: VecDeque<Instant>,
    short_lives: u32,
}

impl Deaths {
    pub(super) fn new(processes: &Processes) -> Self {
        Self {
            most: processes.deaths,
            window: processes.window,
            recent: VecDeque::new(),
            short_lives: 0,
        }
    }

    /// Counts one, after a life of `lived`. How long to wait before the next start; `None`: there were too many.
    pub(super) fn count(&mut self, lived: Duration) -> Option<Duration> {
        let now = Instant::now();
        self.recent.push_back(now);
        while self.recent.front().is_some_and(|death| now - *death > self.window) {
            self.recent.pop_front();
        }
        if self.recent.len() > self.most {
            return None;
        }
        if lived >= SHORT_LIFE {
            self.short_lives = 0;
            return Some(Duration::ZERO);
        }
        self.short_lives = self.short_lives.saturating_add(1);
        match self.short_lives {
            1 => Some(Duration::ZERO),
            lives => Some((FIRST_DELAY * 2u32.saturating_pow((lives - 2).min(16))).min(LONGEST_DELAY)),
        }
    }

    /// Why it is given up.
    pub(super) fn failure(&self, number: usize, of: usize, last: &str) -> WorkersFailed {
        let (deaths, window) = (self.recent.len(), self.window);
        WorkersFailed {
            what: format!("worker {number} of {of} has died {deaths} times within {window:?}, now {last}: given up"),
        }
    }
}

/// The processes of a server could not be kept alive, or not even started.
#[derive(Clone, Debug)]
pub struct WorkersFailed {
    what: String,
}

impl WorkersFailed {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

impl fmt::Display for WorkersFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl StdError for WorkersFailed {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn short_lives_are_waited_for_longer_and_longer_and_too_many_are_given_up() {
        let mut deaths = Deaths::new(&Processes::new(2).deaths(7, Duration::from_secs(30)));
        let mut delays = Vec::new();
        while let Some(delay) = deaths.count(Duration::from_millis(5)) {
            tokio::time::advance(delay).await;
            delays.push(delay.as_millis());
        }
        assert_eq!(delays, [0, 100, 200, 400, 800, 1600, 2000]);
        let text = deaths.failure(1, 2, "by signal 9").to_string();
        assert!(text.contains("worker 1 of 2 has died 8 times within 30s"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_life_is_followed_by_the_next_at_once_and_old_deaths_are_forgotten() {
        let mut deaths = Deaths::new(&Processes::new(2).deaths(2, Duration::from_secs(10)));
        for _ in 0..20 {
            assert_eq!(deaths.count(Duration::from_secs(6)), Some(Duration::ZERO));
            tokio::time::advance(Duration::from_secs(6)).await;
        }
    }
}
