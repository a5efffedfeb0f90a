//! The jobs that wait, and the threads that do them.

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use hyperlane::sse::{Event, EventLog};
use serde::Serialize;
use tokio::sync::watch;

use crate::error::{UploadError, UploadErrorKind};
use crate::id::UploadId;
use crate::store::UploadStore;

use super::ConversionSettings;
use super::convert::{Conversion, Failure, Watch, convert};
use super::job::{Inner, Job, Progress};

/// Jobs that ended and are still known.
const KEPT: usize = 1024;
/// Percents between two events.
const STEP: u8 = 10;

pub(super) struct Shared {
    store: UploadStore,
    pub(super) settings: ConversionSettings,
    state: Mutex<State>,
    work: Condvar,
    log: EventLog,
    workers: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(Arc<Inner>, Conversion)>,
    jobs: HashMap<(UploadId, String), Arc<Inner>>,
    /// The keys of those that ended, the first to be forgotten first.
    ended: VecDeque<(UploadId, String)>,
    stopped: bool,
}

impl Shared {
    pub(super) fn new(store: UploadStore, settings: ConversionSettings) -> Self {
        Self {
            store,
            settings,
            state: Mutex::default(),
            work: Condvar::new(),
            log: EventLog::new(),
            workers: watch::channel(0).0,
        }
    }

    pub(super) fn log(&self) -> &EventLog {
        &self.log
    }

    pub(super) fn submit(self: &Arc<Self>, file: &UploadId, conversion: Conversion) -> Result<Job, UploadError> {
        let name = conversion.name().to_owned();
        if self.store.derived_path(file, &name).is_none() {
            return Err(UploadError::new(UploadErrorKind::NotFound));
        }
        let inner = {
            let mut state = self.state();
            let key = (*file, name);
            if let Some(known) = state.jobs.get(&key)
                && !known.progress.borrow().is_final()
                && !known.cancelled.load(Ordering::Relaxed)
            {
                return Ok(self.handle(known));
            }
            if state.stopped || state.waiting.len() >= self.settings.queue {
                return Err(UploadError::new(UploadErrorKind::Busy));
            }
            let inner = Arc::new(Inner {
                file: *file,
                name: key.1.clone(),
                progress: watch::channel(Progress::Queued).0,
                cancelled: AtomicBool::new(false),
            });
            state.ended.retain(|ended| *ended != key);
            state.jobs.insert(key, Arc::clone(&inner));
            state.waiting.push_back((Arc::clone(&inner), conversion));
            // Told under the lock, so that no worker tells of it before.
            self.tell(&inner, Progress::Queued);
            inner
        };
        self.work.notify_one();
        Ok(self.handle(&inner))
    }

    fn handle(self: &Arc<Self>, inner: &Arc<Inner>) -> Job {
        Job {
            inner: Arc::clone(inner),
            shared: Arc::downgrade(self),
        }
    }

    /// Ends a job at once if it waits; one that runs looks for itself.
    pub(super) fn cancel(shared: &Weak<Self>, job: &Arc<Inner>) {
        job.cancelled.store(true, Ordering::Relaxed);
        let Some(shared) = shared.upgrade() else { return };
        let waited = {
            let mut state = shared.state();
            let place = state.waiting.iter().position(|(other, _)| Arc::ptr_eq(other, job));
            place.and_then(|place| state.waiting.remove(place))
        };
        if waited.is_some() {
            shared.end(job, Progress::Cancelled);
        }
    }

    pub(super) fn job(self: &Arc<Self>, file: &UploadId, name: &str) -> Option<Job> {
        let state = self.state();
        let inner = state.jobs.get(&(*file, name.to_owned()))?;
        Some(self.handle(inner))
    }

    /// The life of a worker.
    pub(super) fn work(&self) {
        while let Some((job, conversion)) = self.next() {
            let end = if job.cancelled.load(Ordering::Relaxed) {
                Progress::Cancelled
            } else {
                self.run(&job, &conversion)
            };
            self.end(&job, end);
        }
        self.end_worker();
    }

