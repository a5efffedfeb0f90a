//! Durable jobs: work that is put into the database in the same transaction as what it belongs to, and done afterwards.
//!
//! A job is a row. [`Jobs::enqueue`] writes it, in the caller's own transaction: it exists if and only if that commits. A
//! [`Worker`] takes it by a lease, which it renews while it works; where a process dies, the lease runs out and somebody
//! else takes the job. So a job is done **at least once**: [`Job::id`] is the same in each attempt, for services that take
//! a key of idempotency, and [`Job::complete`] ends a job in the transaction that writes its results, which makes these
//! happen once.

mod backoff;
mod job;
mod running;
mod schedule;
mod store;
mod worker;

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use self::{
    job::{Job, JobError, JobId, JobState, JobStatus, NewJob},
    worker::{Worker, WorkerHandle},
};
use crate::{
    clock::{Clock, millis},
    database::{Connection, Database},
    error::Error,
};

/// The queue of a database; cheap to clone.
///
/// # Example
///
/// ```
/// use hyperlane_batch::{Database, jobs::{Job, JobError, Jobs, NewJob, Worker}};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), hyperlane_batch::Error> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let url = format!("sqlite:{}", folder.path().join("jobs.sqlite").display());
/// let jobs = Jobs::open(Database::connect(&url).await?).await?;
///
/// let worker = Worker::new(&jobs)
///     .handle("welcome", async |_job: Job, address: String| -> Result<(), JobError> {
///         println!("a letter to {address}");
///         Ok(())
///     })
///     .start();
///
/// let mut transaction = jobs.database().begin().await?;
/// // … statements of your own, in the same transaction
/// let id = jobs.enqueue(&mut transaction, &NewJob::new("welcome", &"ann@example.org")).await?;
/// transaction.commit().await?;
/// jobs.wake();
///
/// assert!(jobs.finished(id).await?.is_some_and(|status| status.is_done()));
/// worker.shutdown().await;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Jobs {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    clock: Clock,
    /// Workers of this process look at once, not with their next look at the clock.
    wake: Notify,
    /// Told after each change in this process.
    changed: Notify,
    /// The jobs that run in this process, so that they can be cancelled without waiting for their next heartbeat.
    running: std::sync::Mutex<HashMap<i64, CancellationToken>>,
}

impl Jobs {
    /// The queue of a database, whose tables are made where they are missing: `hyperlane_jobs` and
    /// `hyperlane_schedules`.
    ///
    /// # Errors
    ///
    /// When the database can't be reached or does not allow to make tables.
    pub async fn open(database: Database) -> Result<Self, Error> {
        Self::open_with(database, Clock::system()).await
    }

    pub(crate) async fn open_with(database: Database, clock: Clock) -> Result<Self, Error> {
        database.create(store::SCHEMA).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                database,
                clock,
                wake: Notify::new(),
                changed: Notify::new(),
                running: std::sync::Mutex::default(),
            }),
        })
    }

    /// The database that the jobs are in.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.inner.database
    }

    /// Writes a job, in the transaction that `connection` is in: it is there once that has committed, and only then.
    ///
    /// Where a job with the same [key](NewJob::unique) is waiting or running, or one with the same
    /// [key of idempotency](NewJob::idempotency_key) was ever written, that one's id is returned and nothing is written.
    ///
    /// # Errors
    ///
    /// When the database refuses.
    pub async fn enqueue<'c>(&self, connection: impl Into<Connection<'c>>, job: &NewJob) -> Result<JobId, Error> {
        let Connection(mut link) = connection.into();
        store::insert(&mut link, job, self.inner.clock.now()).await
    }

    /// The same in a transaction of its own.
    ///
    /// # Errors
    ///
    /// When the database can't be reached.
    pub async fn enqueue_now(&self, job: &NewJob) -> Result<JobId, Error> {
        let mut transaction = self.inner.database.begin().await?;
        let id = self.enqueue(&mut transaction, job).await?;
        transaction.commit().await?;
        self.wake();
        Ok(id)
    }

    /// Makes this process's workers look for jobs at once. Without it they look every half second.
    pub fn wake(&self) {
        self.inner.wake.notify_one();
    }

    /// A job, or `None` where there is none of that id.
    ///
    /// # Errors
    ///
    /// When the database can't be reached.
    pub async fn get(&self, id: JobId) -> Result<Option<JobStatus>, Error> {
        store::get(&mut self.inner.database.acquire().await?.link(), id).await
    }

    /// The latest jobs, the newest first: of a state, or of all. At most 1,000.
    ///
    /// # Errors
    ///
    /// When the database can't be reached.
    pub async fn list(&self, state: Option<JobState>, limit: u16) -> Result<Vec<JobStatus>, Error> {
        let limit = limit.min(1000);
        store::list(&mut self.inner.database.acquire().await?.link(), state, limit.into()).await
    }

    /// Waits until a job has ended, and returns how; `None` where there is none of that id.
    ///
    /// # Errors
    ///
    /// When the database can't be reached.
    pub async fn finished(&self, id: JobId) -> Result<Option<JobStatus>, Error> {
        loop {
            let changed = self.inner.changed.notified();
            match self.get(id).await? {
                Some(status) if !status.state().is_final() => {}
                other => return Ok(other),
            }
            // A worker of another process tells nobody here.
            let _ = tokio::time::timeout(Duration::from_millis(500), changed).await;
        }
    }

    /// Cancels a job: one that waits is not begun, and the handler of one that runs is dropped, in this process at once
    /// and in others with their next heartbeat. Tells whether there was something to cancel.
    ///
    /// # Errors
    ///
    /// When the database can't be reached.
    pub async fn cancel(&self, id: JobId) -> Result<bool, Error> {
        let found = store::cancel(
            &mut self.inner.database.acquire().await?.link(),
            id,
            self.inner.clock.now(),
        )
        .await?;
        if let Some(token) = self.running().get(&id.0) {
            token.cancel();
        }
        self.tell();
        Ok(found)
    }

    /// Lets a job that is dead or cancelled run again, with all its attempts. Tells whether there was such a job.
    ///
    /// # Errors
    ///
    /// When the database can't be reached, or a job with the same [key](NewJob::unique) is waiting or running.
    pub async fn retry(&self, id: JobId) -> Result<bool, Error> {
        let found = store::retry(
            &mut self.inner.database.acquire().await?.link(),
            id,
            self.inner.clock.now(),
        )
        .await?;
        self.wake();
        Ok(found)
    }

    /// Forgets the jobs that ended longer ago than this, dead ones too, and returns how many. Their keys of idempotency
    /// are forgotten with them.
    ///
    /// # Errors
    ///
    /// When the database can't be reached.
    pub async fn purge(&self, older_than: Duration) -> Result<u64, Error> {
        let before = self.inner.clock.now().saturating_sub(millis(older_than));
        store::purge(&mut self.inner.database.acquire().await?.link(), before).await
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<i64, CancellationToken>> {
        self.inner
            .running
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn tell(&self) {
        self.inner.changed.notify_waiters();
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.inner.clock
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs")
            .field("database", &self.inner.database)
            .finish_non_exhaustive()
    }
}
