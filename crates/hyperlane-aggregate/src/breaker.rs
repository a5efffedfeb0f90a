//! The circuit breaker: who fails too often is left alone for a while, then asked carefully.
//!
//! It stands before each attempt. What is here knows no clock and does no waiting: the time is an argument, so that a
//! model can be held against it.

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

/// When a source counts as down, and how it comes back.
///
/// *Closed*, it lets all through and counts failures in a sliding window. Where too many failed it *opens*: nobody asks
/// the source, all fail at once. After a while it is *half open*: a few may try; when all of these succeed it closes,
/// when one fails it opens anew.
///
/// Errors and time-outs count as failures, and so does an attempt that the request's deadline cut off. An attempt whose
/// client left counts as nothing, and neither does what was begun before the state changed.
///
/// ```
/// use hyperlane_aggregate::Breaker;
/// use std::time::Duration;
///
/// let breaker = Breaker::new().failure_rate(0.3).open_for(Duration::from_secs(10));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Breaker {
    window: Duration,
    failure_rate: f64,
    min_calls: u32,
    open_for: Duration,
    probes: u32,
}

impl Breaker {
    /// The defaults: opens when half of at least 10 attempts of the last 10 seconds failed, for 5 seconds, and closes
    /// after 3 successes.
    pub fn new() -> Self {
        Self {
            window: Duration::from_secs(10),
            failure_rate: 0.5,
            min_calls: 10,
            open_for: Duration::from_secs(5),
            probes: 3,
        }
    }

    /// How far back attempts count. Default: 10 seconds, long enough to see a rate in little traffic, short enough to
    /// forget an outage that is over. It slides in steps of a tenth.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window.max(Duration::from_millis(BUCKETS as u64));
        self
    }

    /// The share of failed attempts that opens it, between 0 and 1. Default: 0.5, since a source that fails every other
    /// time costs more in waiting and retries than it gives.
    #[must_use]
    pub fn failure_rate(mut self, rate: f64) -> Self {
        self.failure_rate = if rate.is_nan() { 1.0 } else { rate.clamp(0.0, 1.0) };
        self
    }

    /// How many attempts the window must hold before a rate is believed, at least 1. Default: 10, so that one failure in
    /// a quiet night opens nothing.
    #[must_use]
    pub fn min_calls(mut self, calls: u32) -> Self {
        self.min_calls = calls.max(1);
        self
    }

    /// How long it stays open. Default: 5 seconds, about what a restart of a service takes.
    #[must_use]
    pub fn open_for(mut self, time: Duration) -> Self {
        self.open_for = time;
        self
    }

    /// How many attempts are let through half open, and must succeed for it to close; at least 1. Default: 3, since one
    /// success may be luck.
    #[must_use]
    pub fn probes(mut self, probes: u32) -> Self {
        self.probes = probes.max(1);
        self
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self::new()
    }
}

/// Where a circuit breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CircuitState {
    /// All may ask.
    Closed,
    /// Nobody may.
    Open,
    /// A few may try.
    HalfOpen,
}

/// One source's breaker at work.
#[derive(Debug)]
pub(crate) struct Circuit {
    settings: Breaker,
    stage: Stage,
    /// Changes with the stage: what was admitted in an earlier one has no say any more.
    era: u64,
}

#[derive(Debug)]
enum Stage {
    Closed(Window),
    Open { until: Instant },
    HalfOpen { running: u32, succeeded: u32 },
}

/// The right to one attempt; to be [reported](Circuit::report) once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

/// How an attempt ended, as the breaker sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Success,
    Failure,
    /// It was given up before anybody could tell.
    Unknown,
}

/// How long to wait before it is worth asking again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) Duration);

impl Circuit {
    pub(crate) fn new(settings: Breaker, now: Instant) -> Self {
        let window = Window::new(settings.window, now);
        Self {
            settings,
            stage: Stage::Closed(window),
            era: 0,
        }
    }

