//! The one-place channel by which an engine hands a request's body to whoever reads it.
//!
//! It holds at most one piece: the engine reads from the socket only when the reader asks ([`Demand::Wanted`]), which
//! is the whole of the back-pressure.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};

use crate::{BodyError, BodyErrorKind};

pub(super) fn channel(length: Option<u64>) -> (BodySender, Receiver) {
    let shared = Arc::new(Shared(Mutex::new(Slot::default())));
    (
        BodySender(Arc::clone(&shared)),
        Receiver {
            shared,
            remaining: length,
        },
    )
}

/// What the reader of a request body is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// It waits for the next piece.
    Wanted,
    /// It has dropped the body: nobody will read the rest.
    Gone,
}

/// The engine's half of a request body. Dropping it before [`finish`](Self::finish) tells the reader that the body is
/// incomplete.
#[derive(Debug)]
pub struct BodySender(Arc<Shared>);

#[derive(Debug)]
pub(super) struct Receiver {
    shared: Arc<Shared>,
    remaining: Option<u64>,
}

#[derive(Debug)]
struct Shared(Mutex<Slot>);

#[derive(Debug, Default)]
struct Slot {
    piece: Option<Bytes>,
    end: Option<Result<Option<HeaderMap>, BodyError>>,
    wanted: bool,
    reader_gone: bool,
    sender_gone: bool,
    reader: Option<Waker>,
    sender: Option<Waker>,
}

impl BodySender {
    /// Waits until the reader wants a piece, or is gone.
    pub fn poll_demand(&mut self, cx: &Context<'_>) -> Poll<Demand> {
        let mut slot = self.0.lock();
        if slot.reader_gone {
            return Poll::Ready(Demand::Gone);
        }
        if slot.wanted {
            return Poll::Ready(Demand::Wanted);
        }
        store(&mut slot.sender, cx);
        Poll::Pending
    }

    /// Hands over a piece. To be called when one is wanted; an earlier one that was not taken yet is kept before it.
    ///
    /// Returns whether the reader is the task of `cx` itself, which then has to be polled again instead of being
    /// woken.
    pub fn send(&mut self, piece: Bytes, cx: &Context<'_>) -> bool {
        self.hand_over(cx, |slot| {
            debug_assert!(slot.piece.is_none(), "a piece is handed over only when one is wanted");
            slot.piece = Some(piece);
        })
    }

    /// Ends the body, with the trailer fields that stood behind it.
    pub fn finish(self, trailers: Option<HeaderMap>, cx: &Context<'_>) -> bool {
        self.hand_over(cx, |slot| slot.end = Some(Ok(trailers)))
    }

    /// Ends the body with an error.
    pub fn fail(self, error: BodyError, cx: &Context<'_>) -> bool {
        self.hand_over(cx, |slot| slot.end = Some(Err(error)))
    }

    fn hand_over(&self, cx: &Context<'_>, change: impl FnOnce(&mut Slot)) -> bool {
        let reader = {
            let mut slot = self.0.lock();
            change(&mut slot);
            slot.wanted = false;
            slot.reader.take()
        };
        match reader {
            Some(reader) if reader.will_wake(cx.waker()) => true,
            Some(reader) => {
                reader.wake();
                false
            }
            None => false,
        }
    }
}

impl Drop for BodySender {
    fn drop(&mut self) {
        let reader = {
            let mut slot = self.0.lock();
            slot.sender_gone = true;
            slot.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Receiver {
    pub(super) fn poll_frame(&mut self, cx: &Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut slot = self.shared.lock();
        if let Some(piece) = slot.piece.take() {
            if let Some(remaining) = &mut self.remaining {
                *remaining = remaining.saturating_sub(piece.len() as u64);
            }
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match slot.end.take() {
            Some(Ok(trailers)) => {
                slot.end = Some(Ok(None));
                return Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))));
            }
            Some(Err(error)) => {
                // The error is told once; afterwards the body has simply ended.
                slot.end = Some(Ok(None));
                return Poll::Ready(Some(Err(error)));
            }
            None => {}
        }
        if slot.sender_gone {
            slot.end = Some(Ok(None));
            return Poll::Ready(Some(Err(BodyError::new(BodyErrorKind::Incomplete))));
        }
        slot.wanted = true;
        store(&mut slot.reader, cx);
        let sender = slot.sender.take();
        drop(slot);
        // The engine that is just polling this reader looks at the demand by itself afterwards.
        if let Some(sender) = sender.filter(|sender| !sender.will_wake(cx.waker())) {
            sender.wake();
        }
        Poll::Pending
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.remaining.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let sender = {
            let mut slot = self.shared.lock();
            slot.reader_gone = true;
            slot.piece = None;
            slot.sender.take()
        };
        if let Some(sender) = sender {
            sender.wake();
        }
    }
}

impl Shared {
    /// No code panics while it holds the lock, so a poisoned one holds a sound value.
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn store(place: &mut Option<Waker>, cx: &Context<'_>) {
    match place {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *place = Some(cx.waker().clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn poll(receiver: &mut Receiver) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        receiver.poll_frame(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn nothing_is_wanted_before_somebody_reads() {
        let cx = Context::from_waker(Waker::noop());
        let (mut sender, mut receiver) = channel(None);
        assert!(sender.poll_demand(&cx).is_pending());
        assert!(poll(&mut receiver).is_pending());
        assert_eq!(sender.poll_demand(&cx), Poll::Ready(Demand::Wanted));
        sender.send(Bytes::from_static(b"a"), &cx);
        assert!(sender.poll_demand(&cx).is_pending(), "one piece at a time");
        assert!(matches!(poll(&mut receiver), Poll::Ready(Some(Ok(_)))));
    }

    #[test]
    fn a_sender_that_is_dropped_leaves_an_incomplete_body() {
        let (sender, mut receiver) = channel(Some(3));
        drop(sender);
        let Poll::Ready(Some(Err(error))) = poll(&mut receiver) else {
            panic!("an error")
        };
        assert_eq!(error.kind(), BodyErrorKind::Incomplete);
        assert!(matches!(poll(&mut receiver), Poll::Ready(None)));
    }

    #[test]
    fn a_reader_that_is_dropped_is_noticed() {
        let cx = Context::from_waker(Waker::noop());
        let (mut sender, receiver) = channel(None);
        drop(receiver);
        assert_eq!(sender.poll_demand(&cx), Poll::Ready(Demand::Gone));
    }
}
