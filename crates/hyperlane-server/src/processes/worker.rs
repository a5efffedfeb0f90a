//! A worker's side: which one this process is, and how it hears that it shall end.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use super::folder;
use super::line::{self, Word};
use crate::ServerHandle;
use crate::listener::inherited;

/// Says which worker a process is: `number:count:id of the supervisor`.
pub(super) const MARK: &str = "HYPERLANE_WORKER";
/// Says where the run has its folder.
pub(super) const FOLDER: &str = "HYPERLANE_RUN_FOLDER";

/// A signal to the whole group reaches the supervisor too, who says whether others go on. It is waited for so long.
const SUPERVISOR_FIRST: Duration = Duration::from_millis(100);
/// What a worker without a supervisor gets beyond its deadline.
const ORPHAN_GRACE: Duration = Duration::from_secs(2);

/// What a worker knows of itself.
#[derive(Clone, Debug)]
pub struct Worker {
    number: usize,
    count: usize,
    folder: PathBuf,
}

impl Worker {
    /// Which worker it is, from 0 on. One that replaces a dead one has its number.
    pub fn number(&self) -> usize {
        self.number
    }

    /// How many workers serve.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Whether it is worker 0: for work that one process has to do, and not each. There is exactly one at any time, but
    /// for the moments between its death and its successor.
    pub fn is_first(&self) -> bool {
        self.number == 0
    }

    /// A folder that all workers of this run share, and nobody else: new when the supervisor starts, readable by its
    /// user alone, and removed with the last worker. For sockets between the workers.
    pub fn run_folder(&self) -> &Path {
        &self.folder
    }
}

/// Which worker this process is; `None` in the supervisor, and in a program that serves alone.
///
/// It is known from the beginning of `main` on.
///
/// ```
/// if let Some(worker) = hyperlane_server::processes::worker() {
///     println!("worker {} of {}", worker.number(), worker.count());
///     if worker.is_first() {
///         // Once for all of them.
///     }
/// }
/// ```
pub fn worker() -> Option<&'static Worker> {
    static WORKER: OnceLock<Option<Worker>> = OnceLock::new();
    WORKER.get_or_init(read).as_ref()
}

/// What the supervisor writes for a worker.
pub(super) fn mark(number: usize, count: usize) -> String {
    format!("{number}:{count}:{}", std::process::id())
}

fn read() -> Option<Worker> {
    let mark = std::env::var(MARK).ok()?;
    let mut numbers = mark.split(':').map(|number| number.parse::<usize>().ok());
    let (number, count, supervisor) = (numbers.next()??, numbers.next()??, numbers.next()??);
    // What a worker starts has its environment too, but is no worker. One whose supervisor has died is still one.
    let parent = usize::try_from(std::os::unix::process::parent_id()).ok();
    if parent != Some(supervisor) && !inherited::is_passed(line::NAME) {
        return None;
    }
    Some(Worker {
        number,
        count,
        folder: PathBuf::from(std::env::var_os(FOLDER)?),
    })
}

/// Listens to the supervisor for as long as the process runs. Call it in a runtime.
pub(super) fn begin(worker: &'static Worker, server: ServerHandle) -> io::Result<()> {
    let Some(line) = inherited::take_line(line::NAME)? else {
        let message = "a program may have one server with `processes`: give that one all addresses";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, message));
    };
    // The supervisor hears of a Ctrl-C as well, and says what to do. Both are taken here, so that a program that does
    // not wait for them is not ended by them at once.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let leaving = server.clone();
    crate::handle::spawn_boxed(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {
                    sleep(SUPERVISOR_FIRST).await;
                    leaving.drain();
                }
                _ = interrupt.recv() => {}
                () = leaving.ended() => return,
            }
        }
    });
    let runtime = Handle::current();
    // A thread of its own, since the runtime's may be kept busy: that must not keep a process for ever.
    let listen = move || {
        while let Some(word) = Word::hear(&line) {
            let _inside = runtime.enter();
            obey(word, &server);
        }
        orphaned(worker, &server, &runtime);
    };
    std::thread::Builder::new()
        .name("hyperlane-line".to_owned())
        .spawn(listen)
        .map(drop)
}

fn obey(word: Word, server: &ServerHandle) {
    match word {
        Word::Stop => {
            server.0.handed_over.store(false, Ordering::Release);
            server.drain();
        }
        Word::Leave => server.drain(),
        Word::Close => {
            server.drain();
            server.shutdown_state().close();
        }
    }
}

/// The supervisor is gone: this process ends in good order, or else without.
fn orphaned(worker: &Worker, server: &ServerHandle, runtime: &Handle) {
    let number = worker.number;
    tracing::warn!(worker = number, "the supervisor is gone: finishing what is in hand");
    {
        let _inside = runtime.enter();
        obey(Word::Stop, server);
    }
    // Nobody else would. What is connected to a socket in it stays connected.
    folder::remove(&worker.folder);
    // Nobody would end it either, if it does not by itself.
    std::thread::sleep(server.0.deadline.saturating_add(ORPHAN_GRACE));
    tracing::error!(worker = number, "does not end without its supervisor: ending it");
    std::process::exit(1);
}