    /// Asks for one attempt.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<Ticket, Refused> {
        self.look(now)?;
        if let Stage::Open { .. } = self.stage {
            self.enter(Stage::HalfOpen {
                running: 0,
                succeeded: 0,
            });
        }
        if let Stage::HalfOpen { running, .. } = &mut self.stage {
            *running += 1;
        }
        Ok(Ticket(self.era))
    }

    /// Whether an attempt would be refused, without asking for one.
    pub(crate) fn look(&self, now: Instant) -> Result<(), Refused> {
        match self.stage {
            Stage::Closed(_) => Ok(()),
            Stage::Open { until } if now < until => Err(Refused(until - now)),
            Stage::Open { .. } => Ok(()),
            Stage::HalfOpen { running, succeeded } if running + succeeded < self.settings.probes => Ok(()),
            Stage::HalfOpen { .. } => Err(Refused(Duration::ZERO)),
        }
    }

    /// Says how an attempt ended.
    pub(crate) fn report(&mut self, ticket: Ticket, outcome: Outcome, now: Instant) {
        if ticket.0 != self.era {
            return;
        }
        match &mut self.stage {
            Stage::Closed(window) => {
                let (calls, failures) = window.count(outcome, now);
                let rate = f64::from(failures) / f64::from(calls.max(1));
                if outcome == Outcome::Failure && calls >= self.settings.min_calls && rate >= self.settings.failure_rate
                {
                    self.open(now);
                }
            }
            Stage::HalfOpen { running, succeeded } => {
                *running = running.saturating_sub(1);
                match outcome {
                    Outcome::Success => {
                        *succeeded += 1;
                        if *succeeded >= self.settings.probes {
                            let window = Window::new(self.settings.window, now);
                            self.enter(Stage::Closed(window));
                        }
                    }
                    Outcome::Failure => self.open(now),
                    Outcome::Unknown => {}
                }
            }
            // Nothing is admitted while it is open, so no ticket of this era exists.
            Stage::Open { .. } => {}
        }
    }

    pub(crate) fn state(&self, now: Instant) -> CircuitState {
        match self.stage {
            Stage::Closed(_) => CircuitState::Closed,
            Stage::Open { until } if now < until => CircuitState::Open,
            Stage::Open { .. } | Stage::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }

    fn open(&mut self, now: Instant) {
        // A time that the clock can't hold is as good as a year.
        let until = now.checked_add(self.settings.open_for).unwrap_or(now + YEAR);
        self.enter(Stage::Open { until });
    }

    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.era += 1;
    }
}

const BUCKETS: usize = 10;
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Attempts and failures of the last while, in tenths of it.
#[derive(Debug)]
struct Window {
    start: Instant,
    width: Duration,
    /// Which tenth since the start the newest bucket is for.
    newest: u128,
    buckets: [(u32, u32); BUCKETS],
}

impl Window {
    fn new(span: Duration, start: Instant) -> Self {
        Self {
            start,
            width: (span / BUCKETS as u32).max(Duration::from_nanos(1)),
            newest: 0,
            buckets: [(0, 0); BUCKETS],
        }
    }

    /// Counts one more, and gives the attempts and failures that are in the window now.
    fn count(&mut self, outcome: Outcome, now: Instant) -> (u32, u32) {
        let tenth = now.saturating_duration_since(self.start).as_nanos() / self.width.as_nanos();
        let passed = tenth.saturating_sub(self.newest).min(BUCKETS as u128);
        for step in 1..=passed {
            self.buckets[((self.newest + step) % BUCKETS as u128) as usize] = (0, 0);
        }
        if passed == BUCKETS as u128 {
            self.buckets = [(0, 0); BUCKETS];
        }
        self.newest = self.newest.max(tenth);
        let bucket = &mut self.buckets[(self.newest % BUCKETS as u128) as usize];
        match outcome {
            Outcome::Success => bucket.0 = bucket.0.saturating_add(1),
            Outcome::Failure => *bucket = (bucket.0.saturating_add(1), bucket.1.saturating_add(1)),
            Outcome::Unknown => {}
        }
        self.buckets.iter().fold((0, 0), |sum: (u32, u32), bucket| {
            (sum.0.saturating_add(bucket.0), sum.1.saturating_add(bucket.1))
        })
    }
}

#[cfg(test)]
#[path = "breaker_model.rs"]
mod model;
