//! Values attached to a request, or to a response.

use std::any::type_name;

use http::StatusCode;
use hyperlane_core::Response;
use hyperlane_core::into_response::ResponsePart;

use super::optional::present;
use super::{FromContext, Rejection, RejectionKind};
use crate::context::Context;

/// A copy of the value of type `T` that something before the handler attached to this request, with
/// [`Context::set_extension`]. In a response's tuple it attaches the value to the response.
///
/// If it is not there the program is wrong: the answer is a 500, and the type's name is logged. An [`Option`] of it is
/// `None` then. What belongs to the server rather than to a request is a [`State`](crate::State).
///
/// ```
/// use hyperlane::*;
///
/// #[derive(Clone)]
/// struct User(String);
///
/// async fn greet(Extension(user): Extension<User>) -> String {
///     format!("hello {}", user.0)
/// }
/// # Server::new().get("/", greet);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extension<T>(pub T);

impl<T: Clone + Send + Sync + 'static> FromContext for Extension<T> {
    type Rejection = Rejection;

    async fn from_context(ctx: &Context) -> Result<Self, Rejection> {
        ctx.extension().map(Self).ok_or_else(|| {
            let name = type_name::<T>();
            let message =
                format!("no `{name}` was attached to the request: call `ctx.set_extension(…)` before the handler");
            Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, message).with_kind(RejectionKind::Missing)
        })
    }

    async fn from_context_if_present(ctx: &Context) -> Result<Option<Self>, Rejection> {
        present(Self::from_context(ctx).await)
    }
}

impl<T: Clone + Send + Sync + 'static> ResponsePart for Extension<T> {
    fn apply(self, response: &mut Response) {
        response.extensions_mut().insert(self.0);
    }
}
