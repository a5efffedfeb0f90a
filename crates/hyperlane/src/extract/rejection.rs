//! Why a request was not what its handler needs: the one answer of all built-in extractors.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use http::StatusCode;
use hyperlane_core::{BodyError, BodyErrorKind, BoxError, IntoResponse, Response};

use crate::response::{FieldError, Problem};

/// The most fields that one rejection names; the others are not told, so that no request makes a huge answer.
pub(super) const MAX_FIELDS: usize = 100;
/// The most characters of a message that may repeat what a request said.
const MAX_MESSAGE: usize = 500;

/// Why an argument of a handler could not be read.
///
/// It becomes a [`Problem`]: with its status, its message as the detail, and its fields as `errors`. Where the status
/// is a 5xx, the server's own fault, the message is logged instead and the client learns no more than the status. The
/// [`source`](StdError::source) is always for logs alone.
///
/// ```
/// use hyperlane::{FieldError, IntoResponse, FieldLocation, Rejection, RejectionKind, StatusCode};
///
/// let rejection = Rejection::new(StatusCode::BAD_REQUEST, "`page` must be at least 1")
///     .with_kind(RejectionKind::Invalid)
///     .with_field(FieldError::new(FieldLocation::Query, "page", "must be at least 1"));
/// assert_eq!(rejection.into_response().status(), 400);
/// ```
#[derive(Debug)]
pub struct Rejection(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: RejectionKind,
    status: StatusCode,
    message: Cow<'static, str>,
    fields: Vec<FieldError>,
    source: Option<BoxError>,
}

/// What is wrong with a request, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RejectionKind {
    /// The value is not there at all: an [`Option`] of it is `None`.
    Missing,
    /// It does not follow its format, as a body that is no JSON.
    Malformed,
    /// It follows its format and does not fit the type.
    Invalid,
    /// It fits the type and breaks a rule that `Valid<T>` checks.
    RuleBroken,
    /// The body is of another type than the handler takes.
    UnsupportedMediaType,
    /// It is over a limit.
    TooLarge,
    /// It arrived too slowly.
    Timeout,
    /// The connection ended before it was there.
    Incomplete,
    /// The program's own fault: route and handler, or handler and server, do not fit together.
    Internal,
    /// Another reason.
    Other,
}

impl Rejection {
    /// A rejection with a message that the client may read if the status is a 4xx. Kind: [`Other`].
    ///
    /// [`Other`]: RejectionKind::Other
    pub fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind: RejectionKind::Other,
            status,
            message: message.into(),
            fields: Vec::new(),
            source: None,
        }))
    }

    /// The same with its kind.
    #[must_use]
    pub fn with_kind(mut self, kind: RejectionKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// The same with one more field that is wrong. Of very many the first hundred are kept.
    #[must_use]
    pub fn with_field(mut self, field: FieldError) -> Self {
        if self.0.fields.len() < MAX_FIELDS {
            self.0.fields.push(field);
        }
        self
    }

    /// The same with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What is wrong, for programs.
    pub fn kind(&self) -> RejectionKind {
        self.0.kind
    }

    /// Whether the value is not there at all.
    pub fn is_missing(&self) -> bool {
        self.0.kind == RejectionKind::Missing
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// What is wrong, for people.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The fields that are wrong.
    pub fn fields(&self) -> &[FieldError] {
        &self.0.fields
    }

    /// What the client is told.
    pub fn to_problem(&self) -> Problem {
        let problem = Problem::new(self.0.status);
        if self.0.status.is_server_error() {
            return problem;
        }
        let problem = problem
            .with_detail(self.0.message.clone())
            .with_code(self.0.kind.as_str());
        self.0.fields.iter().cloned().fold(problem, Problem::with_error)
    }

    /// What a failed body means for its request.
    pub(crate) fn of_body(error: &BodyError) -> Self {
        // The kind alone: what caused it may tell too much.
        let message = BodyError::new(error.kind()).to_string();
        Self::new(error.status(), message).with_kind(match error.kind() {
            BodyErrorKind::TooLarge { .. } => RejectionKind::TooLarge,
            BodyErrorKind::Malformed => RejectionKind::Malformed,
            BodyErrorKind::Timeout => RejectionKind::Timeout,
            BodyErrorKind::Incomplete => RejectionKind::Incomplete,
            _ => RejectionKind::Internal,
        })
    }
}

impl From<BodyError> for Rejection {
    fn from(error: BodyError) -> Self {
        Self::of_body(&error).with_source(error)
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        rejection.to_problem()
    }
}

impl IntoResponse for Rejection {
    /// A rejection that is the server's own fault is logged.
    fn into_response(self) -> Response {
        let Inner {
            status,
            message,
            source,
            ..
        } = &*self.0;
        if status.is_server_error() {
            let source = source.as_ref().map(tracing::field::display);
            tracing::error!(status = status.as_u16(), %message, source, "request was rejected");
        }
        self.to_problem().into_response()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Rejection {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.0.source.as_deref()?;
        Some(source)
    }
}

impl RejectionKind {
    /// The kind in a word or two, as it stands in the member `code` of a problem.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Invalid => "invalid",
            Self::RuleBroken => "rule-broken",
            Self::UnsupportedMediaType => "unsupported-media-type",
            Self::TooLarge => "too-large",
            Self::Timeout => "timeout",
            Self::Incomplete => "incomplete",
            Self::Internal => "internal",
            Self::Other => "other",
        }
    }
}

/// A message that may repeat what a request said, cut where it gets long.
pub(super) fn shorten(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
    message
}