    fn run(&self, job: &Inner, conversion: &Conversion) -> Progress {
        self.tell(job, Progress::Running { percent: 0 });
        let mut told = 0;
        let mut progress = |percent: u8| {
            if percent >= told + STEP {
                told = percent;
                self.tell(job, Progress::Running { percent });
            }
        };
        let deadline = Instant::now().checked_add(self.settings.time_limit);
        let watch = Watch::new(&job.cancelled, deadline, &mut progress);
        // A decoder that panics ends its job, and not the worker.
        let done = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let limits = (self.settings.max_pixels, self.settings.max_memory);
            convert(&self.store, &job.file, conversion, limits, &watch)
        }));
        match done {
            Ok(Ok(done)) => done,
            Ok(Err(Failure::Cancelled)) => Progress::Cancelled,
            Ok(Err(Failure::Reason(reason))) => Progress::Failed { reason },
            Err(_) => {
                tracing::error!(file = %job.file, name = job.name, "decoder or encoder of an image panicked");
                let reason = "the image could not be converted".to_owned();
                Progress::Failed { reason }
            }
        }
    }

    /// The next job; `None` when there will be none.
    fn next(&self) -> Option<(Arc<Inner>, Conversion)> {
        let mut state = self.state();
        loop {
            if let Some(next) = state.waiting.pop_front() {
                return Some(next);
            }
            if state.stopped {
                return None;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn end(&self, job: &Arc<Inner>, end: Progress) {
        if let Progress::Failed { reason } = &end {
            tracing::info!(file = %job.file, name = job.name, reason, "an image was not converted");
        }
        {
            let mut state = self.state();
            let key = (job.file, job.name.clone());
            let is_current = state.jobs.get(&key).is_some_and(|known| Arc::ptr_eq(known, job));
            // Otherwise it was cancelled, and another has its name.
            if is_current {
                state.ended.push_back(key);
            }
            while state.ended.len() > KEPT {
                if let Some(oldest) = state.ended.pop_front() {
                    state.jobs.remove(&oldest);
                }
            }
        }
        self.tell(job, end);
    }

    fn tell(&self, job: &Inner, progress: Progress) {
        #[derive(Serialize)]
        struct Data<'a> {
            file: UploadId,
            name: &'a str,
            #[serde(flatten)]
            progress: &'a Progress,
        }
        let data = Data {
            file: job.file,
            name: &job.name,
            progress: &progress,
        };
        match serde_json::to_string(&data) {
            Ok(text) => {
                let told = self.log.publish(Event::new(text).with_name("conversion"));
                if let Err(error) = told {
                    tracing::error!(%error, "progress of a conversion could not be told");
                }
            }
            Err(error) => tracing::error!(%error, "progress of a conversion could not be told"),
        }
        job.progress.send_replace(progress);
    }

    /// Cancels all, and lets the workers end.
    pub(super) fn stop(&self) {
        let waiting = {
            let mut state = self.state();
            state.stopped = true;
            for job in state.jobs.values() {
                job.cancelled.store(true, Ordering::Relaxed);
            }
            std::mem::take(&mut state.waiting)
        };
        self.work.notify_all();
        for (job, _) in waiting {
            self.end(&job, Progress::Cancelled);
        }
    }

    pub(super) fn begin_worker(&self) {
        self.workers.send_modify(|workers| *workers += 1);
    }

    pub(super) fn end_worker(&self) {
        self.workers.send_modify(|workers| *workers = workers.saturating_sub(1));
    }

    pub(super) async fn ended(&self) {
        let _ = self.workers.subscribe().wait_for(|workers| *workers == 0).await;
    }

    /// No code that may panic halfway runs under the lock, so a poisoned one holds a sound state.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
