//! Who takes jobs and runs their handlers.

use std::{collections::HashMap, fmt, future::Future, pin::Pin, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    Jobs, NewJob, backoff,
    job::{Job, JobError},
    running::Running,
    schedule::Schedule,
    store,
};
use crate::{clock::millis, error::Error};

/// Jobs at a time. They are the user's own work, of unknown weight, beside which requests are to be answered.
const CONCURRENCY: usize = 4;

/// After this without a heartbeat a process counts as dead. Three heartbeats go into one lease, so that a slow database
/// does not take a job from a worker that lives.
const LEASE: Duration = Duration::from_secs(30);

/// A look is one statement with an index; half a second is what somebody who waits hardly notices.
const POLL: Duration = Duration::from_millis(500);

/// How long running jobs have to end at a shutdown, within the ten seconds that many supervisors allow.
const GRACE: Duration = Duration::from_secs(5);

pub(super) type Outcome = Pin<Box<dyn Future<Output = Result<(), JobError>> + Send>>;
pub(super) type Handler = Arc<dyn Fn(Job, String) -> Outcome + Send + Sync>;

/// Takes jobs from the queue and runs their handlers. As many as wanted may share a queue, in one process and on several
/// machines; the clocks of these have to agree to within a third of the lease.
pub struct Worker {
    jobs: Jobs,
    handlers: HashMap<String, Handler>,
    schedules: Vec<Schedule>,
    concurrency: usize,
    lease: Duration,
    poll: Duration,
    pause: Duration,
    grace: Duration,
}

impl Worker {
    /// A worker without handlers.
    #[must_use]
    pub fn new(jobs: &Jobs) -> Self {
        Self {
            jobs: jobs.clone(),
            handlers: HashMap::new(),
            schedules: Vec::new(),
            concurrency: CONCURRENCY,
            lease: LEASE,
            poll: POLL,
            pause: backoff::FIRST,
            grace: GRACE,
        }
    }

    /// What is done for jobs of a kind. A payload that is no `T` makes the job dead; a panic is an attempt that failed.
    ///
    /// A handler that returns an error is run again, after 5 s and then twice as long each time, up to an hour; see
    /// [`JobError`].
    #[must_use]
    pub fn handle<T, F, R>(mut self, kind: impl Into<String>, handler: F) -> Self
    where
        T: DeserializeOwned,
        F: Fn(Job, T) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), JobError>> + Send + 'static,
    {
        let run = move |job: Job, payload: String| -> Outcome {
            match serde_json::from_str(&payload) {
                Ok(payload) => Box::pin(handler(job, payload)),
                Err(error) => Box::pin(std::future::ready(Err(JobError::fatal(format!(
                    "the payload is not what the handler takes: {error}"
                ))))),
            }
        };
        self.handlers.insert(kind.into(), Arc::new(run));
        self
    }

    /// Enqueues a job whenever a `cron` expression says so: `minute hour day month weekday`, in UTC, with an optional
    /// field of seconds before. However many workers have the schedule, one job is written each time; for the times that
    /// went by while no worker ran, one job altogether. `name` is what the schedule is known by in the database.
    ///
    /// # Errors
    ///
    /// When the expression can't be read or never comes.
    pub fn schedule(mut self, name: &str, expression: &str, job: NewJob) -> Result<Self, Error> {
        self.schedules.push(Schedule::new(name, expression, job)?);
        Ok(self)
    }

    /// How many jobs run at a time. Default: 4.
    #[must_use]
    pub fn concurrency(mut self, jobs: usize) -> Self {
        self.concurrency = jobs.max(1);
        self
    }

    /// After how long without a sign of life a job is somebody else's. Default: 30 seconds; at least one.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.max(Duration::from_secs(1));
        self
    }

    /// How often it looks for jobs that nobody [told](Jobs::wake) it of, and at the schedules. Default: 500 ms.
    #[must_use]
    pub fn poll(mut self, interval: Duration) -> Self {
        self.poll = interval.max(Duration::from_millis(1));
        self
    }

    /// How long a job waits after its first attempt that failed; each further pause is twice as long, up to an hour, and
    /// up to a fifth is added by chance. Default: 5 seconds.
    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// How long jobs that run have to end at a shutdown; they are then dropped and given back. Default: 5 seconds.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Begins, in tasks of the current runtime.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn start(self) -> WorkerHandle {
        let (stopping, ended) = (CancellationToken::new(), CancellationToken::new());
        let handle = WorkerHandle {
            stopping: stopping.clone(),
            ended: ended.clone(),
        };
        tokio::spawn(async move {
            // Told even if the loop should panic.
            let _ended = ended.drop_guard();
            self.run(&stopping).await;
        });
        handle
    }

    async fn run(self, stopping: &CancellationToken) {
        let cut = CancellationToken::new();
        let mut running = JoinSet::new();
        while !stopping.is_cancelled() {
            let (looked, full) = match self.look(&mut running, stopping, &cut).await {
                Ok(claimed) => (claimed > 0, running.len() >= self.concurrency),
                Err(error) => {
                    tracing::warn!(%error, "looking for jobs failed; the next look is in a moment");
                    (false, false)
                }
            };
            if looked && !full {
                continue;
            }
            tokio::select! {
                () = stopping.cancelled() => {}
                () = self.jobs.inner.wake.notified(), if !full => {}
                () = tokio::time::sleep(self.poll) => {}
                Some(_) = running.join_next() => {}
            }
        }
        let all = async { while running.join_next().await.is_some() {} };
        if tokio::time::timeout(self.grace, all).await.is_err() {
            cut.cancel();
            while running.join_next().await.is_some() {}
        }
    }

    /// Begins what there is room for, and returns how many jobs.
    async fn look(
        &self,
        running: &mut JoinSet<()>,
        stopping: &CancellationToken,
        cut: &CancellationToken,
    ) -> Result<usize, Error> {
        while running.try_join_next().is_some() {}
        for schedule in &self.schedules {
            // One that can't be enqueued keeps nothing else from being done.
            if let Err(error) = schedule.tick(&self.jobs).await {
                tracing::warn!(%error, "a schedule was not looked at; the next look is in a moment");
            }
        }
        let free = self.concurrency.saturating_sub(running.len());
        let kinds: Vec<String> = self.handlers.keys().cloned().collect();
        if free == 0 || kinds.is_empty() {
            return Ok(0);
        }
        let now = self.jobs.clock().now();
        let mut held = self.jobs.database().acquire().await?;
        store::bury(&mut held.link(), now).await?;
        let free = i64::try_from(free).unwrap_or(i64::MAX);
        let claimed = store::claim(&mut held.link(), &kinds, free, now, millis(self.lease)).await?;
        drop(held);
        let count = claimed.len();
        for claimed in claimed {
            let Some(handler) = self.handlers.get(&claimed.kind) else {
                continue;
            };
            let run = Running {
                jobs: self.jobs.clone(),
                claimed,
                lease: self.lease,
                pause: self.pause,
                stopping: stopping.clone(),
                cut: cut.clone(),
            };
            running.spawn(run.run(handler.clone()));
        }
        Ok(count)
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("kinds", &self.handlers.keys())
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

/// A worker that runs. It goes on when this is dropped.
#[derive(Debug, Clone)]
pub struct WorkerHandle {
    stopping: CancellationToken,
    ended: CancellationToken,
}

impl WorkerHandle {
    /// Takes no more jobs, gives those that run their [grace](Worker::grace), and gives back what is then not done: the
    /// next worker takes it at once.
    pub async fn shutdown(&self) {
        self.stopping.cancel();
        self.ended.cancelled().await;
    }
}
