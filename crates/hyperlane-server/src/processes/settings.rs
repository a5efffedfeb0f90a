//! How many processes serve, and what is done about one that dies.

use std::path::PathBuf;
use std::time::Duration;

/// How many processes serve the addresses of a server, and how they are kept alive.
///
/// A number stands for one with the default options.
///
/// ```
/// use std::time::Duration;
///
/// use hyperlane_server::processes::{Accept, Processes};
///
/// let processes = Processes::new(4).accept(Accept::PerProcess).deaths(5, Duration::from_secs(60));
/// # let _ = processes;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it holds where it is given to the server's settings"]
pub struct Processes {
    pub(super) count: usize,
    pub(super) accept: Accept,
    pub(super) deaths: usize,
    pub(super) window: Duration,
    pub(super) ready_timeout: Duration,
    pub(super) folder: Option<PathBuf>,
}

/// Who of several processes gets a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Accept {
    /// All processes accept from one queue. A process that is busy or full leaves connections to the others, and what
    /// waits when one dies is taken by another at once.
    ///
    /// The default, since nobody waits while there is somebody who could serve. Whoever is quickest takes the
    /// connection, so that connections that stay open may come to be spread unevenly, and the kernel wakes all idle
    /// processes for each connection.
    #[default]
    Shared,
    /// Each process has a queue of its own, among which the kernel spreads connections by their addresses
    /// (`SO_REUSEPORT`): evenly for many connections that stay open, and without waking the other processes. For TCP
    /// alone; Unix sockets are shared.
    ///
    /// What falls to a process that is dead or busy waits for it. It is not lost: the supervisor keeps the queue, and the
    /// process that replaces the dead one takes it over. Only Linux spreads connections; other systems may give all of
    /// them to one process.
    PerProcess,
}

impl Processes {
    /// So many processes, at least one.
    ///
    /// One alone is of use too: it is started again when it dies.
    pub fn new(count: usize) -> Self {
        Self {
            count,
            accept: Accept::default(),
            deaths: 10,
            window: Duration::from_secs(30),
            ready_timeout: Duration::from_secs(60),
            folder: None,
        }
    }

    /// As many as this process may use cores.
    pub fn per_core() -> Self {
        Self::new(std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// Who gets a connection. Default: [`Accept::Shared`].
    pub fn accept(mut self, accept: Accept) -> Self {
        self.accept = accept;
        self
    }

    /// How often one worker may die within how long before all are ended, and the server with them. Default: 10 deaths
    /// within 30 s. Under it, one that dies is started again at once; one that dies within a second of its start, after
    /// a delay that doubles from 100 ms to 2 s. So a program that can't run is given up within about 12 s.
    pub fn deaths(mut self, deaths: usize, within: Duration) -> Self {
        (self.deaths, self.window) = (deaths, within);
        self
    }

    /// Time for a worker from its start until it serves; then it is killed, and counts as dead. Default: 60 s: a program
    /// that loads much at its start needs some.
    pub fn ready_timeout(mut self, timeout: Duration) -> Self {
        self.ready_timeout = timeout;
        self
    }

    /// Where the [folder of the run](super::Worker::run_folder) is made. Default: `XDG_RUNTIME_DIR` if that is set and
    /// there, else the folder for temporary files. It should be short, since paths of Unix sockets may have about 100
    /// bytes.
    pub fn folder(mut self, parent: impl Into<PathBuf>) -> Self {
        self.folder = Some(parent.into());
        self
    }

    /// How many processes serve.
    pub fn count(&self) -> usize {
        self.count
    }

    /// What no server could run with: names of settings, and why.
    pub fn mistakes(&self) -> Vec<(&'static str, &'static str)> {
        let mut mistakes = Vec::new();
        if self.count == 0 {
            mistakes.push(("processes", "0, with which nobody would serve"));
        }
        if self.count > MOST {
            mistakes.push(("processes", "more than 1,024, of which most would do nothing"));
        }
        if self.window.is_zero() {
            mistakes.push(("deaths", "counted within no time, so that a crash loop would never end"));
        }
        if self.ready_timeout.is_zero() {
            mistakes.push(("ready_timeout", "0, within which nobody is ready"));
        }
        mistakes
    }

    /// Whether each process has a TCP queue of its own.
    pub(crate) fn has_own_queues(&self) -> bool {
        self.accept == Accept::PerProcess
    }
}

/// More than the largest machines have cores; more is a mistake.
const MOST: usize = 1024;

impl From<usize> for Processes {
    fn from(count: usize) -> Self {
        Self::new(count)
    }
}
