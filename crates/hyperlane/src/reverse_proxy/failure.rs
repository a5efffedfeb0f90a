//! Why there is no answer of the upstream, and what the client is told instead.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use http::StatusCode;
use hyper_util::client::legacy;
use hyperlane_core::{BodyError, BodyErrorKind, IntoResponse, Response};

use super::connector::Uses;
use crate::extract::Rejection;
use crate::response::Problem;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// The client's own body failed.
    Client(BodyErrorKind),
    /// There is no connection, or the exchange on it failed.
    Exchange(legacy::Error),
    /// It took too long.
    Slow,
    /// What came is no proper response.
    Response(&'static str),
}

impl Failure {
    /// Whether the upstream could not even be reached, so that nothing was sent to it.
    pub(super) fn is_unreached(&self) -> bool {
        matches!(self, Self::Exchange(error) if error.is_connect())
    }

    /// Whether a connection that was kept from earlier requests turned out to be closed. The upstream may have read the
    /// request all the same.
    pub(super) fn is_stale(&self) -> bool {
        let Self::Exchange(error) = self else {
            return false;
        };
        let mut extensions = http::Extensions::new();
        if let Some(connection) = error.connect_info() {
            connection.get_extras(&mut extensions);
        }
        let was_used = extensions.get::<Uses>().is_some_and(|uses| !uses.is_first());
        was_used && causes(error).any(is_hang_up)
    }

    /// The answer to the client. What happened is for the log.
    pub(super) fn answer(&self) -> Response {
        let status = match self {
            Self::Client(kind) => return Rejection::from(BodyError::new(*kind)).into_response(),
            Self::Slow => StatusCode::GATEWAY_TIMEOUT,
            Self::Exchange(error) if error.is_connect() && causes(error).any(is_time_out) => {
                StatusCode::GATEWAY_TIMEOUT
            }
            Self::Exchange(_) | Self::Response(_) => StatusCode::BAD_GATEWAY,
        };
        Problem::new(status).into_response()
    }
}

/// With its causes.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(kind) => write!(f, "body of the client: {}", BodyError::new(*kind)),
            Self::Slow => f.write_str("response did not begin in time"),
            Self::Response(why) => f.write_str(why),
            Self::Exchange(error) => {
                write!(f, "{error}")?;
                causes(error).skip(1).try_for_each(|cause| write!(f, ": {cause}"))
            }
        }
    }
}

type Cause = dyn StdError + 'static;

fn causes(error: &Cause) -> impl Iterator<Item = &Cause> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

fn is_hang_up(error: &Cause) -> bool {
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return error.is_incomplete_message() || error.is_canceled();
    }
    let io = error.downcast_ref::<io::Error>().map(io::Error::kind);
    matches!(
        io,
        Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted)
    )
}

fn is_time_out(error: &Cause) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}
