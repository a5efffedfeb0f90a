//! Until when answers are waited for.

use std::time::Duration;

use hyperlane::Context;
use tokio::time::Instant;

/// Until when answers are waited for. What is not there by then is left out, and said to be.
///
/// It is made of a request's [`Context`] (its own deadline, less a reserve), of a [`Duration`] from now, of an instant,
/// or of nothing: `None::<Instant>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(pub(crate) Option<Instant>);

/// Time to write the answer in.
const RESERVE: Duration = Duration::from_millis(50);

impl Deadline {
    /// The request's own deadline, less this much to write the answer in; of little time, half is kept for that.
    /// `Deadline::from(&ctx)` keeps 50 ms, or a tenth of what is left where that is less.
    pub fn of(ctx: &Context, reserve: Duration) -> Self {
        let Some(deadline) = ctx.deadline() else {
            return Self(None);
        };
        let left = deadline.saturating_duration_since(Instant::now());
        Self(Some(deadline - reserve.min(left / 2)))
    }

    /// When that is; `None` if it has no end.
    pub fn instant(self) -> Option<Instant> {
        self.0
    }

    /// The earlier one of this and of so much from now.
    #[must_use]
    pub fn at_most(self, within: Duration) -> Self {
        let other = Instant::now().checked_add(within);
        Self(match (self.0, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        })
    }
}

impl From<&Context> for Deadline {
    fn from(ctx: &Context) -> Self {
        let left = ctx.time_left().unwrap_or_default();
        Self::of(ctx, RESERVE.min(left / 10))
    }
}

impl From<Duration> for Deadline {
    fn from(within: Duration) -> Self {
        Self(Instant::now().checked_add(within))
    }
}

impl From<Instant> for Deadline {
    fn from(at: Instant) -> Self {
        Self(Some(at))
    }
}

impl From<Option<Instant>> for Deadline {
    fn from(at: Option<Instant>) -> Self {
        Self(at)
    }
}
