//! Why a request was not what its handler needs: the one answer of all built-in extractors.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use http::StatusCode;
use hyperlane_core::{BodyError, BoxError, IntoResponse, Response};

/// Why an argument of a handler could not be read, as the client is told.
///
/// It becomes its status with the message as short text. The [`source`](StdError::source) is for logs and is not sent.
///
/// ```
/// use hyperlane::{IntoResponse, Rejection, StatusCode};
///
/// let rejection = Rejection::new(StatusCode::BAD_REQUEST, "`page` must be at least 1");
/// assert_eq!(rejection.into_response().status(), 400);
/// ```
#[derive(Debug)]
pub struct Rejection {
    status: StatusCode,
    message: Cow<'static, str>,
    source: Option<BoxError>,
}

impl Rejection {
    /// A rejection with a message that the client may read.
    pub fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            message: message.into(),
            source: None,
        }
    }

    /// The same with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What the client is told.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<BodyError> for Rejection {
    fn from(error: BodyError) -> Self {
        // The kind alone: what caused it may tell too much.
        let message = BodyError::new(error.kind()).to_string();
        Self::new(error.status(), message).with_source(error)
    }
}

impl IntoResponse for Rejection {
    /// A rejection that is the server's own fault is logged.
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            let source = self.source.as_ref().map(tracing::field::display);
            tracing::error!(status = self.status.as_u16(), message = %self.message, source, "request was rejected");
        }
        self.message.into_response().with_status(self.status)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Rejection {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}
