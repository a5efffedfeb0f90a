//! Where a client that comes back was.

use std::convert::Infallible;

use crate::context::Context;
use crate::extract::FromContext;

/// The `Last-Event-ID` that a client sends when it comes back: the id of the last event that it got (HTML standard
/// §9.2.4). `None` for a client that comes for the first time, or has seen no id.
///
/// It is text that the client chose. It can't be rejected: an `EventSource` that is answered with an error gives up for
/// good. What is no UTF-8 in it is replaced, and is then an id that nobody has given.
///
/// ```
/// use hyperlane::sse::{Event, LastEventId, Sse};
/// use hyperlane::*;
///
/// async fn count(LastEventId(last): LastEventId) -> Sse {
///     let first = last.and_then(|id| id.parse::<u64>().ok()).map_or(1, |last| last + 1);
///     let events = (first..first + 3).map(|n| Ok::<_, BoxError>(Event::new(n.to_string()).with_id(n)));
///     Sse::from_events(events)
/// }
/// # Server::new().get("/count", count);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastEventId(
    /// The id.
    pub Option<String>,
);

impl FromContext for LastEventId {
    type Rejection = Infallible;

    async fn from_context(ctx: &Context) -> Result<Self, Infallible> {
        // Browsers send it as UTF-8, which `Context::header` would not show.
        let value = ctx.request_head().header_bytes("last-event-id").unwrap_or_default();
        let id = String::from_utf8_lossy(value);
        Ok(Self((!id.is_empty()).then(|| id.into_owned())))
    }
}

#[cfg(feature = "openapi")]
impl crate::openapi::Describe for LastEventId {
    fn describe(operation: crate::openapi::Operation) -> crate::openapi::Operation {
        operation.optional(|operation| operation.header::<String>("last-event-id"))
    }
}
