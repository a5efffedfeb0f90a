//! How long a job waits after an attempt that failed.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// The first pause unless a worker sets its own; each further one is twice as long, up to [`LONGEST`].
pub(super) const FIRST: Duration = Duration::from_secs(5);

/// A job that failed many times waits for somebody to mend something, and an hour later is early enough to look.
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// The pause after the attempt of this number, counted from one. Up to a fifth is added by chance, so that jobs which
/// failed together do not come back together.
pub(super) fn after(first: Duration, attempt: i64) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1).clamp(0, 20)).unwrap_or(20);
    let pause = first.saturating_mul(1 << doublings).min(LONGEST);
    let chance = RandomState::new().hash_one(attempt) % 1000;
    pause + pause.mul_f64(chance as f64 / 5000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        for (attempt, seconds) in [(1, 5.0), (2, 10.0), (4, 40.0), (11, 3600.0), (i64::MAX, 3600.0)] {
            let pause = after(FIRST, attempt).as_secs_f64();
            assert!((seconds..=seconds * 1.2).contains(&pause), "attempt {attempt}: {pause}");
        }
    }
}
