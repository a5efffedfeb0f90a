//! One attempt at a job: its handler, the heartbeat beside it, and how it ends.

use std::time::Duration;

use tokio::{task::JoinHandle, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::{
    Jobs, backoff,
    job::{Job, JobError, Then},
    store::{self, Claimed, Ending, Renewal},
    worker::Handler,
};
use crate::{clock::millis, error::Error};

/// How long the end of a job may take to be written once the worker's grace is over.
const LAST_WORD: Duration = Duration::from_secs(2);

pub(super) struct Running {
    pub(super) jobs: Jobs,
    pub(super) claimed: Claimed,
    pub(super) lease: Duration,
    /// After the first attempt that fails.
    pub(super) pause: Duration,
    /// The worker takes no more jobs.
    pub(super) stopping: CancellationToken,
    /// Its grace is over.
    pub(super) cut: CancellationToken,
}

impl Running {
    pub(super) async fn run(self, handler: Handler) {
        let cancelled = CancellationToken::new();
        self.jobs.running().insert(self.claimed.id.0, cancelled.clone());
        let job = Job {
            jobs: self.jobs.clone(),
            id: self.claimed.id,
            attempt: self.claimed.attempt,
            fence: self.claimed.fence,
            stopping: self.stopping.clone(),
        };
        let payload = self.claimed.payload.clone();
        // A task of its own, so that a panic stays there.
        let work = tokio::spawn(async move { handler(job, payload).await });
        let ending = self.watch(work, &cancelled).await;
        self.jobs.running().remove(&self.claimed.id.0);
        if let Some(ending) = ending {
            // With a database that is away a shutdown does not wait for all of the lease, which runs out by itself.
            let late = async {
                self.cut.cancelled().await;
                tokio::time::sleep(LAST_WORD).await;
            };
            tokio::select! {
                () = self.finish(ending) => {}
                () = late => {}
            }
        }
        self.jobs.tell();
    }

    /// How the attempt ends; `None` where the job is somebody else's by now.
    async fn watch(&self, mut work: JoinHandle<Result<(), JobError>>, cancelled: &CancellationToken) -> Option<Ending> {
        let mut beat = tokio::time::interval(self.lease / 3);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        beat.reset();
        let mut until = tokio::time::Instant::now() + self.lease;
        let ending = loop {
            tokio::select! {
                biased;
                result = &mut work => return Some(self.ending(result)),
                () = cancelled.cancelled() => break Some(Ending::Cancelled),
                () = self.cut.cancelled() => break Some(Ending::GivenBack),
                // Nobody could be told that this worker lives: another may have begun.
                () = tokio::time::sleep_until(until) => break None,
                _ = beat.tick() => {}
            }
            let begun = tokio::time::Instant::now();
            match tokio::time::timeout_at(until, self.renew()).await {
                Ok(Ok(Renewal::Kept)) => until = begun + self.lease,
                Ok(Ok(Renewal::Cancelled)) => break Some(Ending::Cancelled),
                // It may have completed itself this very moment.
                Ok(Ok(Renewal::Lost)) if work.is_finished() => return None,
                Ok(Ok(Renewal::Lost)) | Err(_) => break None,
                Ok(Err(error)) => {
                    tracing::warn!(job = %self.claimed.id, %error, "a heartbeat failed; the next is in a moment");
                }
            }
        };
        work.abort();
        // Its transactions are rolled back before anybody else begins.
        let _ = (&mut work).await;
        ending
    }

    async fn renew(&self) -> Result<Renewal, Error> {
        let until = self.jobs.clock().now().saturating_add(millis(self.lease));
        let mut held = self.jobs.database().acquire().await?;
        store::renew(&mut held.link(), self.claimed.id, self.claimed.fence, until).await
    }

    fn ending(&self, result: Result<Result<(), JobError>, tokio::task::JoinError>) -> Ending {
        let error = match result {
            Ok(Ok(())) => return Ending::Done,
            Ok(Err(error)) => error,
            Err(error) if error.is_panic() => JobError::retry("the handler panicked"),
            Err(_) => JobError::give_back(),
        };
        let last = self.claimed.attempt >= self.claimed.max_attempts;
        match error.then {
            Then::GiveBack => Ending::GivenBack,
            Then::Retry if !last => {
                tracing::warn!(job = %self.claimed.id, kind = self.claimed.kind, reason = error.reason, "a job failed");
                let pause = backoff::after(self.pause, self.claimed.attempt);
                Ending::Later {
                    reason: error.reason,
                    run_at: self.jobs.clock().now().saturating_add(millis(pause)),
                }
            }
            Then::Retry | Then::Die => {
                tracing::error!(job = %self.claimed.id, kind = self.claimed.kind, reason = error.reason, "a job is dead");
                Ending::Dead(error.reason)
            }
        }
    }

    /// Writes the ending, as often as it takes within the lease; later somebody else begins the job anyway.
    async fn finish(&self, ending: Ending) {
        let until = tokio::time::Instant::now() + self.lease;
        let mut pause = Duration::from_millis(50);
        loop {
            let tried = async {
                let now = self.jobs.clock().now();
                let mut held = self.jobs.database().acquire().await?;
                store::finish(
                    &mut held.link(),
                    self.claimed.id,
                    self.claimed.fence,
                    ending.clone(),
                    now,
                )
                .await
            };
            match tokio::time::timeout_at(until, tried).await {
                Ok(Ok(_)) => return,
                Ok(Err(error)) => tracing::warn!(job = %self.claimed.id, %error, "the end of a job was not written"),
                Err(_) => return,
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }
}
