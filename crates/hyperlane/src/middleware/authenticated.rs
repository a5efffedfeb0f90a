//! Who sent a request, as an authenticating middleware found out.

use http::{HeaderValue, StatusCode, header};
use hyperlane_core::Response;

use super::refusal::refusal;
use crate::context::Context;
use crate::extract::{FromContext, Rejection};

/// What `BasicAuth`, `BearerAuth` or `Jwt` found out about who sent the
/// request: an argument of handlers.
///
/// A route around which no such middleware stands answers 500, and an error is logged: it fails closed. In an `Option`
/// it is `None` there.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::{Authenticated, BearerAuth, BearerError};
///
/// #[derive(Clone)]
/// struct User(String);
///
/// async fn verify(token: String) -> Result<User, BearerError> {
///     match token.as_str() {
///         "t0k3n" => Ok(User("kim".into())),
///         _ => Err(BearerError::InvalidToken),
///     }
/// }
///
/// async fn me(Authenticated(user): Authenticated<User>) -> String {
///     user.0
/// }
/// # Server::new().middleware(BearerAuth::new("app", verify)).get("/me", me);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated<T>(pub T);

impl<T: Clone + Send + Sync + 'static> FromContext for Authenticated<T> {
    type Rejection = Rejection;

    async fn from_context(ctx: &Context) -> Result<Self, Rejection> {
        ctx.extension().ok_or_else(|| {
            let name = std::any::type_name::<T>();
            let message = format!("nobody authenticated a `{name}`: put the middleware that does around the route");
            Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, message)
        })
    }

    async fn from_context_if_present(ctx: &Context) -> Result<Option<Self>, Rejection> {
        Ok(ctx.extension())
    }
}

/// The credentials of a scheme in `Authorization` (RFC 9110 §11.6.2).
pub(crate) enum Credentials<'a> {
    /// There are none, or those of another scheme.
    None,
    /// Two fields, or bytes that can't be part of any: whose they are is not to be guessed.
    Malformed,
    Given(&'a str),
}

pub(crate) fn credentials<'a>(ctx: &'a Context, scheme: &str) -> Credentials<'a> {
    let mut fields = ctx.headers().get_all(header::AUTHORIZATION).iter();
    match (fields.next().map(HeaderValue::to_str), fields.next()) {
        (None, _) => Credentials::None,
        (Some(Ok(value)), None) => match value.split_once(' ') {
            Some((given, credentials)) if given.eq_ignore_ascii_case(scheme) => {
                Credentials::Given(credentials.trim_matches(' '))
            }
            _ => Credentials::None,
        },
        _ => Credentials::Malformed,
    }
}

/// A refusal that says how to authenticate (RFC 9110 §11.6.1).
pub(crate) fn challenge(status: StatusCode, message: &'static str, challenge: String) -> Response {
    let response = refusal(status, message);
    match HeaderValue::try_from(challenge) {
        Ok(value) => response.with_header(header::WWW_AUTHENTICATE, value),
        Err(_) => response,
    }
}

/// A realm as a quoted string (RFC 9110 §5.6.4). What can't stand in a header is left out.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars().filter(|c| *c == ' ' || c.is_ascii_graphic()) {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}
