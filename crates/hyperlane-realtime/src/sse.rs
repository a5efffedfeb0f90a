//! A member at the other end of a stream of events.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use hyperlane::sse::{Event, Sse};

use crate::member::Member;

/// What a member receives as a stream of events, each with its [`Delivery`](crate::Delivery) as its data. The member has
/// left when the client or the server ends the stream. What the member says comes by requests of its own.
///
/// A browser sends the id of the last message as `Last-Event-ID` when it comes back:
///
/// ```
/// use hyperlane::sse::{LastEventId, Sse};
/// use hyperlane::{Error, Path, Server, State};
/// use hyperlane_realtime::{Hub, Joiner, sse};
///
/// async fn listen(
///     Path((room, name)): Path<(String, String)>,
///     LastEventId(last): LastEventId,
///     State(hub): State<Hub>,
/// ) -> Result<Sse, Error> {
///     Ok(sse(hub.join(room, Joiner::new(name).since(last.as_deref()).history(50))?))
/// }
///
/// let server = Server::new();
/// server.state(Hub::new()).get("/rooms/{room}/{name}/events", listen);
/// # assert!(server.build().is_ok());
/// ```
pub fn sse(member: Member) -> Sse {
    Sse::new(Events(member))
}

struct Events(Member);

impl Stream for Events {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let delivery = Pin::new(&mut self.0).poll_next(cx);
        delivery.map(|delivery| delivery.map(|delivery| Ok(delivery.to_event())))
    }
}
