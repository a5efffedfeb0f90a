//! A server replaced by its successor, which gets the listening sockets: how they are handed over, and how the
//! successor says that it serves.
//!
//! The other side is `listener/inherited.rs`.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::listener::ListeningSocket;
use crate::listener::inherited::{READY, READY_WORD};
use crate::{Config, Listener};

/// The first descriptor that is handed over (`sd_listen_fds(3)`).
const FIRST: i32 = 3;

/// What a successor gets: second descriptors of all listening sockets.
#[derive(Debug)]
pub(crate) struct Heirlooms {
    /// Whether a successor is awaited right now.
    giving: AtomicBool,
    /// With their names. `None` once the server ends, or where there was no descriptor left for them.
    sockets: Mutex<Option<Vec<(String, ListeningSocket)>>>,
    timeout: Duration,
    handed_over: Arc<AtomicBool>,
}

impl Heirlooms {
    pub(crate) fn of(listeners: &[Listener], config: &Config, handed_over: &Arc<AtomicBool>) -> Self {
        let sockets = listeners
            .iter()
            .map(|listener| Ok((listener.name.clone(), listener.socket.try_clone()?)));
        Self {
            giving: AtomicBool::new(false),
            sockets: Mutex::new(sockets.collect::<io::Result<_>>().ok()),
            timeout: config.hand_over_timeout,
            handed_over: Arc::clone(handed_over),
        }
    }

    /// Closes them: without that, the sockets would listen on when nobody accepts any more.
    pub(crate) fn drop_all(&self) {
        self.lock().take();
    }

    /// Adds further descriptors of all sockets, and their names as `LISTEN_FDNAMES` has them.
    fn copy(&self, names: &mut Vec<String>, descriptors: &mut Vec<OwnedFd>) -> io::Result<()> {
        let sockets = self.lock();
        let Some(sockets) = &*sockets else {
            return Err(io::Error::other("there was no descriptor left to share the sockets"));
        };
        for (name, socket) in sockets {
            names.push(name.clone());
            descriptors.push(socket.try_clone()?.into());
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<(String, ListeningSocket)>>> {
        self.sockets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts `command` with the sockets of all these servers, and waits until it serves. Returns its process id.
pub(crate) async fn give(servers: &[&Heirlooms], mut command: Command) -> Result<u32, HandOverError> {
    let failed = |source| HandOverError::new("can't start the successor", Some(source));
    let mut giving = Vec::with_capacity(servers.len());
    for server in servers {
        giving.push(Giving::begin(server)?);
    }
    let (here, there) = StdUnixStream::pair().map_err(failed)?;
    let (mut names, mut passed) = (Vec::new(), Vec::new());
    for server in servers {
        server.copy(&mut names, &mut passed).map_err(failed)?;
    }
    names.push(format!("{READY}{}", servers.len()));
    passed.push(there.into());
    pass_on(&mut command, &names, passed).map_err(failed)?;
    let child = command.spawn().map_err(failed)?;
    // With it go our copies of what was passed: from now on its end of the pair closes with the successor.
    drop(command);
    let mut successor = Successor(Some(child));
    let patience = servers.iter().map(|server| server.timeout).max().unwrap_or_default();
    let error = match timeout(patience, wait_until_ready(here)).await {
        Ok(Ok(())) => match successor.release() {
            Some(id) => {
                for server in servers {
                    server.handed_over.store(true, Ordering::Release);
                }
                return Ok(id);
            }
            None => HandOverError::new("the successor ended as soon as it served", None),
        },
        Ok(Err(source)) => {
            let what = "the successor ended before it served; see what it has logged";
            HandOverError::new(what, Some(source))
        }
        Err(_) => HandOverError::new(format!("the successor did not serve within {patience:?}"), None),
    };
    successor.stop().await;
    Err(error)
}

/// Has `command` started with these descriptors, under these names.
pub(crate) fn pass_on(command: &mut Command, names: &[String], descriptors: Vec<OwnedFd>) -> io::Result<()> {
    let mappings = descriptors.into_iter().zip(FIRST..);
    let mappings: Vec<_> = mappings
        .map(|(parent_fd, child_fd)| FdMapping { parent_fd, child_fd })
        .collect();
    command
        .env("LISTEN_FDS", mappings.len().to_string())
        .env("LISTEN_FDNAMES", names.join(":"))
        // Its own, which nobody knows before it runs. Without it the descriptors are for whoever finds them.
        .env_remove("LISTEN_PID")
        .env_remove("LISTEN_FDS_FIRST_FD")
        .fd_mappings(mappings)
        .map(drop)
        .map_err(io::Error::other)
}

/// One hand-over at a time: of two successors, one would be too many.
struct Giving<'a>(&'a Heirlooms);

impl<'a> Giving<'a> {
    fn begin(server: &'a Heirlooms) -> Result<Self, HandOverError> {
        if server.giving.swap(true, Ordering::AcqRel) {
            return Err(HandOverError::new("a successor is being started already", None));
        }
        Ok(Self(server))
    }
}

impl Drop for Giving<'_> {
    fn drop(&mut self) {
        self.0.giving.store(false, Ordering::Release);
    }
}

/// Waits until the program at the other end says that it serves.
pub(crate) async fn wait_until_ready(successor: StdUnixStream) -> io::Result<()> {
    successor.set_nonblocking(true)?;
    let mut successor = UnixStream::from_std(successor)?;
    let mut word = [0; READY_WORD.len()];
    successor.read_exact(&mut word).await?;
    match word == READY_WORD {
        true => Ok(()),
        false => Err(io::Error::new(io::ErrorKind::InvalidData, "it said something else")),
    }
}

/// A program that is stopped if it does not come to serve.
struct Successor(Option<Child>);

impl Successor {
    /// Leaves it to itself. Its process id, if it runs.
    fn release(&mut self) -> Option<u32> {
        self.0.take().and_then(|child| child.id())
    }

    /// Ends it, and waits until it is gone with its sockets.
    async fn stop(&mut self) {
        if let Some(child) = &mut self.0
            && let Err(error) = child.kill().await
        {
            tracing::warn!(%error, "can't stop a successor that does not serve");
        }
    }
}

impl Drop for Successor {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.start_kill();
        }
    }
}

/// A server could not be replaced by its successor, and goes on.
#[derive(Debug)]
pub struct HandOverError {
    what: String,
    source: Option<io::Error>,
}

impl HandOverError {
    fn new(what: impl Into<String>, source: Option<io::Error>) -> Self {
        Self {
            what: what.into(),
            source,
        }
    }

    pub(crate) fn nothing() -> Self {
        Self::new("there is no server to hand over", None)
    }

    #[cfg(feature = "processes")]
    pub(crate) fn worker() -> Self {
        Self::new(
            "a worker has nothing to hand over: its supervisor hands over the whole server",
            None,
        )
    }

    pub(crate) fn ending() -> Self {
        Self::new("the server is ending already and has nothing to hand over", None)
    }
}

impl fmt::Display for HandOverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl StdError for HandOverError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
