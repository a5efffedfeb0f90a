//! A source: something that is asked, and how it is asked.

use std::borrow::Cow;
use std::fmt;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use hyperlane::BoxError;
use serde::Serialize;
use tokio::time::Instant;

use crate::attempt::Usual;
use crate::breaker::{Breaker, Circuit, CircuitState};
use crate::bulkhead::Bulkhead;
use crate::cache::{Cache, Store, Weigh, json_length};
use crate::counts::{Counters, Counts, Observation};
use crate::deadline::Deadline;
use crate::failure::Failure;
use crate::flight::{Flights, lock};
use crate::part::Part;
use crate::retry::{Budget, Retry};

/// Something that is asked for a part of the answer: a database, another service, a file.
///
/// It is made once, at the start of the program, and kept: its breaker, cache and counts live in it. Clones are the same
/// source. A setter makes a new source of it, which begins anew.
///
/// What it answers may depend on the *key* that it is asked with, and on nothing else: who asks with an equal key at the
/// same time gets the same answer. [`new`](Self::new) makes one without a key.
///
/// ```
/// use hyperlane_aggregate::{Breaker, Cache, Retry, Source};
/// use std::time::Duration;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # async fn load(id: u64) -> Result<String, std::io::Error> { Ok(format!("user {id}")) }
/// let user = Source::keyed("user", load)
///     .timeout(Duration::from_millis(300))
///     .retry(Retry::new().attempts(2))
///     .breaker(Breaker::new())
///     .cache(Cache::fresh_for(Duration::from_secs(5)).stale_if_error(Duration::from_secs(600)));
///
/// let part = user.ask(7, Duration::from_secs(1)).await;
/// assert_eq!(part.value().map(String::as_str), Some("user 7"));
/// # }
/// ```
pub struct Source<T, K = ()> {
    pub(crate) inner: Arc<Inner<T, K>>,
}

pub(crate) struct Inner<T, K> {
    pub(crate) policy: Policy<T, K>,
    pub(crate) circuit: Option<Mutex<Circuit>>,
    pub(crate) store: Option<Store<T, K>>,
    pub(crate) bulkhead: Bulkhead,
    pub(crate) budget: Budget,
    pub(crate) flights: Flights<T, K>,
    pub(crate) counts: Counters,
    pub(crate) usual: Usual,
}

/// What was set.
pub(crate) struct Policy<T, K> {
    pub(crate) name: Cow<'static, str>,
    pub(crate) call: Call<T, K>,
    pub(crate) timeout: Duration,
    pub(crate) retry: Option<Retry>,
    pub(crate) permanent: Option<IsPermanent>,
    pub(crate) breaker: Option<Breaker>,
    pub(crate) cache: Option<(Cache, Weigh<T>)>,
    pub(crate) fallback: Option<Fallback<T>>,
    pub(crate) observer: Option<Observer>,
    pub(crate) places: usize,
    pub(crate) waiting: usize,
    pub(crate) coalesce: bool,
    pub(crate) followers: usize,
}

type IsPermanent = Arc<dyn Fn(&BoxError) -> bool + Send + Sync>;
type Fallback<T> = Arc<dyn Fn(&Failure) -> T + Send + Sync>;
type Observer = Arc<dyn Fn(&Observation<'_>) + Send + Sync>;
type Call<T, K> = Arc<dyn Fn(K) -> BoxFuture<'static, Result<T, BoxError>> + Send + Sync>;

/// Nobody looks at an empty tile for longer, and three attempts fit into the ten seconds of an aggregate.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Few sources are faster for more than that, and a pool of connections seldom has more.
const PLACES: usize = 64;
/// As many again: who stands further behind waits in vain.
const WAITING: usize = 64;
/// A follower costs a place in a list; beyond this many something else is wrong.
const FOLLOWERS: usize = 10_000;

impl<T: Send + Sync + 'static> Source<T> {
    /// A source that answers all the same.
    pub fn new<F, R, E>(name: impl Into<Cow<'static, str>>, call: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<T, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self::keyed(name, move |()| call())
    }
}

