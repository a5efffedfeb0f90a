//! The error of a body that could not be read, or not be produced, to its end.

use std::error::Error as StdError;
use std::fmt;

use http::StatusCode;

/// Any error that can cross threads: what streams of a response may fail with.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a body ended before its time.
///
/// For a request body [`status`](Self::status) tells what the client should be answered.
#[derive(Debug)]
pub struct BodyError {
    kind: BodyErrorKind,
    source: Option<BoxError>,
}

/// The kinds of [`BodyError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyErrorKind {
    /// The body is longer than the limit, in bytes (answer: 413).
    TooLarge {
        /// The limit that was exceeded, in bytes.
        limit: u64,
    },
    /// The body's framing is broken (answer: 400).
    Malformed,
    /// Nothing came for too long, or too little (answer: 408).
    Timeout,
    /// The peer left, or half-closed, before the body's end (answer: 400, if anybody is there to read it).
    Incomplete,
    /// The body was taken before, or belongs to a request that has ended (answer: 500).
    Taken,
    /// The body's producer failed (answer: 500).
    Producer,
}

impl BodyError {
    /// An error of this kind without a cause.
    pub fn new(kind: BodyErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// An error of this kind with its cause.
    pub fn with_source(kind: BodyErrorKind, source: impl Into<BoxError>) -> Self {
        Self {
            kind,
            source: Some(source.into()),
        }
    }

    /// What went wrong.
    pub fn kind(&self) -> BodyErrorKind {
        self.kind
    }

    /// Whether the body was longer than the limit allows.
    pub fn is_too_large(&self) -> bool {
        matches!(self.kind, BodyErrorKind::TooLarge { .. })
    }

    /// Whether the peer was too slow.
    pub fn is_timeout(&self) -> bool {
        self.kind == BodyErrorKind::Timeout
    }

    /// The status that answers a request whose body failed so.
    pub fn status(&self) -> StatusCode {
        match self.kind {
            BodyErrorKind::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            BodyErrorKind::Malformed | BodyErrorKind::Incomplete => StatusCode::BAD_REQUEST,
            BodyErrorKind::Timeout => StatusCode::REQUEST_TIMEOUT,
            BodyErrorKind::Taken | BodyErrorKind::Producer => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            BodyErrorKind::TooLarge { limit } => write!(f, "request body exceeds {limit} bytes"),
            BodyErrorKind::Malformed => f.write_str("request body is malformed"),
            BodyErrorKind::Timeout => f.write_str("request body arrived too slowly"),
            BodyErrorKind::Incomplete => f.write_str("connection ended before the end of the request body"),
            BodyErrorKind::Taken => f.write_str("body was already taken; read it once, or keep the bytes"),
            BodyErrorKind::Producer => f.write_str("body could not be produced"),
        }?;
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl StdError for BodyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}
