//! Authentication by a token (RFC 6750).

use std::fmt;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use http::StatusCode;
use hyperlane_core::Response;

use super::authenticated::{Authenticated, Credentials, challenge, credentials, quoted};
use super::{Middleware, Next};
use crate::context::Context;

type Verify<T> = dyn Fn(String) -> BoxFuture<'static, Result<T, BearerError>> + Send + Sync;

/// Admits who sends a token in `Authorization: Bearer` that a function accepts (RFC 6750).
///
/// What the function returns is the argument [`Authenticated<T>`](Authenticated) of handlers. Without a token the answer
/// is 401; otherwise it is that of the [`BearerError`]. Tokens in bodies and queries are not read, as these end up in
/// logs.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::{BearerAuth, BearerError};
///
/// async fn verify(token: String) -> Result<(), BearerError> {
///     // A database would look for the token's hash, so that a copy of it is worth nothing.
///     if token == "t0k3n" { Ok(()) } else { Err(BearerError::InvalidToken) }
/// }
/// # Server::new().middleware(BearerAuth::new("app", verify));
/// ```
pub struct BearerAuth<T> {
    realm: String,
    verify: Arc<Verify<T>>,
}

/// Why a token is not accepted (RFC 6750 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BearerError {
    /// It is unknown, expired or revoked: 401 with `invalid_token`.
    InvalidToken,
    /// It is valid, and does not allow this: 403 with `insufficient_scope`.
    InsufficientScope,
}

impl<T: Clone + Send + Sync + 'static> BearerAuth<T> {
    /// Asks `verify` about each token.
    pub fn new<F, Fut>(realm: &str, verify: F) -> Self
    where
        F: Fn(String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, BearerError>> + Send + 'static,
    {
        Self {
            realm: quoted(realm),
            verify: Arc::new(move |token| Box::pin(verify(token))),
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Middleware for BearerAuth<T> {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        let verified = match bearer_token(&ctx) {
            Ok(token) => (self.verify)(token.to_owned()).await.map_err(Refusal::Token),
            Err(refusal) => Err(refusal),
        };
        match verified {
            Ok(value) => {
                ctx.set_extension(Authenticated(value));
                next.run(ctx).await
            }
            Err(refusal) => refusal.answer(&self.realm),
        }
    }
}

/// Why a request is not let through.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refusal {
    NoToken,
    Malformed,
    Token(BearerError),
}

/// The token of a request.
pub(crate) fn bearer_token(ctx: &Context) -> Result<&str, Refusal> {
    match credentials(ctx, "bearer") {
        Credentials::None => Err(Refusal::NoToken),
        Credentials::Given(token) if is_token(token) => Ok(token),
        Credentials::Given(_) | Credentials::Malformed => Err(Refusal::Malformed),
    }
}

/// `b64token` (RFC 6750 §2.1).
fn is_token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty()
        && body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

impl Refusal {
    /// The realm is a quoted string.
    pub(crate) fn answer(self, realm: &str) -> Response {
        let (status, error, message) = match self {
            // RFC 6750 §3.1: who sent nothing is told nothing but how to.
            Self::NoToken => (StatusCode::UNAUTHORIZED, None, "a bearer token is needed"),
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                Some("invalid_request"),
                "`authorization` is malformed: send one bearer token",
            ),
            Self::Token(BearerError::InvalidToken) => (
                StatusCode::UNAUTHORIZED,
                Some("invalid_token"),
                "bearer token is not valid",
            ),
            Self::Token(BearerError::InsufficientScope) => (
                StatusCode::FORBIDDEN,
                Some("insufficient_scope"),
                "bearer token does not allow this",
            ),
        };
        let how = match error {
            None => format!("Bearer realm={realm}"),
            Some(error) => format!("Bearer realm={realm}, error=\"{error}\""),
        };
        challenge(status, message, how)
    }
}

impl<T> Clone for BearerAuth<T> {
    fn clone(&self) -> Self {
        Self {
            realm: self.realm.clone(),
            verify: Arc::clone(&self.verify),
        }
    }
}

impl<T> fmt::Debug for BearerAuth<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerAuth")
            .field("realm", &self.realm)
            .finish_non_exhaustive()
    }
}
