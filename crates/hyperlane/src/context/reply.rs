//! The response of a context through its stages, and the hand-over of a stream's pieces.
//!
//! A response is *building* while setters make it; *streaming* from the first `send_body` on, when its head is frozen;
//! and *closed* once it is complete or has nobody to read it. Two sides meet here: senders, inside or outside of the
//! handler, which queue in order and wait until their piece is taken; and the driver ([`Exchange`](crate::Exchange),
//! later the stream's body), which polls the handler and takes pieces for the engine.
//!
//! Nothing in here polls, wakes or drops anything of the application: whoever holds the lock gets the wakers handed
//! out and wakes them afterwards.

use std::collections::VecDeque;
use std::task::{Context as TaskContext, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use hyperlane_core::{Body, Response};

use super::draft::Draft;
use super::stream::SendError;

/// What a piece that is sent ahead takes of the room beside its bytes: so many tiny ones do not take much memory.
const PIECE_OVERHEAD: usize = 64;

/// Where a response stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    #[default]
    Building,
    Streaming,
    Closed,
}

/// The response of a request.
pub(crate) struct Reply {
    pub(super) stage: Stage,
    /// Whether anything but `stage` may differ from a fresh one.
    pub(super) touched: bool,
    /// While building, the response. While streaming, its body is the piece that is sent next.
    pub(super) draft: Draft,
    /// Whether a setter that came too late was logged.
    pub(super) warned: bool,
    /// The head of a stream, or a whole response that was closed by hand, until the exchange takes it.
    begun: Begun,
    /// Pieces of the handler for which the engine has room, and which it does not wait for. They go before `queue`.
    ahead: VecDeque<Bytes>,
    /// Bytes that may still be added there before the handler is polled again.
    room: usize,
    queue: VecDeque<Offer>,
    tickets: u64,
    driver: Option<Waker>,
    /// Whether the driver is polling the handler right now. It looks at the queue afterwards and need not be woken.
    driving: bool,
    gone: bool,
    /// Who wants to hear that nobody reads the response any more.
    watchers: Vec<(u64, Waker)>,
}

struct Offer {
    ticket: u64,
    chunk: Bytes,
    sender: Waker,
    /// Whether the sender is polled by the driver, within its own task: then it needs no waking.
    nested: bool,
}

/// What the driver of a stream does next.
pub(crate) enum Piece {
    Chunk(Bytes, Option<Waker>),
    /// Several pieces, which it was given.
    Batch,
    End(Option<Box<HeaderMap>>),
    Wait,
}

/// What has begun to go out and was not taken yet.
#[derive(Default)]
pub(crate) enum Begun {
    /// Nothing.
    #[default]
    No,
    /// The head of a stream.
    Stream(Response),
    /// All of the response.
    Whole(Response),
}

impl Default for Reply {
    fn default() -> Self {
        Self {
            stage: Stage::Building,
            touched: false,
            draft: Draft::default(),
            warned: false,
            begun: Begun::No,
            ahead: VecDeque::new(),
            room: 0,
            queue: VecDeque::new(),
            tickets: 0,
            driver: None,
            // The first poll of the handler follows without looking here again.
            driving: true,
            gone: false,
            watchers: Vec::new(),
        }
    }
}

impl Reply {
    /// Forgets the request; the queues' memory stays.
    pub(super) fn reset(&mut self) {
        self.stage = Stage::Building;
        if !std::mem::take(&mut self.touched) {
            return;
        }
        // One by one, and only what may differ: this is on the way of every request that sets anything.
        self.draft.reset();
        self.warned = false;
        if !matches!(self.begun, Begun::No) {
            self.begun = Begun::No;
        }
        self.ahead.clear();
        self.room = 0;
        self.queue.clear();
        self.tickets = 0;
        self.driver = None;
        self.driving = true;
        self.gone = false;
        self.watchers.clear();
    }

    // ---- the senders' side ----

    /// Exchanges the body for that of `new`: the response's own, or the next piece of a stream. Returns whether that is
    /// still of use.
    #[inline]
    pub(super) fn set_body(&mut self, new: &mut Response) -> bool {
        match self.stage {
            Stage::Building => {
                // The type of an earlier body goes with it, also where a look at the headers has put it among them.
                if !self.draft.content_type_set && new.has_header(&CONTENT_TYPE) {
                    self.draft.response.remove_header(CONTENT_TYPE.as_str());
                }
                self.draft.response.exchange_body(new);
            }
            Stage::Streaming => std::mem::swap(self.draft.response.body_mut(), new.body_mut()),
            Stage::Closed => return false,
        }
        true
    }

