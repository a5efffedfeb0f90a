//! The server's own values as arguments.

use std::any::type_name;

use http::StatusCode;

use super::optional::present;
use super::{FromContext, Rejection, RejectionKind, Requirements};
use crate::context::Context;

/// A copy of the value of type `T` that was given to [`Server::state`](crate::Server::state).
///
/// A route that takes a state which no one gave is an error of [`Server::run`](crate::Server::run). In an `Option` it
/// may be missing.
///
/// ```
/// use hyperlane::*;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// async fn count(State(hits): State<Arc<AtomicU64>>) -> String {
///     format!("hit {}", hits.fetch_add(1, Ordering::Relaxed) + 1)
/// }
///
/// let server = Server::new();
/// server.state(Arc::new(AtomicU64::new(0))).get("/", count);
/// assert!(server.build().is_ok());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State<T>(pub T);

impl<T: Clone + Send + Sync + 'static> FromContext for State<T> {
    type Rejection = Rejection;

    async fn from_context(ctx: &Context) -> Result<Self, Rejection> {
        // It can only be missing where the check was passed by, like in an `Option`.
        ctx.try_state().map(Self).ok_or_else(|| {
            let name = type_name::<T>();
            let message = format!("no state of type `{name}` was given: call `server.state(…)` with one before `run`");
            Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, message).with_kind(RejectionKind::Missing)
        })
    }

    async fn from_context_if_present(ctx: &Context) -> Result<Option<Self>, Rejection> {
        present(Self::from_context(ctx).await)
    }

    fn check(needs: &mut Requirements) {
        needs.state::<T>();
    }
}
