//! What may go wrong in this crate, as one opaque error.

use std::{fmt, io};

/// Why something was not done.
///
/// What is wrong with single records is no error: it stands in the report of its import.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Database,
    Io,
    Unknown,
    Misuse,
}

impl Error {
    pub(crate) fn misuse(message: impl Into<String>) -> Self {
        Self::new(Kind::Misuse, message, None)
    }

    pub(crate) fn unknown(message: impl Into<String>) -> Self {
        Self::new(Kind::Unknown, message, None)
    }

    pub(crate) fn io(message: impl Into<String>, source: io::Error) -> Self {
        Self::new(Kind::Io, message, Some(Box::new(source)))
    }

    fn new(kind: Kind, message: impl Into<String>, source: Option<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            kind,
            message: message.into(),
            source,
        }
    }

    /// Whether the database could not be reached or refused a statement.
    #[must_use]
    pub fn is_database(&self) -> bool {
        self.kind == Kind::Database
    }

    /// Whether a file could not be read or written, or the sender of a body has left.
    #[must_use]
    pub fn is_io(&self) -> bool {
        self.kind == Kind::Io
    }

    /// Whether there is no such job, import or importer, or not in a state that allows what was asked for.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.kind == Kind::Unknown
    }

    /// Whether something was set up wrongly: a schedule that can't be read, a URL for no known database.
    #[must_use]
    pub fn is_misuse(&self) -> bool {
        self.kind == Kind::Misuse
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::new(
            Kind::Database,
            format!("the database failed: {error}"),
            Some(Box::new(error)),
        )
    }
}
