//! Extractors: what a handler's arguments are read from.
//!
//! Between routing and the handler: each argument's [`FromContext`] reads it from the [`Context`], or answers the
//! request with its rejection. The getters of the context that do the same are the same code.

mod body;
mod head;
#[cfg(feature = "json")]
mod json;
mod params;
mod path;
mod query;
mod rejection;
mod requirements;
mod state;

use std::convert::Infallible;

use hyperlane_core::IntoResponse;

use crate::context::Context;

pub use head::PeerAddr;
#[cfg(feature = "json")]
pub use json::Json;
pub use path::Path;
pub use query::Query;
pub use rejection::Rejection;
pub use requirements::Requirements;
pub use state::State;

#[cfg(feature = "json")]
pub(crate) use json::{check_json_type, json_from_slice};
pub(crate) use query::query_from_str;

/// A value that can be an argument of a handler.
///
/// Implement it for what many handlers need, like the user who is logged in.
///
/// ```
/// use hyperlane::*;
///
/// struct Token(String);
///
/// impl FromContext for Token {
///     type Rejection = (StatusCode, &'static str);
///
///     async fn from_context(ctx: &Context) -> Result<Self, Self::Rejection> {
///         let token = ctx.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
///         token.map(|token| Self(token.to_owned())).ok_or((StatusCode::UNAUTHORIZED, "a bearer token is needed"))
///     }
/// }
///
/// async fn secret(Token(token): Token) -> String { token }
/// # Server::new().get("/", secret);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be an argument of a handler",
    label = "this can't be read from a request",
    note = "arguments are `Context`, `Path<T>`, `Query<T>`, `Json<T>`, `State<T>`, `Bytes`, `String`, `Body`, `HeaderMap`, `Method`, `Uri`, `PeerAddr`, and an `Option` or `Result` of these",
    note = "or implement `FromContext` for your type"
)]
pub trait FromContext: Sized + Send {
    /// The answer to a request that does not have the value.
    type Rejection: IntoResponse;

    /// Reads the value.
    fn from_context(ctx: &Context) -> impl Future<Output = Result<Self, Self::Rejection>> + Send;

    /// Says what it needs of the server, so that what is missing is an error of [`Server::run`](crate::Server::run).
    /// Default: nothing.
    fn check(needs: &mut Requirements) {
        let _ = needs;
    }
}

impl FromContext for Context {
    type Rejection = Infallible;

    async fn from_context(ctx: &Context) -> Result<Self, Infallible> {
        Ok(ctx.clone())
    }
}

/// `None` where the value can't be had, for whatever reason.
impl<T: FromContext> FromContext for Option<T> {
    type Rejection = Infallible;

    async fn from_context(ctx: &Context) -> Result<Self, Infallible> {
        Ok(T::from_context(ctx).await.ok())
    }
}

/// The value, or why it can't be had: for handlers that shape the answer themselves.
impl<T: FromContext> FromContext for Result<T, T::Rejection>
where
    T::Rejection: Send,
{
    type Rejection = Infallible;

    async fn from_context(ctx: &Context) -> Result<Self, Infallible> {
        Ok(T::from_context(ctx).await)
    }
}
