//! One hub over the processes of a machine, by a Unix socket among them.
//!
//! The process that holds the lock leads: it orders the entries and hands them to the others. Each keeps the last ones,
//! so that when it dies any other can go on: the others bring what it has not seen.

mod follower;
mod leader;
mod ring;
mod wire;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};

use self::ring::Ring;
use super::{Backplane, BackplaneError, Link, Position, Session};
use crate::rooms::lock;

const MAX_ENTRIES: usize = 4096;
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// A [`Backplane`] among the processes of one machine that share a folder: workers of one port, say.
///
/// The first process takes a lock in the folder, and leads; when it ends or dies, another one takes it. An entry that one
/// living process has is not lost by that. A process that is stopped (`SIGSTOP`) while it leads holds up the others until
/// it goes on: meanwhile what members say waits.
///
/// ```no_run
/// use hyperlane_realtime::Hub;
/// use hyperlane_realtime::backplane::Unix;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// let hub = Hub::builder().backplane(Unix::new("/run/my-chat")?);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Unix {
    folder: PathBuf,
    ring: Arc<Mutex<Ring>>,
}

impl Unix {
    /// The bus of this folder, which is made if there is none, for its owner alone.
    ///
    /// # Errors
    ///
    /// The folder can't be made, or its path is too long for a socket in it (about 90 bytes). It belongs to somebody
    /// else, or others may write to it: who can, may lead, hear everything and speak for everybody.
    pub fn new(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        let found = fs::metadata(&folder)?;
        if found.uid() != rustix::process::geteuid().as_raw() || found.mode() & 0o022 != 0 {
            let message = "folder of the bus belongs to another user, or others may write to it";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
        std::os::unix::net::SocketAddr::from_pathname(folder.join(SOCKET))?;
        Ok(Self {
            folder,
            ring: Arc::new(Mutex::new(Ring::new(MAX_ENTRIES, MAX_BYTES))),
        })
    }

    /// How many entries each process keeps, and of these how many bytes: so far it may lag behind, or be away. Default:
    /// 4,096, and 8 MiB.
    #[must_use]
    pub fn keep(self, entries: usize, bytes: usize) -> Self {
        self.ring().keep(entries, bytes);
        self
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        lock(&self.ring)
    }

    /// The lock, if no other process has it. It is given back with the file, and by the system when the process dies.
    fn try_lead(&self) -> io::Result<Option<File>> {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).mode(0o600);
        let file = file.open(self.folder.join(LOCK))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(file)),
            Err(error) if error == rustix::io::Errno::WOULDBLOCK => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn run(&self, link: &Link) -> Result<(), BackplaneError> {
        let is_new = self.ring().last() == Position::START;
        if is_new && self.folder.join(SOCKET).exists() && self.try_lead()?.is_some() {
            // There was a leader, and may be others who know what it knew: they go first.
            tokio::time::sleep(PRECEDENCE).await;
        }
        match self.try_lead()? {
            Some(lock) => leader::lead(self, link, lock).await,
            None => follower::follow(self, link).await,
        }
    }
}

/// Longer than those who have lost their leader wait before they try.
const PRECEDENCE: Duration = Duration::from_millis(300);
const SOCKET: &str = "bus.sock";
const LOCK: &str = "bus.lock";

impl Backplane for Unix {
    fn session<'a>(&'a self, link: &'a Link) -> Session<'a> {
        Box::pin(self.run(link))
    }
}
