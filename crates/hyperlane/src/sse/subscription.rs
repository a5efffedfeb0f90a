//! One who listens to a log: a place in it, and nothing else.

use std::convert::Infallible;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::event::Event;
use super::log::Shared;

/// What becomes of a subscriber that takes events more slowly than the log forgets them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FallenBehind {
    /// It is told what it missed, as one that comes back too late, and goes on with what is kept. The default.
    #[default]
    Tell,
    /// Its stream ends. A browser comes back, and is told then.
    End,
}

/// What a subscriber missed because the log had forgotten it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missed {
    /// So many events.
    Events(u64),
    /// Nobody knows how many: the id that it came with is none of this log's, or is forgotten.
    Unknown,
}

/// The events of an [`EventLog`](super::EventLog) from some place on, for [`Sse::new`](super::Sse::new) or whatever else
/// takes a stream. It ends when the log is closed.
pub struct Subscription {
    log: Arc<Shared>,
    number: u64,
    /// The number of the event that comes next.
    cursor: u64,
    opening: Option<Event>,
    missed: Option<Missed>,
    waiting: bool,
}

impl Subscription {
    pub(super) fn new(
        log: Arc<Shared>,
        number: u64,
        cursor: u64,
        opening: Option<Event>,
        missed: Option<Missed>,
    ) -> Self {
        Self {
            log,
            number,
            cursor,
            opening,
            missed,
            waiting: false,
        }
    }

    /// What it missed before it came, or, while it was too slow, since then; `None` if nothing. The stream tells it, too.
    pub fn missed(&self) -> Option<Missed> {
        self.missed
    }

    /// The next event; `None` once the log is closed. The first may be a [position](Event::position) without data, or
    /// the one that tells of a gap.
    ///
    /// # Cancel safety
    ///
    /// No event is lost when the future is dropped.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some(opening) = self.opening.take() {
            return Poll::Ready(Some(opening));
        }
        let mut state = self.log.lock();
        let first = state.first();
        if self.cursor < first {
            if state.fallen_behind == FallenBehind::End {
                return Poll::Ready(None);
            }
            let missed = Missed::Events(first - self.cursor);
            let gap = state.gap(missed, first);
            self.missed = Some(missed);
            self.cursor = first;
            return Poll::Ready(Some(gap));
        }
        if let Some(event) = state.event(self.cursor) {
            let event = event.clone();
            self.cursor += 1;
            return Poll::Ready(Some(event));
        }
        if state.closed {
            return Poll::Ready(None);
        }
        self.waiting = true;
        state.waiting.insert(self.number, cx.waker().clone());
        Poll::Pending
    }
}

impl Stream for Subscription {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_event(cx).map(|event| event.map(Ok))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if self.waiting {
            let waker = self.log.lock().waiting.remove(&self.number);
            drop(waker);
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("cursor", &self.cursor)
            .field("missed", &self.missed)
            .finish_non_exhaustive()
    }
}
