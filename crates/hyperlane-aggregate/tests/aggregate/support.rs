//! Sources that do what a test says, and know how often.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hyperlane_aggregate::Source;
use tokio::time::sleep;

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// That so much time has passed: tokio's timers end within the next millisecond, each of them.
pub(crate) fn assert_took(actual: Duration, millis: u64) {
    assert!(
        (ms(millis)..ms(millis + 5)).contains(&actual),
        "{actual:?} instead of {millis} ms"
    );
}

/// What is known of the calls of a source, and what it shall do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Calls(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    begun: AtomicU64,
    ended: AtomicU64,
    dropped: AtomicU64,
    fails: AtomicBool,
}

impl Calls {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn begun(&self) -> u64 {
        self.0.begun.load(Ordering::Relaxed)
    }

    /// Those that came to an end of their own.
    pub(crate) fn ended(&self) -> u64 {
        self.0.ended.load(Ordering::Relaxed)
    }

    /// Those that were cancelled.
    pub(crate) fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    pub(crate) fn fail(&self, fails: bool) {
        self.0.fails.store(fails, Ordering::Relaxed);
    }

    /// One call that takes so long; it answers with its number, from 1.
    pub(crate) async fn call(&self, time: Duration) -> Result<u64, String> {
        let number = self.0.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let mut call = Call {
            inner: self.0.clone(),
            ended: false,
        };
        sleep(time).await;
        call.ended = true;
        if self.0.fails.load(Ordering::Relaxed) {
            return Err("the secret of the database".to_owned());
        }
        Ok(number)
    }
}

struct Call {
    inner: Arc<Inner>,
    ended: bool,
}

impl Drop for Call {
    fn drop(&mut self) {
        let counter = if self.ended {
            &self.inner.ended
        } else {
            &self.inner.dropped
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// A source that takes so long.
pub(crate) fn source(calls: &Calls, time: Duration) -> Source<u64> {
    let calls = calls.clone();
    Source::new("source", move || {
        let calls = calls.clone();
        async move { calls.call(time).await }
    })
}

/// The same with a key, which does not change what it does.
pub(crate) fn keyed(calls: &Calls, time: Duration) -> Source<u64, u64> {
    let calls = calls.clone();
    Source::keyed("source", move |_key: u64| {
        let calls = calls.clone();
        async move { calls.call(time).await }
    })
}
