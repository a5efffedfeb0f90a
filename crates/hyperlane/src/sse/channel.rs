//! Events from elsewhere: a bounded channel into a response.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use tokio::sync::mpsc;

use super::error::{EventError, Kind};
use super::event::Event;

/// Sends events into the response that [`Sse::channel`](super::Sse::channel) made. The stream ends when the last clone
/// is dropped.
///
/// The channel has few places, and the client's pace empties them: who sends faster waits.
#[derive(Clone, Debug)]
pub struct EventSender(mpsc::Sender<Event>);

pub(super) fn channel(capacity: usize) -> (EventSender, Receiving) {
    let capacity = capacity.clamp(1, tokio::sync::Semaphore::MAX_PERMITS);
    let (sender, receiver) = mpsc::channel(capacity);
    (EventSender(sender), Receiving(receiver))
}

impl EventSender {
    /// Sends an event, and waits for a place for it.
    ///
    /// # Errors
    ///
    /// The client has left or the server shuts down, or the event can't go on the wire.
    ///
    /// # Cancel safety
    ///
    /// When the future is dropped before it ends, the event was not sent.
    pub async fn send(&self, event: Event) -> Result<(), EventError> {
        event.check()?;
        let sent = self.0.send(event).await;
        sent.map_err(|_| EventError::new(Kind::Closed))
    }

    /// Sends an event if there is a place for it now.
    ///
    /// # Errors
    ///
    /// There is none, or as [`send`](Self::send).
    pub fn try_send(&self, event: Event) -> Result<(), EventError> {
        event.check()?;
        self.0.try_send(event).map_err(|error| {
            EventError::new(match error {
                mpsc::error::TrySendError::Full(_) => Kind::Full,
                mpsc::error::TrySendError::Closed(_) => Kind::Closed,
            })
        })
    }

    /// Waits until nobody receives any more: the client has left, or the server shuts down. It is what a task that
    /// waits for something to send waits for as well.
    pub async fn closed(&self) {
        self.0.closed().await;
    }

    /// Whether nobody receives any more.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

/// The other end.
pub(super) struct Receiving(mpsc::Receiver<Event>);

impl Stream for Receiving {
    type Item = Result<Event, EventError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx).map(|event| event.map(Ok))
    }
}
