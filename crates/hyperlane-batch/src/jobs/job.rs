//! A job: as it is written, as its handler sees it, and as it is listed.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Serialize, Serializer};
use tokio_util::sync::CancellationToken;

use super::{Jobs, store};
use crate::{clock::millis, database::Connection, error::Error};

/// How often a job is tried before it is dead: with the pauses between, over half a day.
const MAX_ATTEMPTS: u32 = 20;

/// The number of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct JobId(pub i64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A job before it is written.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub(super) kind: String,
    pub(super) payload: Result<String, String>,
    pub(super) unique: Option<String>,
    pub(super) idempotency: Option<String>,
    pub(super) delay: Duration,
    pub(super) max_attempts: u32,
}

impl NewJob {
    /// A job of a kind, which a [`Worker`](super::Worker) has a handler for, with what that handler is given; it is kept
    /// as JSON. A value that can't be JSON is told by [`Jobs::enqueue`].
    pub fn new(kind: impl Into<String>, payload: &impl Serialize) -> Self {
        Self {
            kind: kind.into(),
            payload: serde_json::to_string(payload).map_err(|error| error.to_string()),
            unique: None,
            idempotency: None,
            delay: Duration::ZERO,
            max_attempts: MAX_ATTEMPTS,
        }
    }

    /// At most one job of this kind with this key waits or runs at a time.
    #[must_use]
    pub fn unique(mut self, key: impl Into<String>) -> Self {
        self.unique = Some(key.into());
        self
    }

    /// A job of this kind with this key is written once, also after it has ended: for a request that a client may send
    /// twice. It holds until the job is [purged](Jobs::purge).
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency = Some(key.into());
        self
    }

    /// Not before so much time has gone by. Default: at once.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// How often it is tried, at least once, before it is dead. Default: 20 times, which with the pauses between takes
    /// about half a day.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.max(1);
        self
    }
}

/// What a handler is told about its job.
#[derive(Debug, Clone)]
pub struct Job {
    pub(super) jobs: Jobs,
    pub(super) id: JobId,
    pub(super) attempt: i64,
    pub(super) fence: i64,
    pub(super) stopping: CancellationToken,
}

impl Job {
    /// The number of the job, the same in each attempt.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Which attempt this is, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        u32::try_from(self.attempt).unwrap_or(u32::MAX)
    }

    /// Ends when the worker is told to stop. A handler that has a good place to stop at looks here and returns
    /// [`JobError::give_back`]; one that does not look has the worker's [grace](super::Worker::grace) to end.
    pub async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    /// Marks the job as done in a transaction, with what else that writes: if it commits, both have happened, once.
    ///
    /// # Errors
    ///
    /// When somebody else holds the job by now, after this worker could not renew its lease in time; the transaction is
    /// to be dropped then.
    pub async fn complete<'c>(&self, connection: impl Into<Connection<'c>>) -> Result<(), Error> {
        let Connection(mut link) = connection.into();
        if store::finish(
            &mut link,
            self.id,
            self.fence,
            store::Ending::Done,
            self.jobs.clock().now(),
        )
        .await?
        {
            Ok(())
        } else {
            Err(Error::unknown(format!("job {} is not this worker's any more", self.id)))
        }
    }
}

/// Why an attempt failed.
///
/// Any error becomes one by `?`; the job is then tried again later.
#[derive(Debug)]
pub struct JobError {
    pub(super) reason: String,
    pub(super) then: Then,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Retry,
    Die,
    GiveBack,
}

impl JobError {
    /// The job is tried again after a pause.
    pub fn retry(reason: impl fmt::Display) -> Self {
        Self {
            reason: reason.to_string(),
            then: Then::Retry,
        }
    }

    /// No further attempt would help: the job is dead, and kept.
    pub fn fatal(reason: impl fmt::Display) -> Self {
        Self {
            reason: reason.to_string(),
            then: Then::Die,
        }
    }

    /// Nothing is wrong, the worker is [stopping](Job::stopping): the job waits for the next worker, and this attempt
    /// does not count.
    #[must_use]
    pub fn give_back() -> Self {
        Self {
            reason: String::new(),
            then: Then::GiveBack,
        }
    }
}

impl<E: std::error::Error> From<E> for JobError {
    fn from(error: E) -> Self {
        let mut reason = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !reason.contains(&cause_text) {
                reason = format!("{reason}: {cause_text}");
            }
            source = cause.source();
        }
        Self::retry(reason)
    }
}

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum JobState {
    /// It waits for its time, or for a worker.
    Ready,
    /// A worker holds it.
    Running,
    /// It has been done.
    Done,
    /// All attempts failed, or one so that no further would help. It is kept, and [`Jobs::retry`] lets it run again.
    Dead,
    /// It was cancelled.
    Cancelled,
}

impl JobState {
    /// Whether nothing more happens to it by itself.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Dead | Self::Cancelled)
    }

    /// Its name in the table: `ready`, `running`, `done`, `dead` or `cancelled`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }
}

impl FromStr for JobState {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let all = [Self::Ready, Self::Running, Self::Done, Self::Dead, Self::Cancelled];
        let found = all.into_iter().find(|state| state.name() == name);
        found.ok_or_else(|| Error::misuse(format!("{name:?} is no state of a job")))
    }
}

impl Serialize for JobState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A job as it is listed.
#[derive(Debug, Clone, Serialize)]
pub struct JobStatus {
    pub(super) id: JobId,
    pub(super) kind: String,
    pub(super) state: JobState,
    pub(super) attempt: i64,
    pub(super) max_attempts: i64,
    pub(super) run_at_ms: i64,
    pub(super) last_error: Option<String>,
}

impl JobStatus {
    /// Its number.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.id
    }

    /// What handler it is for.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Where it is in its life.
    #[must_use]
    pub fn state(&self) -> JobState {
        self.state
    }

    /// Whether it has been done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == JobState::Done
    }

    /// How many attempts were begun.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        u32::try_from(self.attempt).unwrap_or(u32::MAX)
    }

    /// Why the last attempt failed, if one did.
    #[must_use]
    pub fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }
}

impl NewJob {
    pub(super) fn run_at(&self, now: i64) -> i64 {
        now.saturating_add(millis(self.delay))
    }
}