impl<T, K> Source<T, K>
where
    T: Send + Sync + 'static,
    K: Clone + Hash + Eq + Send + Sync + 'static,
{
    /// A source whose answer depends on a key.
    pub fn keyed<F, R, E>(name: impl Into<Cow<'static, str>>, call: F) -> Self
    where
        F: Fn(K) -> R + Send + Sync + 'static,
        R: Future<Output = Result<T, E>> + Send + 'static,
        E: Into<BoxError>,
    {
        Self::assemble(Policy {
            name: name.into(),
            call: Arc::new(move |key| call(key).map(|result| result.map_err(Into::into)).boxed()),
            timeout: TIMEOUT,
            retry: None,
            permanent: None,
            breaker: None,
            cache: None,
            fallback: None,
            observer: None,
            places: PLACES,
            waiting: WAITING,
            coalesce: true,
            followers: FOLLOWERS,
        })
    }

    /// How long one attempt may take. Default: 2 seconds.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|policy| policy.timeout = timeout)
    }

    /// Asks again where it fails. Default: not, since only its owner knows whether asking twice is harmless.
    #[must_use]
    pub fn retry(self, retry: Retry) -> Self {
        self.with(|policy| policy.retry = Some(retry))
    }

    /// Which errors are answers, such as "there is no such user": they are not tried again, don't count for the breaker,
    /// and no stale answer stands in for them. Default: none.
    #[must_use]
    pub fn permanent_if(self, is_permanent: impl Fn(&BoxError) -> bool + Send + Sync + 'static) -> Self {
        self.with(|policy| policy.permanent = Some(Arc::new(is_permanent)))
    }

    /// Leaves it alone for a while where it fails too often. Default: not.
    #[must_use]
    pub fn breaker(self, breaker: Breaker) -> Self {
        self.with(|policy| policy.breaker = Some(breaker))
    }

    /// Keeps its answers. Their size is taken to be that of their JSON. Default: not.
    #[must_use]
    pub fn cache(self, cache: Cache) -> Self
    where
        T: Serialize,
    {
        self.cache_weighed(cache, json_length)
    }

    /// The same, with a function that tells how many bytes an answer takes.
    #[must_use]
    pub fn cache_weighed(self, cache: Cache, weigh: impl Fn(&T) -> usize + Send + Sync + 'static) -> Self {
        self.with(|policy| policy.cache = Some((cache, Arc::new(weigh))))
    }

    /// What stands in for an answer where there is none, fresh or stale. Default: nothing; the part has failed then.
    #[must_use]
    pub fn fallback(self, fallback: impl Fn(&Failure) -> T + Send + Sync + 'static) -> Self {
        self.with(|policy| policy.fallback = Some(Arc::new(fallback)))
    }

    /// How many attempts run at a time, at least 1. Default: 64.
    #[must_use]
    pub fn concurrency(self, places: usize) -> Self {
        self.with(|policy| policy.places = places.clamp(1, tokio::sync::Semaphore::MAX_PERMITS))
    }

    /// How many more wait for a place; who comes then fails at once, as [`Failure::Overloaded`]. Default: 64.
    #[must_use]
    pub fn waiting(self, waiting: usize) -> Self {
        self.with(|policy| policy.waiting = waiting)
    }

    /// Whether those who ask with an equal key at the same time share one answer. Default: true.
    #[must_use]
    pub fn coalesce(self, coalesce: bool) -> Self {
        self.with(|policy| policy.coalesce = coalesce)
    }

    /// How many may wait for an answer that somebody else has asked for; more are [`Failure::Overloaded`]. Default:
    /// 10,000.
    #[must_use]
    pub fn followers(self, followers: usize) -> Self {
        self.with(|policy| policy.followers = followers)
    }

    /// Is told of every part that this source gave, for metrics. It should be quick.
    #[must_use]
    pub fn observe(self, observer: impl Fn(&Observation<'_>) + Send + Sync + 'static) -> Self {
        self.with(|policy| policy.observer = Some(Arc::new(observer)))
    }

    /// The part of this source. It never fails as a whole, and never takes longer than the deadline. Dropped before its
    /// end, it is cancelled, unless somebody else waits for the same.
    ///
    /// The deadline is the request's [`Context`](hyperlane::Context), a duration, an instant, or none: see [`Deadline`].
    pub fn ask(&self, key: K, deadline: impl Into<Deadline>) -> Ask<T> {
        Ask(Inner::ask(self.inner.clone(), key, deadline.into().0).boxed())
    }

    /// Forgets the kept answer for this key, such as after a write. Who asks after that gets an answer that was asked for
    /// after that; one that is under way is given to those who wait for it, and not kept.
    pub fn invalidate(&self, key: &K) {
        self.inner.flights.detach(key);
        if let Some(store) = &self.inner.store {
            store.remove(key);
        }
    }

    /// Forgets all kept answers, in the same way.
    pub fn invalidate_all(&self) {
        self.inner.flights.detach_all();
        if let Some(store) = &self.inner.store {
            store.clear();
        }
    }

    /// How many bytes the kept answers take, as they were weighed.
    pub fn cached_bytes(&self) -> u64 {
        self.inner.store.as_ref().map_or(0, Store::bytes)
    }

    fn with(self, change: impl FnOnce(&mut Policy<T, K>)) -> Self {
        let mut policy = self.inner.policy.clone();
        change(&mut policy);
        Self::assemble(policy)
    }

    fn assemble(policy: Policy<T, K>) -> Self {
        let circuit = policy.breaker.clone();
        let cache = policy.cache.clone();
        Self {
            inner: Arc::new(Inner {
                circuit: circuit.map(|breaker| Mutex::new(Circuit::new(breaker, Instant::now()))),
                store: cache.map(|(cache, weigh)| Store::new(cache, weigh)),
                bulkhead: Bulkhead::new(policy.places, policy.waiting),
                budget: Budget::new(policy.retry.as_ref()),
                flights: Flights::new(),
                counts: Counters::default(),
                usual: Usual::default(),
                policy,
            }),
        }
    }
}

impl<T, K> Source<T, K> {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.inner.policy.name
    }

    /// What has happened at it so far.
    pub fn counts(&self) -> Counts {
        self.inner.counts.read()
    }

    /// Where its breaker stands; `None` if it has none.
    pub fn circuit(&self) -> Option<CircuitState> {
        let circuit = self.inner.circuit.as_ref()?;
        Some(lock(circuit).state(Instant::now()))
    }
}

