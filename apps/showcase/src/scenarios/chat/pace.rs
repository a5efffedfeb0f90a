//! How fast one visitor may talk.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A few at once, and one a second in the long run.
const BURST: u32 = 10;
const EVERY: Duration = Duration::from_secs(1);

/// A bucket of messages (GCRA): when the next would come if all came evenly.
#[derive(Debug)]
pub(super) struct Pace {
    due: Instant,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { due: Instant::now() }
    }

    /// Waits until one more may be said.
    pub(super) async fn wait(&mut self) {
        if let Some(earliest) = self.take(Instant::now()) {
            sleep_until(earliest).await;
        }
    }

    /// Takes a place, and says until when to wait for it.
    fn take(&mut self, now: Instant) -> Option<Instant> {
        let due = self.due.max(now);
        self.due = due + EVERY;
        due.checked_sub(EVERY * BURST).filter(|earliest| *earliest > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_go_at_once_and_then_one_a_second() {
        let mut pace = Pace::new();
        let now = pace.due;
        for _ in 0..=BURST {
            assert_eq!(pace.take(now), None);
        }
        assert_eq!(pace.take(now), Some(now + EVERY));
        assert_eq!(pace.take(now), Some(now + EVERY * 2));
        let later = now + EVERY * 60;
        assert_eq!(pace.take(later), None, "who was silent may say some at once again");
    }
}
