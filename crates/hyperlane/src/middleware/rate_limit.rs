//! A limit on how many requests one client may send in a time.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;
use governor::{Quota, RateLimiter};
use http::{HeaderName, StatusCode};
use hyperlane_core::Response;
use tokio::time::Instant;

use super::refusal::refusal_for_now;
use super::{Middleware, Next};
use crate::context::Context;
use crate::extract::Requirements;

type KeyOf = dyn Fn(&Context) -> Option<String> + Send + Sync;

/// Default of [`RateLimit::max_keys`].
const MAX_KEYS: usize = 100_000;
/// How often, at most, keys that are at rest again are looked for while the table is full.
const PURGE_EVERY: Duration = Duration::from_secs(1);

/// Answers 429 with `Retry-After` (RFC 6585 §4) to a client that sends more requests than it may, by `governor`.
///
/// A client may send a burst of its whole quota; what it has used comes back evenly (the generic cell rate algorithm).
/// Clients are told apart by their [address](Context::client_ip), behind a
/// [trusted proxy](crate::ServerConfig::trusted_proxies) too; IPv6 by its first 64 bits, since that much belongs to one
/// customer; or by a [`key`](Self::key) of your own. One quota holds for all routes that this stands around.
///
/// Each answer says where the client stands: `RateLimit-Policy` and `RateLimit`
/// (draft-ietf-httpapi-ratelimit-headers-10).
///
/// The table of clients is bounded ([`max_keys`](Self::max_keys)): when it is full of clients that are active, those
/// that are not in it share one quota.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::RateLimit;
/// use std::time::Duration;
///
/// let api = Router::new();
/// api.middleware(RateLimit::new(100, Duration::from_secs(60))).get("/", async || "hello");
///
/// // By account, where there is one; who has none is told apart by address further in.
/// let accounts = RateLimit::new(1000, Duration::from_secs(60)).key(|ctx| ctx.header("x-api-key").map(str::to_owned));
/// # Server::new().nest("/api", api).middleware(accounts);
/// ```
pub struct RateLimit {
    quota: Quota,
    limiter: Limiter,
    key: Option<Arc<KeyOf>>,
    hashers: [RandomState; 2],
    max_keys: usize,
    /// What is wrong with the quota.
    problem: Option<String>,
    /// When keys at rest were last looked for.
    purged: Mutex<Instant>,
}

type Limiter = RateLimiter<Key, Keys, TokioClock, StateInformationMiddleware>;

/// A client, as 128 bits of keyed hash: whatever a key of one's own is made of, it takes no more room than that.
type Key = (u64, u64);

impl RateLimit {
    /// Admits so many requests in so much time from each client.
    ///
    /// No requests, or not even a nanosecond for each of them, are an error of [`Server::run`](crate::Server::run).
    pub fn new(requests: u32, window: Duration) -> Self {
        let quota = NonZeroU32::new(requests)
            .and_then(|burst| Quota::with_period(window / requests).map(|quota| quota.allow_burst(burst)));
        let problem = quota
            .is_none()
            .then(|| format!("{requests} requests in {window:?} is no limit: give at least one, and time for it"));
        // A server with a problem does not run; should this be called all the same, it admits next to nothing.
        let quota = quota.unwrap_or_else(|| Quota::per_hour(NonZeroU32::MIN));
        Self {
            problem,
            ..Self::with(quota, MAX_KEYS)
        }
    }

    fn with(quota: Quota, max_keys: usize) -> Self {
        Self {
            quota,
            limiter: RateLimiter::new(quota, Keys::new(max_keys), TokioClock(Instant::now())),
            key: None,
            hashers: [RandomState::new(), RandomState::new()],
            max_keys,
            problem: None,
            purged: Mutex::new(Instant::now()),
        }
    }

    /// Tells clients apart by what `key` makes of the request; `None` is not limited.
    #[must_use]
    pub fn key(mut self, key: impl Fn(&Context) -> Option<String> + Send + Sync + 'static) -> Self {
        self.key = Some(Arc::new(key));
        self
    }

