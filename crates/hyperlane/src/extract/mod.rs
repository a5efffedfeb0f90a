//! Extractors: what a handler's arguments are read from.
//!
//! Between routing and the handler: each argument's [`FromContext`] reads it from the [`Context`], or answers the
//! request with its rejection. The getters of the context that do the same are the same code.

mod body;
#[cfg(feature = "cookies")]
mod cookies;
mod extension;
mod field_path;
mod form;
mod head;
#[cfg(feature = "json")]
mod json;
mod media_type;
#[cfg(feature = "multipart")]
mod multipart;
mod optional;
mod params;
mod path;
mod query;
mod rejection;
mod requirements;
mod state;
#[cfg(feature = "typed-headers")]
mod typed_header;
#[cfg(feature = "macros")]
mod typed_path;
mod urlencoded;
#[cfg(feature = "validation")]
mod valid;
mod whole_number;

use std::convert::Infallible;

use hyperlane_core::IntoResponse;

use crate::context::Context;

#[cfg(feature = "cookies")]
pub use cookies::Cookies;
#[cfg(feature = "cookies-crypto")]
pub use cookies::{PrivateCookies, SignedCookies};
pub use extension::Extension;
pub use form::Form;
pub use head::{MatchedPath, OriginalUri, PeerAddr};
#[cfg(feature = "json")]
pub use json::Json;
#[cfg(feature = "multipart")]
pub use multipart::{Field, Multipart};
pub use path::Path;
pub use query::Query;
pub use rejection::{Rejection, RejectionKind};
pub use requirements::Requirements;
pub use state::State;
#[cfg(feature = "typed-headers")]
pub use typed_header::TypedHeader;
#[cfg(feature = "macros")]
pub use typed_path::path_param;
#[cfg(feature = "validation")]
pub use valid::{Valid, Validatable};

#[cfg(feature = "json")]
pub(crate) use json::json_from_slice;
pub(crate) use media_type::MediaType;
pub(crate) use urlencoded::{form_from_str, query_from_str};

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
///     type Rejection = Problem;
///
///     async fn from_context(ctx: &Context) -> Result<Self, Problem> {
///         let token = ctx.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
///         token.map(|token| Self(token.to_owned())).ok_or_else(|| {
///             Problem::new(StatusCode::UNAUTHORIZED).with_detail("a bearer token is needed")
///         })
///     }
/// }
///
/// async fn secret(Token(token): Token) -> String { token }
/// # Server::new().get("/", secret);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be an argument of a handler: it can't be read from a request",
    label = "this argument is not an extractor",
    note = "take `Context`, `Path<T>`, `Query<T>`, `Json<T>`, `Form<T>`, `State<T>`, `Extension<T>`, `Cookies`, `Bytes`, `String`, `Body`, `HeaderMap`, `Method`, `Uri`, `PeerAddr`, or an `Option` or `Result` of these; the `T` of `Path`, `Query`, `Json` and `Form` implements `serde::Deserialize`, and that of `State` and `Extension` is `Clone + Send + Sync`",
    note = "or implement `FromContext` for your type"
)]
pub trait FromContext: Sized + Send {
    /// The answer to a request that does not have the value.
    type Rejection: IntoResponse;

    /// Reads the value.
    fn from_context(ctx: &Context) -> impl Future<Output = Result<Self, Self::Rejection>> + Send;

    /// Reads the value for an [`Option`]: `None` where the request does not have it at all, and the rejection where it
    /// has it and it is wrong, so that no mistake passes unnoticed.
    ///
    /// Default: it is never missing, so that an `Option` of it is rejected as it is itself.
    ///
    /// ```
    /// use hyperlane::*;
    ///
    /// struct ApiVersion(u32);
    ///
    /// impl FromContext for ApiVersion {
    ///     type Rejection = Problem;
    ///
    ///     async fn from_context(ctx: &Context) -> Result<Self, Problem> {
    ///         let version = Self::from_context_if_present(ctx).await?;
    ///         version.ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST).with_detail("`api-version` is missing"))
    ///     }
    ///
    ///     async fn from_context_if_present(ctx: &Context) -> Result<Option<Self>, Problem> {
    ///         let Some(text) = ctx.header("api-version") else { return Ok(None) };
    ///         let number = text.parse().map_err(|_| Problem::new(StatusCode::BAD_REQUEST))?;
    ///         Ok(Some(Self(number)))
    ///     }
    /// }
    ///
    /// async fn show(version: Option<ApiVersion>) -> String { version.map_or(1, |version| version.0).to_string() }
    /// # Server::new().get("/", show);
    /// ```
    fn from_context_if_present(ctx: &Context) -> impl Future<Output = Result<Option<Self>, Self::Rejection>> + Send {
        async { Self::from_context(ctx).await.map(Some) }
    }

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
