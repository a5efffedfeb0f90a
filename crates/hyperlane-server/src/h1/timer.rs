//! One timer a connection, for whatever it waits for at the moment.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is cheap to move later, which is what a live connection does with each request: the entry in the
/// runtime's wheel stays where it is and is looked at again only when it fires.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    /// Whom the sleep wakes.
    waker: Option<Waker>,
}

impl Timer {
    /// Ready once `deadline` is past; the task is woken then at the latest.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        let known = self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        } else if known && !sleep.is_elapsed() {
            // It will wake this task, early perhaps: all is said.
            return Poll::Pending;
        }
        if !known {
            self.waker = Some(cx.waker().clone());
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }
}

/// The earliest of the deadlines that a poll came across.
#[derive(Debug)]
pub(crate) struct Deadlines {
    pub(crate) now: Instant,
    earliest: Option<Instant>,
}

impl Deadlines {
    pub(crate) fn new() -> Self {
        Self {
            now: Instant::now(),
            earliest: None,
        }
    }

    /// Notes a deadline; returns whether it is past.
    pub(crate) fn is_past(&mut self, deadline: Instant) -> bool {
        if deadline <= self.now {
            return true;
        }
        self.earliest = Some(self.earliest.map_or(deadline, |earliest| earliest.min(deadline)));
        false
    }

    /// Sees to it that the task is woken at the earliest of them. Ready if that is past by now.
    pub(crate) fn poll(&self, cx: &mut Context<'_>, timer: &mut Timer) -> Poll<()> {
        match self.earliest {
            Some(earliest) => timer.poll(cx, earliest),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_moved_later_is_kept_to() {
        let mut timer = Timer::default();
        let start = Instant::now();
        let first = start + Duration::from_secs(1);
        assert!(poll_fn(|cx| Poll::Ready(timer.poll(cx, first))).await.is_pending());
        let later = start + Duration::from_secs(7);
        poll_fn(|cx| timer.poll(cx, later)).await;
        assert_eq!(start.elapsed().as_secs(), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_moved_earlier_is_kept_to() {
        let mut timer = Timer::default();
        let start = Instant::now();
        let far = start + Duration::from_secs(60);
        assert!(poll_fn(|cx| Poll::Ready(timer.poll(cx, far))).await.is_pending());
        let near = start + Duration::from_secs(2);
        poll_fn(|cx| timer.poll(cx, near)).await;
        assert_eq!(start.elapsed().as_secs(), 2);
    }
}
