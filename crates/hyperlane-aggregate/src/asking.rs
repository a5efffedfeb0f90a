//! One request to a source: the cache first, then the source, then what stands in for it.

use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, timeout_at};

use crate::attempt::work;
use crate::cache::{Kept, Stage};
use crate::counts::Observation;
use crate::failure::Failure;
use crate::flight::{Answer, Progress, Waiter};
use crate::part::{Facts, Part, State};
use crate::source::Inner;

impl<T, K> Inner<T, K>
where
    T: Send + Sync + 'static,
    K: Clone + Hash + Eq + Send + Sync + 'static,
{
    pub(crate) async fn ask(this: Arc<Self>, key: K, deadline: Option<Instant>) -> Part<T> {
        this.counts.asked.add();
        let begun = Instant::now();
        let kept = this.store.as_ref().and_then(|store| store.get(&key));
        let kept = match kept {
            Some(kept) if kept.stage == Stage::Fresh => {
                return this.finish(begun, Found::kept(State::Fresh, kept));
            }
            Some(kept) if kept.stage == Stage::Revalidate => {
                this.refresh(key);
                return this.finish(begun, Found::kept(State::Stale, kept));
            }
            other => other,
        };
        if deadline.is_some_and(|deadline| deadline <= begun) {
            let found = this.instead(Failure::Deadline, kept);
            return this.finish(begun, found);
        }
        let (answer, attempts, joined) = this.answer(key, deadline).await;
        let mut found = match answer {
            Ok(value) => Found {
                state: State::Fresh,
                value: Some(value),
                ..Found::default()
            },
            Err(failure) => this.instead(failure, kept),
        };
        found.attempts = attempts;
        found.joined = joined;
        this.finish(begun, found)
    }

    /// Waits for the source, together with others who ask the same.
    async fn answer(self: &Arc<Self>, key: K, deadline: Option<Instant>) -> (Answer<T>, u32, bool) {
        if !self.policy.coalesce {
            let progress = Arc::new(Progress::new(deadline));
            let work = guarded(work(self.clone(), key, progress.clone()));
            let answer = until(deadline, work).await;
            return (answer, progress.attempts(), false);
        }
        let waiter = match self.join(key, deadline) {
            Ok(waiter) => waiter,
            Err(failure) => {
                self.counts.overloaded.add();
                return (Err(failure), 0, false);
            }
        };
        let (progress, joined) = (waiter.progress.clone(), waiter.joined);
        if joined {
            self.counts.joined.add();
        }
        let answer = until(deadline, waiter).await;
        (answer, progress.attempts(), joined)
    }

    /// Asks the source for those who come later. Nobody waits for it, so that it is not begun where others do.
    fn refresh(self: &Arc<Self>, key: K) {
        if self.bulkhead.has_room()
            && let Ok(waiter) = self.join(key, None)
            && !waiter.joined
        {
            tokio::spawn(waiter);
        }
    }

    fn join(self: &Arc<Self>, key: K, deadline: Option<Instant>) -> Result<Waiter<T>, Failure> {
        self.flights
            .join(key.clone(), deadline, self.policy.followers, |progress| {
                let landing = Landing {
                    inner: self.clone(),
                    key: key.clone(),
                    progress: progress.clone(),
                };
                let work = guarded(work(self.clone(), key, progress));
                async move {
                    // Moved in here, so that it goes with the work, also where nobody has driven it yet.
                    let _landing = landing;
                    work.await
                }
                .boxed()
            })
    }

    /// What there is instead of an answer.
    fn instead(&self, failure: Failure, kept: Option<Kept<T>>) -> Found<T> {
        if failure.admits_stale()
            && let Some(kept) = kept
        {
            let mut found = Found::kept(State::Stale, kept);
            found.failure = Some(failure);
            return found;
        }
        let fallback = self.policy.fallback.as_ref();
        let value = fallback.and_then(|fallback| {
            let made = catch_unwind(AssertUnwindSafe(|| fallback(&failure)));
            made.inspect_err(|_| tracing::error!(source = &*self.policy.name, "a fallback panicked"))
                .ok()
        });
        Found {
            state: if value.is_some() {
                State::Fallback
            } else {
                State::Failed
            },
            value: value.map(Arc::new),
            failure: Some(failure),
            ..Found::default()
        }
    }

    fn finish(&self, begun: Instant, found: Found<T>) -> Part<T> {
        let facts = Facts {
            name: self.policy.name.clone(),
            state: found.state,
            failure: found.failure,
            elapsed: begun.elapsed(),
            attempts: found.attempts,
            age: found.age,
            joined: found.joined,
        };
        let cached = facts.state == State::Fresh && facts.age.is_some();
        let counter = match facts.state {
            State::Fresh if cached => &self.counts.cached,
            State::Fresh => &self.counts.fresh,
            State::Stale => &self.counts.stale,
            State::Fallback => &self.counts.fallback,
            State::Failed => &self.counts.failed,
        };
        counter.add();
        if let Some(observer) = &self.policy.observer {
            let observation = Observation {
                source: &facts.name,
                state: facts.state,
                cached,
                failure: facts.failure.as_ref(),
                elapsed: facts.elapsed,
                attempts: facts.attempts,
            };
            if catch_unwind(AssertUnwindSafe(|| observer(&observation))).is_err() {
                tracing::error!(source = observation.source, "an observer panicked");
            }
        }
        Part {
            facts,
            value: found.value,
        }
    }
}

/// The call is guarded by itself; so is what else a program gives a source: `permanent_if`, what weighs, a key's clone. A
/// panic would leave those who share the work waiting for ever.
async fn guarded<T>(work: impl Future<Output = Answer<T>>) -> Answer<T> {
    let answer = AssertUnwindSafe(work).catch_unwind().await;
    answer.unwrap_or_else(|_panic| {
        tracing::error!("what a source was given to judge or weigh its answers panicked");
        Err(Failure::Panicked)
    })
}

async fn until<T>(deadline: Option<Instant>, answer: impl Future<Output = Answer<T>>) -> Answer<T> {
    match deadline {
        None => answer.await,
        Some(deadline) => timeout_at(deadline, answer).await.unwrap_or(Err(Failure::Deadline)),
    }
}

/// What was found for a request.
struct Found<T> {
    state: State,
    value: Option<Arc<T>>,
    failure: Option<Failure>,
    age: Option<Duration>,
    attempts: u32,
    joined: bool,
}

impl<T> Found<T> {
    fn kept(state: State, kept: Kept<T>) -> Self {
        Self {
            state,
            value: Some(kept.value),
            age: Some(kept.age),
            ..Self::default()
        }
    }
}

impl<T> Default for Found<T> {
    fn default() -> Self {
        Self {
            state: State::Failed,
            value: None,
            failure: None,
            age: None,
            attempts: 0,
            joined: false,
        }
    }
}

/// Takes work out of the list of what goes on, when it has ended or was dropped.
struct Landing<T, K: Hash + Eq> {
    inner: Arc<Inner<T, K>>,
    key: K,
    progress: Arc<Progress>,
}

impl<T, K: Hash + Eq> Drop for Landing<T, K> {
    fn drop(&mut self) {
        self.inner.flights.forget(&self.key, &self.progress);
    }
}
