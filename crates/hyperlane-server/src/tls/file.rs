//! A part of the settings that is in memory, or in a file that may change.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use super::TlsError;

/// Larger files are no certificates but a mistake. The largest bundles of authorities have a quarter of it.
const MAX_BYTES: u64 = 1024 * 1024;

#[derive(Clone)]
pub(super) enum Part {
    Bytes(Vec<u8>),
    File(PathBuf),
}

impl Part {
    pub(super) fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Bytes(bytes.into())
    }

    pub(super) fn file(&self) -> Option<File> {
        match self {
            Self::Bytes(_) => None,
            Self::File(path) => Some(File(path.clone())),
        }
    }

    /// What it is, as messages name it: ``certificate file `/etc/a.pem` ``.
    pub(super) fn describe(&self, what: &str) -> String {
        match self {
            Self::Bytes(_) => format!("{what} given in memory"),
            Self::File(path) => format!("{what} file `{}`", path.display()),
        }
    }

    pub(super) fn read(&self, what: &str) -> Result<Vec<u8>, TlsError> {
        let path = match self {
            Self::Bytes(bytes) => return Ok(bytes.clone()),
            Self::File(path) => path,
        };
        let failed = |error| {
            let message = format!(
                "can't read {}; check the path, and that the server's user may read it",
                self.describe(what)
            );
            TlsError::with_source(message, error)
        };
        if fs::metadata(path).map_err(failed)?.len() > MAX_BYTES {
            let message = format!(
                "{} has more than {MAX_BYTES} bytes: it is no pem of a server",
                self.describe(what)
            );
            return Err(TlsError::new(message));
        }
        fs::read(path).map_err(failed)
    }
}

/// A file that is looked at for changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct File(PathBuf);

/// By what a changed file is told from the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
    /// A file that was moved into place may be as old and as long as the one before.
    inode: u64,
}

impl File {
    /// `None` where there is no such file now.
    pub(super) fn stamp(&self) -> Option<Stamp> {
        let metadata = fs::metadata(&self.0).ok()?;
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Some(Stamp {
            modified: metadata.modified().ok(),
            len: metadata.len(),
            inode,
        })
    }
}
