//! Starting a worker: the same program again, with its sockets, and the wait until it serves.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

use super::line::NAME;
use super::worker::{FOLDER, MARK, mark};
use crate::hand_over::{pass_on, wait_until_ready};
use crate::listener::inherited::READY;

/// The program as it runs, whatever lies under its name by now.
const RUNNING: &str = "/proc/self/exe";

/// A worker that runs. It is killed where it is dropped before [`Running::wait`] has told of its end.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
    pub(super) id: u32,
    pub(super) line: UnixStream,
    pub(super) since: Instant,
}

impl Running {
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Ends it, whatever it does, and waits until it is gone.
    pub(super) async fn kill(&mut self) {
        if let Err(error) = self.child.kill().await {
            tracing::warn!(%error, pid = self.id, "can't kill a worker");
        }
    }
}

/// What a worker is started with.
pub(super) struct Start<'a> {
    pub(super) number: usize,
    pub(super) count: usize,
    pub(super) folder: &'a Path,
    pub(super) sockets: Vec<(String, OwnedFd)>,
    pub(super) ready_timeout: Duration,
}

/// Starts a worker, and waits until it serves. If this future is dropped before, the worker is killed.
pub(super) async fn start(start: Start<'_>) -> Result<Running, String> {
    let cannot = |error: io::Error| format!("can't be started: {error}");
    let (ready, said_there) = UnixStream::pair().map_err(cannot)?;
    let (line, line_there) = UnixStream::pair().map_err(cannot)?;
    let (mut names, mut passed): (Vec<_>, Vec<_>) = start.sockets.into_iter().unzip();
    names.extend([format!("{READY}1"), NAME.to_owned()]);
    passed.extend([OwnedFd::from(said_there), OwnedFd::from(line_there)]);
    let mut command = this_program().map_err(cannot)?;
    command
        .env(MARK, mark(start.number, start.count))
        .env(FOLDER, start.folder)
        // The service manager hears of the whole server from the supervisor alone.
        .env_remove("NOTIFY_SOCKET")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    pass_on(&mut command, &names, passed).map_err(cannot)?;
    let child = command.spawn().map_err(cannot)?;
    // With it go our copies of what was passed: from now on its end of the pairs closes with the worker.
    drop(command);
    let since = Instant::now();
    let id = child.id().unwrap_or_default();
    let mut running = Running { child, id, line, since };
    match timeout(start.ready_timeout, wait_until_ready(ready)).await {
        Ok(Ok(())) => Ok(running),
        Ok(Err(_)) => {
            // It has closed its end, which comes with its death, but need not be all of it.
            let status = match timeout(LAST_BREATH, running.wait()).await {
                Ok(status) => describe(&status),
                Err(_) => {
                    running.kill().await;
                    "without serving".to_owned()
                }
            };
            Err(format!("ended before it served ({status}); see what it has logged"))
        }
        Err(_) => {
            running.kill().await;
            let patience = start.ready_timeout;
            Err(format!("did not serve within {patience:?}, and was killed"))
        }
    }
}

/// How long a worker may take to end that has closed what it had.
const LAST_BREATH: Duration = Duration::from_secs(1);

/// How a process has ended.
pub(super) fn describe(status: &io::Result<ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    }
}

/// The program, with the arguments that it has here.
fn this_program() -> io::Result<Command> {
    let mut arguments = std::env::args_os();
    let name = arguments.next();
    let mut command = Command::new(program()?);
    if let Some(name) = name {
        command.arg0(name);
    }
    command.args(arguments);
    Ok(command)
}

/// The executable that runs here: under its name while that is the same one, so that lists of processes show it. A newer
/// one under that name is for a hand-over: all workers of a run are alike.
fn program() -> io::Result<OsString> {
    let name: io::Result<PathBuf> = std::env::current_exe();
    let identity = |path: &Path| std::fs::metadata(path).map(|found| (found.dev(), found.ino()));
    match (&name, identity(Path::new(RUNNING))) {
        (Ok(path), Ok(running)) if identity(path).ok() != Some(running) => Ok(RUNNING.into()),
        (Err(_), Ok(_)) => Ok(RUNNING.into()),
        _ => name.map(PathBuf::into_os_string),
    }
}
