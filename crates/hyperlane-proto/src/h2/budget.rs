//! How much of something a peer may still do: a store that fills by itself and is used up by doing.

use std::time::Duration;

const MILLIS: u64 = 1000;

/// Permissions, counted in thousandths so that they come in evenly.
#[derive(Debug)]
pub struct Budget {
    left: u64,
    full: u64,
    per_second: u64,
    filled_at: Duration,
}

impl Budget {
    /// A full store of `burst` permissions, which `per_second` more fill.
    pub fn new(burst: u32, per_second: u32) -> Self {
        let full = u64::from(burst) * MILLIS;
        Self {
            left: full,
            full,
            per_second: u64::from(per_second),
            filled_at: Duration::ZERO,
        }
    }

    /// Takes `n` permissions; false if they are not there.
    pub fn take(&mut self, n: u32, now: Duration) -> bool {
        let n = u64::from(n) * MILLIS;
        if self.left < n {
            let millis = u64::try_from(now.saturating_sub(self.filled_at).as_millis()).unwrap_or(u64::MAX);
            self.fill(millis.saturating_mul(self.per_second));
            self.filled_at = now;
        }
        match self.left.checked_sub(n) {
            Some(left) => self.left = left,
            None => return false,
        }
        true
    }

    /// Gives `n` permissions back.
    pub fn give(&mut self, n: u32) {
        self.fill(u64::from(n) * MILLIS);
    }

    fn fill(&mut self, amount: u64) {
        self.left = self.left.saturating_add(amount).min(self.full);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_used_up_and_comes_back_with_time() {
        let mut budget = Budget::new(3, 2);
        let at = Duration::from_millis;
        assert!((0..3).all(|_| budget.take(1, at(0))));
        assert!(!budget.take(1, at(400)));
        assert!(budget.take(1, at(500)));
        assert!(!budget.take(1, at(600)));
        assert!(budget.take(3, at(10_000)), "never more than a burst is kept");
        assert!(!budget.take(1, at(10_000)));
        budget.give(1);
        assert!(budget.take(1, at(10_000)));
    }
}
