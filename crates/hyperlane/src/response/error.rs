//! The error of handlers: takes any error, logs it whole, and shows the client none of it.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;

use http::StatusCode;
use hyperlane_core::{BodyError, BoxError, IntoResponse, Response};

use super::Problem;
use crate::extract::Rejection;

/// Any error, for handlers and for `main`.
///
/// `?` makes one of every [`std::error::Error`]. Returned by a handler it becomes a [`Problem`]: a 500 whose
/// text says nothing of the cause, which is logged with all that it was caused by and the place of the `?`. Another
/// status, and what the client may know, is added by hand. A [`Rejection`], a [`Problem`] and a [`BodyError`] keep
/// their status and what they tell.
///
/// It does not implement [`std::error::Error`] itself, since then it could not be made of all that do.
///
/// ```
/// use hyperlane::*;
///
/// async fn config(ctx: Context) -> Result<String, Error> {
///     let name = ctx.query("name").or_status(StatusCode::BAD_REQUEST)?;
///     let text = std::fs::read_to_string("/etc/app.toml")?;
///     let port: u16 = text.trim().parse().map_err(|error| {
///         Error::new(error).with_status(StatusCode::BAD_GATEWAY).with_detail("the settings are broken")
///     })?;
///     Ok(format!("{name} listens on {port}"))
/// }
/// # Server::new().get("/", config);
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    problem: Problem,
    source: Option<BoxError>,
    at: &'static Location<'static>,
}

impl Error {
    /// An error with this cause: any error, boxed or not, or a text, all for the log alone. Answer: 500.
    #[track_caller]
    pub fn new(cause: impl Into<BoxError>) -> Self {
        Self::from_box(cause.into())
    }

    /// An error that the client is told of and that has no cause: what [`with_detail`](Self::with_detail) and the
    /// like add is all of it.
    #[track_caller]
    pub fn problem(problem: impl Into<Problem>) -> Self {
        Self::with_parts(problem.into(), None)
    }

    /// The same answered with another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.problem = self.0.problem.with_status(status);
        self
    }

    /// The same with a text for the client.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.problem = self.0.problem.with_detail(detail);
        self
    }

    /// The same answered with this problem.
    #[must_use]
    pub fn with_problem(mut self, problem: Problem) -> Self {
        self.0.problem = problem;
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.0.problem.status()
    }

    /// What the client is told.
    pub fn public(&self) -> &Problem {
        &self.0.problem
    }

    /// The cause, for logs.
    pub fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.0.source.as_deref()?;
        Some(source)
    }

    /// Where it was made.
    pub fn location(&self) -> &'static Location<'static> {
        self.0.at
    }

    #[track_caller]
    fn from_box(cause: BoxError) -> Self {
        let cause = match cause.downcast::<Problem>() {
            Ok(problem) => return Self::with_parts(*problem, None),
            Err(cause) => cause,
        };
        let problem = if let Some(rejection) = cause.downcast_ref::<Rejection>() {
            rejection.to_problem()
        } else if let Some(error) = cause.downcast_ref::<BodyError>() {
            Rejection::of_body(error).to_problem()
        } else {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR)
        };
        Self::with_parts(problem, Some(cause))
    }

    #[track_caller]
    fn with_parts(problem: Problem, source: Option<BoxError>) -> Self {
        let at = Location::caller();
        Self(Box::new(Inner { problem, source, at }))
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    #[track_caller]
    fn from(error: E) -> Self {
        Self::from_box(Box::new(error))
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.status().as_u16();
        if self.status().is_server_error() {
            tracing::error!(status, error = %self, at = %self.0.at, "handler failed");
        } else {
            tracing::debug!(status, error = %self, at = %self.0.at, "handler refused a request");
        }
        self.0.problem.into_response()
    }
}

/// The cause and all that it was caused by, for logs.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.source() else {
            return write!(f, "{}", self.0.problem);
        };
        write!(f, "{first}")?;
        let mut last = first.to_string();
        let mut next = first.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            // Some errors say what caused them themselves.
            if !last.ends_with(&text) {
                write!(f, ": {text}")?;
            }
            last = text;
            next = cause.source();
        }
        Ok(())
    }
}

/// As [`Display`](fmt::Display), so that a `main` that returns one prints a readable line.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} (at {})", self.0.at)
    }
}

/// Makes an [`Error`] with a status of a missing value or another error.
///
/// ```
/// use hyperlane::*;
/// use std::collections::HashMap;
///
/// async fn user(Path(id): Path<u64>, State(users): State<HashMap<u64, String>>) -> Result<String, Error> {
///     let name = users.get(&id).or_not_found()?;
///     let name = std::str::from_utf8(name.as_bytes()).or_status(StatusCode::BAD_GATEWAY)?;
///     Ok(name.to_owned())
/// }
/// # Server::new().state(HashMap::<u64, String>::new()).get("/user/{id}", user);
/// ```
pub trait OrError<T>: Sized {
    /// The value, or an error that the client is told of as this problem, or as this status alone.
    ///
    /// # Errors
    ///
    /// There is no value.
    fn or_problem(self, problem: impl Into<Problem>) -> Result<T, Error>;

    /// The value, or an error with this status.
    ///
    /// # Errors
    ///
    /// There is no value.
    #[track_caller]
    fn or_status(self, status: StatusCode) -> Result<T, Error> {
        self.or_problem(status)
    }

    /// The value, or a 404.
    ///
    /// # Errors
    ///
    /// There is no value.
    #[track_caller]
    fn or_not_found(self) -> Result<T, Error> {
        self.or_status(StatusCode::NOT_FOUND)
    }
}

impl<T> OrError<T> for Option<T> {
    #[track_caller]
    fn or_problem(self, problem: impl Into<Problem>) -> Result<T, Error> {
        match self {
            Some(value) => Ok(value),
            None => Err(Error::problem(problem)),
        }
    }
}

impl<T, E: Into<Error>> OrError<T> for Result<T, E> {
    #[track_caller]
    fn or_problem(self, problem: impl Into<Problem>) -> Result<T, Error> {
        match self {
            Ok(value) => Ok(value),
            Err(error) => Err(error.into().with_problem(problem.into())),
        }
    }
}
