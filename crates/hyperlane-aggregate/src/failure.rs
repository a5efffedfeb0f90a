//! Why a source gave no answer of its own.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyperlane::BoxError;

/// Why a source gave no answer of its own. What it was asked for may be there all the same, out of the cache or from the
/// fallback: see [`Part`](crate::Part).
///
/// Its text names no detail of the source's own error, so that it can be sent to clients; that error is the
/// [`source`](StdError::source), and is logged.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Failure {
    /// It answered with an error that asking again may mend.
    Error(Arc<BoxError>),
    /// It answered with an error that [`Source::permanent_if`](crate::Source::permanent_if) knows: asking again would
    /// give the same, and the source itself is well.
    Permanent(Arc<BoxError>),
    /// Asking it panicked.
    Panicked,
    /// It did not answer within its own time-out.
    TimedOut(Duration),
    /// The time of the whole was over first.
    Deadline,
    /// Its circuit breaker is open: it failed too often lately, and is left alone for about this long.
    Open(Duration),
    /// As many ask it already as may, or wait for it.
    Overloaded,
}

impl Failure {
    /// A short name for programs: `error`, `permanent`, `panicked`, `timed-out`, `deadline`, `open` or `overloaded`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Error(_) => "error",
            Self::Permanent(_) => "permanent",
            Self::Panicked => "panicked",
            Self::TimedOut(_) => "timed-out",
            Self::Deadline => "deadline",
            Self::Open(_) => "open",
            Self::Overloaded => "overloaded",
        }
    }

    /// Whether asking again soon may help.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Error(_) | Self::Panicked | Self::TimedOut(_))
    }

    /// Whether an answer that is no longer fresh is better than none (RFC 5861 §4: not for errors that are an answer).
    pub(crate) fn admits_stale(&self) -> bool {
        !matches!(self, Self::Permanent(_))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(_) => f.write_str("the source answered with an error"),
            Self::Permanent(_) => f.write_str("the source refused"),
            Self::Panicked => f.write_str("asking the source failed unexpectedly"),
            Self::TimedOut(limit) => write!(f, "no answer within {} ms", limit.as_millis()),
            Self::Deadline => f.write_str("the time of the whole was over"),
            Self::Open(Duration::ZERO) => f.write_str("failed too often; others try it already"),
            Self::Open(time) => write!(f, "failed too often; left alone for {} ms", time.as_millis()),
            Self::Overloaded => f.write_str("too many ask the source at once"),
        }
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Error(error) | Self::Permanent(error) => Some(&***error),
            _ => None,
        }
    }
}
