//! What a handle knows and tells where several processes serve.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::team::Team;
use super::worker::begin;
use super::{Worker, WorkersFailed};
use crate::shutdown::Shutdown;
use crate::{Listener, ServeError, ServerHandle};

/// A process among several.
#[derive(Debug)]
pub(crate) enum Part {
    Worker,
    Supervisor(Arc<Team>),
}

impl ServerHandle {
    /// How a server with several [`processes`](crate::Config::processes) has ended. Ask it behind
    /// [`wait`](Self::wait), so that the exit status of the program tells of it.
    ///
    /// # Errors
    ///
    /// A worker died again and again, and all were ended.
    pub fn outcome(&self) -> Result<(), WorkersFailed> {
        match self.0.part.get() {
            Some(Part::Supervisor(team)) => team.failure().map_or(Ok(()), Err),
            _ => Ok(()),
        }
    }

    /// Process ids of the workers that serve now; none but in a supervisor.
    pub fn worker_ids(&self) -> Vec<u32> {
        match self.0.part.get() {
            Some(Part::Supervisor(team)) => team.ids(),
            _ => Vec::new(),
        }
    }

    /// Makes this process serve as one of several.
    pub(crate) fn become_worker(&self, worker: &'static Worker, listeners: &[Listener]) -> Result<(), ServeError> {
        if let Some(own) = listeners.iter().find(|listener| !listener.is_inherited()) {
            let message = format!(
                "worker {} did not get {} from its supervisor: the addresses must be the same in all processes, and all \
                 of one server",
                worker.number(),
                own.local()
            );
            return Err(ServeError::socket(io::Error::new(io::ErrorKind::InvalidInput, message)));
        }
        self.0.handed_over.store(true, Ordering::Release);
        let _ = self.0.part.set(Part::Worker);
        begin(worker, self.clone()).map_err(ServeError::socket)
    }

    pub(crate) fn become_supervisor(&self, team: &Arc<Team>) {
        let _ = self.0.part.set(Part::Supervisor(Arc::clone(team)));
    }

    pub(crate) fn is_worker(&self) -> bool {
        matches!(self.0.part.get(), Some(Part::Worker))
    }

    /// Whether others go on with the sockets when this process ends.
    pub(super) fn others_go_on(&self) -> bool {
        self.0.handed_over.load(Ordering::Acquire)
    }

    pub(super) fn shutdown_state(&self) -> &Arc<Shutdown> {
        &self.0.shutdown
    }

    /// Begins the end within the deadline of the configuration.
    pub(super) fn drain(&self) {
        self.begin_shutdown(self.0.deadline);
    }
}
