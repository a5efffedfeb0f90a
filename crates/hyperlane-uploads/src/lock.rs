//! Locks on files by which processes that share a folder leave each other's uploads alone. They end with the process,
//! however it ends.

use std::fs::File;
use std::io;

/// Takes the lock, which is held until the file and its clones are closed. `false` if another has it.
#[cfg(unix)]
pub(crate) fn try_lock(file: &File) -> io::Result<bool> {
    use rustix::fs::{FlockOperation, flock};
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Elsewhere a folder belongs to one process.
#[cfg(not(unix))]
pub(crate) fn try_lock(_file: &File) -> io::Result<bool> {
    Ok(true)
}

/// Whether the file was removed since it was opened.
#[cfg(unix)]
pub(crate) fn is_removed(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    Ok(file.metadata()?.nlink() == 0)
}

/// Elsewhere an open file is not removed.
#[cfg(not(unix))]
pub(crate) fn is_removed(_file: &File) -> io::Result<bool> {
    Ok(false)
}
