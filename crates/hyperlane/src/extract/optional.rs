//! Arguments that need not be there, or whose rejection the handler answers itself.

use std::convert::Infallible;

use super::{FromContext, Rejection};
use crate::context::Context;

/// `None` where the request does not have the value. One that is there and wrong is rejected as without the `Option`.
impl<T: FromContext> FromContext for Option<T> {
    type Rejection = T::Rejection;

    async fn from_context(ctx: &Context) -> Result<Self, T::Rejection> {
        T::from_context_if_present(ctx).await
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

/// `None` for what is missing.
pub(super) fn present<T>(result: Result<T, Rejection>) -> Result<Option<T>, Rejection> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(rejection) if rejection.is_missing() => Ok(None),
        Err(rejection) => Err(rejection),
    }
}
