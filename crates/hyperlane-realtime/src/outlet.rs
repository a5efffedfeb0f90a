//! The queue of one connection: bounded, and empty most of the time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::config::{Limits, SlowPolicy};
use crate::delivery::Delivery;
use crate::position::Token;

/// Why a member receives nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Closed {
    /// It was too slow, and the hub's policy is [`SlowPolicy::Disconnect`].
    TooSlow,
    /// The hub was closed.
    Hub,
    /// The application sent it away, by [`Hub::disconnect`](crate::Hub::disconnect).
    Sent,
}

/// Where deliveries wait for a member.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) member: Arc<str>,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Item>,
    /// How many deliveries wait that limits may drop, and how many bytes these are: not what a member gets when it comes.
    held: usize,
    bytes: usize,
    /// How many were dropped before the first that waits.
    dropped: u64,
    /// The same since the member came.
    lost: u64,
    waker: Option<Waker>,
    closed: Option<Closed>,
    /// What the member has seen at another node that was ahead of this one.
    seen: Option<Box<Token>>,
}

#[derive(Debug)]
enum Item {
    Delivery(Delivery),
    /// What a member gets when it comes.
    Opening(Delivery),
    /// So many were dropped here.
    Missed(u64),
}

impl Outlet {
    pub(crate) fn new(member: Arc<str>) -> Arc<Self> {
        Arc::new(Self {
            member,
            queue: Mutex::default(),
        })
    }

    /// Adds a delivery, as far as there is a place. Returns whom to wake.
    pub(crate) fn push(&self, delivery: &Delivery, limits: &Limits) -> Option<Waker> {
        let mut queue = self.lock();
        if queue.closed.is_some() {
            return None;
        }
        match &queue.seen {
            Some(seen) if delivery.is_covered_by(seen) => return None,
            Some(seen) if delivery.is_message() && !delivery.is_old() && seen.own.is_none() => queue.seen = None,
            // For whom comes back; others are not told what was before them.
            None if delivery.is_old() => return None,
            _ => {}
        }
        let size = delivery.size();
        let is_full = |queue: &Queue| {
            queue.held > 0 && (queue.held >= limits.queue_messages || queue.bytes + size > limits.queue_bytes)
        };
        if is_full(&queue) {
            match limits.slow {
                SlowPolicy::DropOldest => {
                    while is_full(&queue) {
                        queue.drop_oldest();
                    }
                }
                SlowPolicy::DropNewest => {
                    queue.lost += 1;
                    match queue.waiting.back_mut() {
                        Some(Item::Missed(number)) => *number += 1,
                        _ => queue.waiting.push_back(Item::Missed(1)),
                    }
                    return queue.waker.take();
                }
                SlowPolicy::Disconnect => {
                    queue.closed = Some(Closed::TooSlow);
                    queue.waiting = VecDeque::new();
                    (queue.held, queue.bytes) = (0, 0);
                    return queue.waker.take();
                }
            }
        }
        queue.held += 1;
        queue.bytes += size;
        queue.waiting.push_back(Item::Delivery(delivery.clone()));
        queue.waker.take()
    }

    /// Lets messages pass by that the member has seen at another node.
    pub(crate) fn has_seen(&self, token: Token) {
        self.lock().seen = Some(Box::new(token));
    }

    /// Adds what a member gets when it comes, which no limit drops: it is bounded by that of the history.
    pub(crate) fn open_with(&self, deliveries: impl IntoIterator<Item = Delivery>) {
        let mut queue = self.lock();
        queue.waiting.extend(deliveries.into_iter().map(Item::Opening));
        let waker = queue.waker.take();
        drop(queue);
        waker.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let mut queue = self.lock();
        if let Some(delivery) = queue.take() {
            return Poll::Ready(Some(delivery));
        }
        if queue.closed.is_some() {
            return Poll::Ready(None);
        }
        queue.wake_later(cx);
        Poll::Pending
    }

    pub(crate) fn poll_too_slow(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut queue = self.lock();
        if queue.closed == Some(Closed::TooSlow) {
            return Poll::Ready(());
        }
        queue.wake_later(cx);
        Poll::Pending
    }

    /// Lets the member receive what waits, and nothing more.
    pub(crate) fn close(&self, why: Closed) {
        let mut queue = self.lock();
        queue.closed.get_or_insert(why);
        let waker = queue.waker.take();
        drop(queue);
        waker.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn closed(&self) -> Option<Closed> {
        self.lock().closed
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lock().lost
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing that may panic halfway runs under the lock.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn wake_later(&mut self, cx: &Context<'_>) {
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
    }

    fn take(&mut self) -> Option<Delivery> {
        if self.dropped > 0 {
            let missed = Delivery::missed(Some(self.dropped));
            self.dropped = 0;
            return Some(missed);
        }
        let item = self.waiting.pop_front()?;
        if self.waiting.is_empty() {
            // A member that was slow once does not hold the memory for ever.
            self.waiting = VecDeque::new();
        }
        Some(match item {
            Item::Delivery(delivery) => {
                self.held -= 1;
                self.bytes -= delivery.size();
                delivery
            }
            Item::Opening(delivery) => delivery,
            Item::Missed(number) => Delivery::missed(Some(number)),
        })
    }

    /// Drops the oldest that may be dropped; where something stands before it that may not, it says so in its place.
    fn drop_oldest(&mut self) {
        let is_droppable = |item: &Item| matches!(item, Item::Delivery(_));
        let Some(index) = self.waiting.iter().position(is_droppable) else {
            return;
        };
        if let Some(Item::Delivery(delivery)) = self.waiting.remove(index) {
            self.held -= 1;
            self.bytes -= delivery.size();
            self.lost += 1;
        }
        match index.checked_sub(1).and_then(|before| self.waiting.get_mut(before)) {
            Some(Item::Missed(number)) => *number += 1,
            Some(_) => self.waiting.insert(index, Item::Missed(1)),
            None => self.dropped += 1,
        }
    }
}