    /// Freezes the head if that has not happened, and takes the piece that was set.
    pub(super) fn begin(&mut self) -> Result<Body, SendError> {
        match self.stage {
            Stage::Closed => return Err(self.why_closed()),
            Stage::Building => {
                self.stage = Stage::Streaming;
                let mut head = std::mem::replace(&mut self.draft.response, Response::deferred());
                let first = std::mem::take(head.body_mut());
                self.begun = Begun::Stream(head);
                return Ok(first);
            }
            Stage::Streaming => {}
        }
        Ok(std::mem::take(self.draft.response.body_mut()))
    }

    /// Sends the piece that was set without waiting, if it comes from the handler within its own task, for which the
    /// engine has room. Whoever else sends waits until it was taken.
    pub(super) fn send_ahead(&mut self, cx: &TaskContext<'_>) -> bool {
        if self.room == 0 || self.stage != Stage::Streaming || !self.queue.is_empty() || !self.is_nested(cx.waker()) {
            return false;
        }
        let body = self.draft.response.body_mut();
        let Some(chunk) = body.take_full() else {
            return false;
        };
        let takes = chunk.len().saturating_add(PIECE_OVERHEAD);
        if chunk.is_empty() || takes > self.room {
            *body = chunk.into();
            return false;
        }
        self.room -= takes;
        self.ahead.push_back(chunk);
        true
    }

    /// Ends the response: a stream behind what is queued, one in the making as it is.
    pub(super) fn close(&mut self) -> Result<(), SendError> {
        match self.stage {
            Stage::Closed if self.gone => return Err(self.why_closed()),
            Stage::Closed => {}
            Stage::Building => {
                self.begun = Begun::Whole(std::mem::take(&mut self.draft).into_response());
            }
            Stage::Streaming => {}
        }
        self.stage = Stage::Closed;
        Ok(())
    }

    /// Queues a piece and returns its ticket.
    pub(super) fn offer(&mut self, chunk: Bytes, cx: &TaskContext<'_>) -> Result<u64, SendError> {
        if self.stage != Stage::Streaming {
            return Err(self.why_closed());
        }
        let ticket = self.tickets;
        self.tickets += 1;
        let nested = self.is_nested(cx.waker());
        self.queue.push_back(Offer {
            ticket,
            chunk,
            sender: cx.waker().clone(),
            nested,
        });
        Ok(ticket)
    }

    /// Waits until the piece was taken.
    pub(super) fn poll_taken(&mut self, ticket: u64, cx: &TaskContext<'_>) -> Poll<Result<(), SendError>> {
        if self.gone {
            return Poll::Ready(Err(self.why_closed()));
        }
        let nested = self.is_nested(cx.waker());
        match self.queue.iter_mut().find(|piece| piece.ticket == ticket) {
            Some(piece) => {
                piece.sender.clone_from(cx.waker());
                piece.nested = nested;
                Poll::Pending
            }
            None => Poll::Ready(Ok(())),
        }
    }

    /// Takes a piece back whose sender no longer waits.
    pub(super) fn withdraw(&mut self, ticket: u64) -> Option<Bytes> {
        let position = self.queue.iter().position(|piece| piece.ticket == ticket)?;
        self.queue.remove(position).map(|piece| piece.chunk)
    }

    /// The driver's waker, if it does not look here by itself.
    pub(super) fn driver_to_wake(&mut self) -> Option<Waker> {
        if self.driving { None } else { self.driver.take() }
    }

    /// Whether nobody reads the response any more.
    pub(super) fn is_gone(&self) -> bool {
        self.gone
    }

    /// Waits until nobody reads the response any more. `ticket` is the place of the one who waits.
    pub(super) fn poll_gone(&mut self, ticket: &mut Option<u64>, cx: &TaskContext<'_>) -> Poll<()> {
        if self.gone {
            return Poll::Ready(());
        }
        let known = ticket.and_then(|own| self.watchers.iter_mut().find(|(other, _)| *other == own));
        if let Some((_, watcher)) = known {
            watcher.clone_from(cx.waker());
            return Poll::Pending;
        }
        let own = self.tickets;
        self.tickets += 1;
        *ticket = Some(own);
        self.watchers.push((own, cx.waker().clone()));
        Poll::Pending
    }

    /// Forgets one who no longer waits for that. The waker is to be dropped outside of the lock.
    pub(super) fn unwatch(&mut self, ticket: u64) -> Option<Waker> {
        let position = self.watchers.iter().position(|(other, _)| *other == ticket)?;
        Some(self.watchers.swap_remove(position).1)
    }

