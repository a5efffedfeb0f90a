//! Why a file was not stored, and what its client is told.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use hyperlane::{BodyError, BoxError, IntoResponse, Problem, Rejection, Response, StatusCode};

/// Seconds after which a client that was turned away for lack of room may ask again: uploads take about so long.
const RETRY_AFTER: &str = "5";

/// Why an upload failed. Returned by a handler it becomes a [`Problem`] with the [status](Self::status) of its kind.
///
/// In a handler that returns [`hyperlane::Error`] write `.map_err(Problem::from)?`, which keeps the status.
#[derive(Debug)]
pub struct UploadError {
    kind: UploadErrorKind,
    source: Option<BoxError>,
}

/// The kinds of [`UploadError`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UploadErrorKind {
    /// A file, or all files of a request together, have more bytes than the limit (413).
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The request has more files than the limit (413).
    TooManyFiles {
        /// The limit.
        limit: usize,
    },
    /// The text fields beside the files are too long or too many (413).
    TooMuchText,
    /// The bytes are of a type that is not taken (415).
    Type {
        /// What they are.
        found: &'static str,
    },
    /// The body is compressed or a part of a whole, and would be stored as something that it is not (415 or 400).
    Encoded {
        /// The header that says so.
        header: &'static str,
    },
    /// `Content-Digest` or `Repr-Digest` can't be read (400, RFC 9530 §2).
    InvalidDigest,
    /// The bytes are others than the digest says (400).
    DigestMismatch,
    /// The store holds as many bytes, or files, as it may (507, RFC 4918 §11.5).
    StoreFull,
    /// The disk has no room (507).
    DiskFull,
    /// As many uploads as may run at once do so already, or a queue is full (503 with `Retry-After`).
    Busy,
    /// There is no such file (404).
    NotFound,
    /// The body broke off, was too slow or over the limit of its route.
    Body,
    /// The form is malformed.
    Form,
    /// The disk failed (500).
    Io,
}

impl UploadError {
    pub(crate) fn new(kind: UploadErrorKind) -> Self {
        Self { kind, source: None }
    }

    fn caused(kind: UploadErrorKind, source: impl Into<BoxError>) -> Self {
        Self {
            kind,
            source: Some(source.into()),
        }
    }

    /// What went wrong.
    pub fn kind(&self) -> &UploadErrorKind {
        &self.kind
    }

    /// Whether there is no room: the disk is full, or the store holds as much as it may.
    pub fn is_full(&self) -> bool {
        matches!(self.kind, UploadErrorKind::StoreFull | UploadErrorKind::DiskFull)
    }

    /// Whether the client left, or stopped sending, before the end.
    pub fn is_disconnect(&self) -> bool {
        use hyperlane::BodyErrorKind::{Incomplete, Timeout};
        let cause = self
            .source
            .as_deref()
            .and_then(|source| source.downcast_ref::<BodyError>());
        cause.is_some_and(|error| matches!(error.kind(), Incomplete | Timeout))
    }

    /// The status that the request is answered with.
    pub fn status(&self) -> StatusCode {
        use UploadErrorKind as Kind;
        let source = self.source.as_deref();
        match &self.kind {
            Kind::TooLarge { .. } | Kind::TooManyFiles { .. } | Kind::TooMuchText => StatusCode::PAYLOAD_TOO_LARGE,
            Kind::Encoded {
                header: "content-encoding",
            }
            | Kind::Type { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Kind::Encoded { .. } | Kind::InvalidDigest | Kind::DigestMismatch => StatusCode::BAD_REQUEST,
            Kind::StoreFull | Kind::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
            Kind::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::Body => source
                .and_then(|source| source.downcast_ref::<BodyError>())
                .map_or(StatusCode::BAD_REQUEST, BodyError::status),
            Kind::Form => source
                .and_then(|source| source.downcast_ref::<Rejection>())
                .map_or(StatusCode::BAD_REQUEST, Rejection::status),
            Kind::Io => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl fmt::Display for UploadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use UploadErrorKind as Kind;
        match &self.kind {
            Kind::TooLarge { limit } => write!(f, "upload exceeds {limit} bytes"),
            Kind::TooManyFiles { limit } => write!(f, "request has more than {limit} files: send them in several"),
            Kind::TooMuchText => f.write_str("text fields beside the files are too long or too many"),
            Kind::Type { found } => write!(f, "files of the type {found} are not taken"),
            Kind::Encoded { header } => write!(f, "an upload must be the file as it is: send it without `{header}`"),
            Kind::InvalidDigest => f.write_str("digest can't be read: write `sha-256=:<base64>:` (rfc 9530)"),
            Kind::DigestMismatch => f.write_str("the bytes that came are others than the digest says: send them again"),
            Kind::StoreFull => f.write_str("the store holds as much as it may"),
            Kind::DiskFull => f.write_str("the disk has no room for the upload"),
            Kind::Busy => f.write_str("too many uploads at once: try again in a moment"),
            Kind::NotFound => f.write_str("there is no such upload"),
            // These two say it better than we could.
            Kind::Body | Kind::Form => match &self.source {
                Some(source) => write!(f, "{source}"),
                None => f.write_str("upload broke off"),
            },
            Kind::Io => f.write_str("upload could not be stored"),
        }
    }
}

impl StdError for UploadError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.source.as_deref()?;
        Some(source)
    }
}

impl From<io::Error> for UploadError {
    fn from(error: io::Error) -> Self {
        let kind = match error.kind() {
            // No space, over a quota of the file system, and over the limit of the process.
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                UploadErrorKind::DiskFull
            }
            _ => UploadErrorKind::Io,
        };
        Self::caused(kind, error)
    }
}

impl From<BodyError> for UploadError {
    fn from(error: BodyError) -> Self {
        Self::caused(UploadErrorKind::Body, error)
    }
}

impl From<Rejection> for UploadError {
    fn from(rejection: Rejection) -> Self {
        Self::caused(UploadErrorKind::Form, rejection)
    }
}

impl From<UploadError> for Problem {
    fn from(error: UploadError) -> Self {
        let status = error.status();
        if status.is_server_error() {
            let cause = error.source().map(ToString::to_string);
            tracing::error!(status = status.as_u16(), cause, "{error}");
        }
        Self::new(status).with_detail(error.to_string())
    }
}

impl IntoResponse for UploadError {
    fn into_response(self) -> Response {
        let busy = self.kind == UploadErrorKind::Busy;
        let response = Problem::from(self).into_response();
        if busy {
            return response.with_header("retry-after", RETRY_AFTER);
        }
        response
    }
}
