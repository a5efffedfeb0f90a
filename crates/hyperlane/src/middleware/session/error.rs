//! Why a session could not be read or changed.

use std::error::Error as StdError;
use std::fmt;

use http::StatusCode;
use hyperlane_core::{BoxError, IntoResponse, Response};

use crate::extract::Rejection;

/// Why a session could not be read or changed: returned by a handler with `?`, it is a 500, which is logged.
#[derive(Debug)]
pub struct SessionError {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Store(BoxError),
    Value { key: String, source: serde_json::Error },
    TooLarge { limit: usize },
    Closed,
    Random(getrandom::Error),
}

impl SessionError {
    pub(super) fn store(source: BoxError) -> Self {
        Self {
            kind: Kind::Store(source),
        }
    }

    pub(super) fn value(key: &str, source: serde_json::Error) -> Self {
        let key = key.to_owned();
        Self {
            kind: Kind::Value { key, source },
        }
    }

    pub(super) fn too_large(limit: usize) -> Self {
        Self {
            kind: Kind::TooLarge { limit },
        }
    }

    pub(super) fn closed() -> Self {
        Self { kind: Kind::Closed }
    }

    pub(super) fn random(source: getrandom::Error) -> Self {
        Self {
            kind: Kind::Random(source),
        }
    }

    /// Whether the store failed: the session may be there next time.
    pub fn is_store(&self) -> bool {
        matches!(self.kind, Kind::Store(_))
    }

    /// Whether a value has another type than the one that was asked for, or can't be JSON.
    pub fn is_value(&self) -> bool {
        matches!(self.kind, Kind::Value { .. })
    }

    /// Whether the values would take more bytes than [`Sessions::max_size`](super::Sessions::max_size) admits; nothing
    /// was changed.
    pub fn is_too_large(&self) -> bool {
        matches!(self.kind, Kind::TooLarge { .. })
    }

    /// Whether the response has begun, so that nothing can be changed any more.
    pub fn is_closed(&self) -> bool {
        matches!(self.kind, Kind::Closed)
    }
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Store(source) => write!(f, "session store failed: {source}"),
            Kind::Value { key, source } => write!(f, "value `{key}` of the session has another type: {source}"),
            Kind::TooLarge { limit } => write!(f, "values of the session exceed {limit} bytes: keep them elsewhere"),
            Kind::Closed => f.write_str("response has begun: change the session before"),
            Kind::Random(source) => write!(f, "system has no random numbers for a session: {source}"),
        }
    }
}

impl StdError for SessionError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.kind {
            Kind::Store(source) => Some(&**source),
            Kind::Value { source, .. } => Some(source),
            Kind::Random(source) => Some(source),
            Kind::TooLarge { .. } | Kind::Closed => None,
        }
    }
}

impl IntoResponse for SessionError {
    fn into_response(self) -> Response {
        Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, "session failed")
            .with_source(self)
            .into_response()
    }
}