    fn is_nested(&self, waker: &Waker) -> bool {
        self.driving && self.driver.as_ref().is_some_and(|driver| driver.will_wake(waker))
    }

    fn why_closed(&self) -> SendError {
        if self.gone {
            SendError::client_gone()
        } else {
            SendError::closed()
        }
    }

    // ---- the driver's side ----

    /// Says that the handler is polled now, and how many bytes it may send ahead.
    pub(crate) fn start_driving(&mut self, room: usize, cx: &TaskContext<'_>) {
        self.driving = true;
        self.room = room;
        self.store_driver(cx);
    }

    /// Says that the handler waits; the driver is woken when something happens here.
    pub(crate) fn stop_driving(&mut self, cx: &TaskContext<'_>) -> Begun {
        self.driving = false;
        if matches!(self.begun, Begun::No) {
            self.store_driver(cx);
            return Begun::No;
        }
        std::mem::take(&mut self.begun)
    }

    /// The next piece of a stream, or its end: when nothing is queued any more and the handler has ended, or the
    /// response was closed. What was sent ahead goes to `batch`, which must be empty.
    pub(crate) fn next(&mut self, handler_waits: bool, batch: &mut VecDeque<Bytes>, cx: &TaskContext<'_>) -> Piece {
        self.driving = false;
        self.room = 0;
        if self.take_ahead(batch) {
            return Piece::Batch;
        }
        if let Some(piece) = self.queue.pop_front() {
            let sender = (!(piece.nested && handler_waits)).then_some(piece.sender);
            return Piece::Chunk(piece.chunk, sender);
        }
        if self.stage == Stage::Closed {
            return Piece::End(self.draft.trailers.take());
        }
        self.store_driver(cx);
        Piece::Wait
    }

    /// Moves what was sent ahead to `batch`, which must be empty. Returns whether there was anything.
    pub(crate) fn take_ahead(&mut self, batch: &mut VecDeque<Bytes>) -> bool {
        if self.ahead.is_empty() {
            return false;
        }
        std::mem::swap(&mut self.ahead, batch);
        true
    }

    /// Makes what was set and what the handler returned the answer, if nothing has begun to be sent. For who holds the
    /// only handle.
    pub(super) fn settle(&mut self, returned: &mut Response) -> bool {
        if self.touched && self.stage == Stage::Building {
            self.draft.settle(returned);
            return true;
        }
        !self.touched
    }

    /// The handler has ended: nothing more is set or queued. But where a middleware stands around it, that may go on
    /// to set headers of the response that it was given.
    pub(crate) fn finish(&mut self, outermost: bool) -> Finished {
        self.driving = false;
        match self.stage {
            Stage::Building => {
                if outermost {
                    self.stage = Stage::Closed;
                }
                return Finished::Draft(std::mem::take(&mut self.draft));
            }
            // Its head was taken behind a middleware, and its handler goes on in the body.
            Stage::Streaming if matches!(self.begun, Begun::No) => {}
            Stage::Streaming | Stage::Closed => self.stage = Stage::Closed,
        }
        Finished::Begun(std::mem::take(&mut self.begun))
    }

    /// The handler of a stream has ended, whose head was taken before: nothing more is queued.
    pub(crate) fn finish_stream(&mut self) {
        self.driving = false;
        self.stage = Stage::Closed;
    }

    /// Nobody reads the response any more. Returns the wakers of those who wait for that, and what had begun, which is
    /// to be dropped outside of the lock.
    pub(crate) fn abandon(&mut self) -> (Vec<Waker>, Begun) {
        let begun = std::mem::take(&mut self.begun);
        self.gone = true;
        self.stage = Stage::Closed;
        self.driving = false;
        self.driver = None;
        self.ahead.clear();
        let senders = self.queue.drain(..).map(|piece| piece.sender);
        let watchers = self.watchers.drain(..).map(|(_, watcher)| watcher);
        (senders.chain(watchers).collect(), begun)
    }

    fn store_driver(&mut self, cx: &TaskContext<'_>) {
        match &mut self.driver {
            Some(driver) => driver.clone_from(cx.waker()),
            None => self.driver = Some(cx.waker().clone()),
        }
    }
}

/// What a handler that ended leaves to be sent.
pub(crate) enum Finished {
    /// A response that had not begun, to be merged with what the handler returned.
    Draft(Draft),
    /// One that has begun, as far as it was not taken yet. What the handler returned comes too late.
    Begun(Begun),
}