/// A part that is being asked for, by [`Source::ask`]. Nothing happens before it is awaited.
#[must_use = "nothing is asked before it is awaited"]
pub struct Ask<T>(BoxFuture<'static, Part<T>>);

impl<T> Future for Ask<T> {
    type Output = Part<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Part<T>> {
        self.0.as_mut().poll(cx)
    }
}

impl<T> fmt::Debug for Ask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ask")
    }
}

impl<T, K> Inner<T, K> {
    /// Counts an attempt that the breaker refused.
    pub(crate) fn refuse(&self, retry_in: Duration) -> Failure {
        self.counts.refused.add();
        Failure::Open(retry_in)
    }
}

impl<T, K> Clone for Source<T, K> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

impl<T, K> fmt::Debug for Source<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.inner.policy.name)
            .field("timeout", &self.inner.policy.timeout)
            .field("retry", &self.inner.policy.retry)
            .field("breaker", &self.inner.policy.breaker)
            .finish_non_exhaustive()
    }
}

impl<T, K> Clone for Policy<T, K> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            call: self.call.clone(),
            timeout: self.timeout,
            retry: self.retry.clone(),
            permanent: self.permanent.clone(),
            breaker: self.breaker.clone(),
            cache: self.cache.clone(),
            fallback: self.fallback.clone(),
            observer: self.observer.clone(),
            places: self.places,
            waiting: self.waiting,
            coalesce: self.coalesce,
            followers: self.followers,
        }
    }
}