    /// How many clients are kept apart at once. Default: 100,000, which take some 3 MB. Those that have their whole
    /// quota again are forgotten when the table is full.
    #[must_use]
    pub fn max_keys(self, keys: usize) -> Self {
        Self {
            key: self.key,
            problem: self.problem,
            ..Self::with(self.quota, keys)
        }
    }

    fn key_of(&self, ctx: &Context) -> Option<Key> {
        let hash = |value: &(u8, &[u8])| {
            let [high, low] = &self.hashers;
            (high.hash_one(value), low.hash_one(value))
        };
        match &self.key {
            Some(key) => key(ctx).map(|key| hash(&(0, key.as_bytes()))),
            None => Some(match ctx.client_ip() {
                IpAddr::V4(address) => hash(&(4, &address.octets())),
                IpAddr::V6(address) => {
                    let [network @ .., _, _, _, _, _, _, _, _] = address.octets();
                    hash(&(6, &network))
                }
            }),
        }
    }

    /// Looks for keys at rest where the table is full, but not at each request: it is a walk through all of it.
    fn make_room(&self) {
        if self.limiter.len() < self.max_keys {
            return;
        }
        let mut purged = lock(&self.purged);
        if purged.elapsed() >= PURGE_EVERY {
            *purged = Instant::now();
            drop(purged);
            self.limiter.retain_recent();
        }
    }

    fn describe(&self, response: Response, remaining: u32, reset: Duration) -> Response {
        let quota = self.quota.burst_size();
        let window = seconds(self.quota.burst_size_replenished_in());
        response
            .with_header(POLICY, format!("\"default\";q={quota};w={window}"))
            .with_header(LIMIT, format!("\"default\";r={remaining};t={}", seconds(reset)))
    }
}

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Rounded up: who comes back then is admitted.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl Middleware for RateLimit {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        let Some(key) = self.key_of(&ctx) else {
            return next.run(ctx).await;
        };
        self.make_room();
        match self.limiter.check_key(&key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let used = self.quota.burst_size().get().saturating_sub(remaining);
                let reset = self.quota.replenish_interval().saturating_mul(used);
                self.describe(next.run(ctx).await, remaining, reset)
            }
            Err(refused) => {
                let wait = refused.wait_time_from(self.limiter.clock().now());
                let seconds = seconds(wait).max(1);
                let message = format!("too many requests: try again in {seconds} s");
                let response = refusal_for_now(StatusCode::TOO_MANY_REQUESTS, message, seconds);
                self.describe(response, 0, wait)
            }
        }
    }

    fn check(&self, needs: &mut Requirements) {
        self.problem.iter().for_each(|problem| needs.problem(problem));
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("quota", &self.quota)
            .field("max_keys", &self.max_keys)
            .field("keys", &self.limiter.len())
            .finish_non_exhaustive()
    }
}

/// The time of tokio, so that tests can pause it.
struct TokioClock(Instant);

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}

/// When each client has its whole quota again: at most so many, and the others together as one.
struct Keys {
    max: usize,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    known: HashMap<Key, Nanos>,
    others: Option<Nanos>,
}

impl Keys {
    fn new(max: usize) -> Self {
        Self {
            max,
            table: Mutex::default(),
        }
    }
}

impl StateStore for Keys {
    type Key = Key;

    fn measure_and_replace<T, F, E>(&self, key: &Key, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut table = lock(&self.table);
        if let Some(known) = table.known.get_mut(key) {
            let (outcome, new) = f(Some(*known))?;
            *known = new;
            return Ok(outcome);
        }
        if table.known.len() >= self.max {
            let (outcome, new) = f(table.others)?;
            table.others = Some(new);
            return Ok(outcome);
        }
        let (outcome, new) = f(None)?;
        table.known.insert(*key, new);
        Ok(outcome)
    }
}

impl ShrinkableKeyedStateStore<Key> for Keys {
    fn retain_recent(&self, drop_below: Nanos) {
        lock(&self.table).known.retain(|_, full_at| *full_at > drop_below);
    }

    fn shrink_to_fit(&self) {
        lock(&self.table).known.shrink_to_fit();
    }

    fn len(&self) -> usize {
        lock(&self.table).known.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Nothing that runs under these locks can leave a value half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
