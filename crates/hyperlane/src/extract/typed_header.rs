//! A header with its meaning, by the `headers` crate.

use headers::{Header, HeaderMapExt};
use http::StatusCode;
use hyperlane_core::into_response::ResponsePart;
use hyperlane_core::{Body, IntoResponse, Response};

use super::optional::present;
use super::{FromContext, Rejection, RejectionKind};
use crate::context::Context;
use crate::response::{FieldError, FieldLocation};

/// A header as a type of the [`headers`] crate: as an argument, and as a part of a response.
///
/// A header that is missing, or that its type can't read, is answered 400 and named. An [`Option`] of it is `None` where
/// it is missing. The same as [`Context::typed_header`].
///
/// ```
/// use hyperlane::*;
/// use hyperlane::headers::{CacheControl, UserAgent};
/// use std::time::Duration;
///
/// async fn agent(TypedHeader(agent): TypedHeader<UserAgent>) -> (TypedHeader<CacheControl>, String) {
///     let hour = CacheControl::new().with_max_age(Duration::from_secs(3600));
///     (TypedHeader(hour), agent.to_string())
/// }
/// # Server::new().get("/", agent);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TypedHeader<T>(pub T);

impl<T: Header + Send> FromContext for TypedHeader<T> {
    type Rejection = Rejection;

    async fn from_context(ctx: &Context) -> Result<Self, Rejection> {
        ctx.typed_header().map(Self)
    }

    async fn from_context_if_present(ctx: &Context) -> Result<Option<Self>, Rejection> {
        present(ctx.typed_header().map(Self))
    }
}

impl<T: Header> ResponsePart for TypedHeader<T> {
    fn apply(self, response: &mut Response) {
        response.headers_mut().typed_insert(self.0);
    }
}

impl<T: Header> IntoResponse for TypedHeader<T> {
    fn into_response(self) -> Response {
        (self, Body::empty()).into_response()
    }
}

impl Context {
    /// A header as a type of the [`headers`] crate: the same as [`TypedHeader<T>`](TypedHeader).
    ///
    /// # Errors
    ///
    /// It is missing or can't be read: 400.
    pub fn typed_header<T: Header>(&self) -> Result<T, Rejection> {
        let name = T::name();
        let mut values = self.headers().get_all(name).iter().peekable();
        let reject = |kind, what: &str| {
            let field = FieldError::new(FieldLocation::Header, name.as_str(), what.to_owned());
            Rejection::new(StatusCode::BAD_REQUEST, format!("header `{name}` {what}"))
                .with_kind(kind)
                .with_field(field)
        };
        if values.peek().is_none() {
            return Err(reject(RejectionKind::Missing, "is missing"));
        }
        T::decode(&mut values).map_err(|error| {
            let what = "does not follow its format";
            reject(RejectionKind::Malformed, what).with_source(error)
        })
    }
}
