//! An import as it is listed and watched.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

use crate::error::Error;

/// The number of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ImportId(pub i64);

impl fmt::Display for ImportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where an import is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportState {
    /// It waits for a worker, for the first time or after an attempt that failed.
    Waiting,
    /// Records are being written.
    Running,
    /// All records were written or refused.
    Done,
    /// It was given up; [`ImportStatus::reason`] tells why.
    Failed,
    /// It was cancelled.
    Cancelled,
}

impl ImportState {
    /// Whether nothing more happens to it by itself.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }

    /// Its name: `waiting`, `running`, `done`, `failed` or `cancelled`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl FromStr for ImportState {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let all = [Self::Waiting, Self::Running, Self::Done, Self::Failed, Self::Cancelled];
        let found = all.into_iter().find(|state| state.name() == name);
        found.ok_or_else(|| Error::misuse(format!("{name:?} is no state of an import")))
    }
}

impl Serialize for ImportState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// An import, as far as it is committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ImportStatus {
    /// Its number.
    pub id: ImportId,
    /// The name of its importer.
    pub importer: String,
    /// What its sender calls it, such as the name of a file.
    pub label: String,
    /// Where it is in its life.
    pub state: ImportState,
    /// Records that were read, the header not counted.
    pub read: u64,
    /// Records that were written.
    pub written: u64,
    /// Records that were refused; the report has their reasons.
    pub rejected: u64,
    /// Bytes of the source that were read, as it is stored or was sent.
    pub bytes_read: u64,
    /// All bytes of the source, if known.
    pub bytes_total: Option<u64>,
    /// Why it failed, or why the last attempt did.
    pub reason: Option<String>,
    /// When it was begun, in milliseconds since 1970.
    pub created_ms: i64,
    /// When it ended.
    pub finished_ms: Option<i64>,
    /// Whether its source is kept, so that [`Imports::retry`](super::Imports::retry) can go on with it.
    pub stored: bool,
}
