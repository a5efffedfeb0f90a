//! The cache: answers that are fresh enough, and answers that are better than none.
//!
//! It is asked first. The names are those of RFC 5861; what happens is said at each setting.

use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use moka::sync::Cache as Entries;
use serde::Serialize;
use tokio::time::Instant;

use crate::flight::lock;

/// How long an answer is good, and what it is good for after that.
///
/// ```
/// use hyperlane_aggregate::Cache;
/// use std::time::Duration;
///
/// let cache = Cache::fresh_for(Duration::from_secs(5))
///     .stale_while_revalidate(Duration::from_secs(30))
///     .stale_if_error(Duration::from_secs(600));
/// ```
#[derive(Debug, Clone)]
pub struct Cache {
    fresh_for: Duration,
    stale_while_revalidate: Duration,
    stale_if_error: Duration,
    max_bytes: u64,
}

impl Cache {
    /// Answers are given out of the cache for so long, without asking the source.
    pub fn fresh_for(time: Duration) -> Self {
        Self {
            fresh_for: time,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            max_bytes: MAX_BYTES,
        }
    }

    /// For so long after that the old answer is given at once, and the source is asked behind it, for those who come
    /// later (RFC 5861 §3). Default: not at all.
    #[must_use]
    pub fn stale_while_revalidate(mut self, time: Duration) -> Self {
        self.stale_while_revalidate = time;
        self
    }

    /// For so long after it was fresh the old answer is given where the source fails (RFC 5861 §4). Default: not at all.
    #[must_use]
    pub fn stale_if_error(mut self, time: Duration) -> Self {
        self.stale_if_error = time;
        self
    }

    /// How much the answers of this source may take with their keys, in bytes; the least used go first. Default: 16 MiB, a
    /// few thousand answers of a few kilobytes. A key is taken to be as long as what it hashes.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }
}

const MAX_BYTES: u64 = 16 * 1024 * 1024;
/// What an entry takes beside its key and value, roughly.
const OVERHEAD: usize = 200;

/// The answers of one source.
pub(crate) struct Store<T, K> {
    policy: Cache,
    entries: Entries<K, Entry<T>>,
    weigh: Weigh<T>,
    /// How often a key of each group was forgotten: what was asked for before that is not kept.
    forgotten: [Mutex<u64>; GROUPS],
    hasher: RandomState,
}

/// Keys of one group keep each other's answers out of the cache, at the time one of them is forgotten.
const GROUPS: usize = 64;

/// How many bytes a value takes.
pub(crate) type Weigh<T> = Arc<dyn Fn(&T) -> usize + Send + Sync>;

struct Entry<T> {
    value: Arc<T>,
    made: Instant,
    weight: u32,
}

impl<T> Clone for Entry<T> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            made: self.made,
            weight: self.weight,
        }
    }
}

/// An answer that was kept.
pub(crate) struct Kept<T> {
    pub(crate) value: Arc<T>,
    pub(crate) age: Duration,
    pub(crate) stage: Stage,
}

/// What it is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Fresh,
    Revalidate,
    IfError,
}

impl<T: Send + Sync + 'static, K: Hash + Eq + Send + Sync + 'static> Store<T, K> {
    pub(crate) fn new(policy: Cache, weigh: Weigh<T>) -> Self {
        let life = policy
            .fresh_for
            .saturating_add(policy.stale_while_revalidate.max(policy.stale_if_error));
        let mut entries = Entries::builder()
            .max_capacity(policy.max_bytes)
            .weigher(|key: &K, entry: &Entry<T>| entry.weight.saturating_add(length_of_key(key)));
        // Gives memory back; what is still good is judged by `get`, on tokio's clock. Longer would make moka panic.
        if life < Duration::from_secs(1000 * 365 * 24 * 3600) {
            entries = entries.time_to_live(life);
        }
        Self {
            policy,
            entries: entries.build(),
            weigh,
            forgotten: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::new(),
        }
    }

    /// How often keys of this one's group were forgotten until now.
    pub(crate) fn forgotten(&self, key: &K) -> u64 {
        *lock(self.group(key))
    }

    /// Keeps an answer, unless its key was forgotten since: it may tell what was true before a write.
    pub(crate) fn put_unless_forgotten(&self, key: K, value: &Arc<T>, forgotten: u64) {
        let entry = self.entry(value);
        let group = lock(self.group(&key));
        if *group == forgotten {
            self.entries.insert(key, entry);
        }
    }

    fn group(&self, key: &K) -> &Mutex<u64> {
        &self.forgotten[self.hasher.hash_one(key) as usize % GROUPS]
    }

    pub(crate) fn get(&self, key: &K) -> Option<Kept<T>> {
        let entry = self.entries.get(key)?;
        let age = entry.made.elapsed();
        let past = age.saturating_sub(self.policy.fresh_for);
        let stage = if age < self.policy.fresh_for {
            Stage::Fresh
        } else if past < self.policy.stale_while_revalidate {
            Stage::Revalidate
        } else if past < self.policy.stale_if_error {
            Stage::IfError
        } else {
            return None;
        };
        Some(Kept {
            value: entry.value,
            age,
            stage,
        })
    }

    fn entry(&self, value: &Arc<T>) -> Entry<T> {
        let bytes = (self.weigh)(value).saturating_add(size_of::<T>() + size_of::<K>() + OVERHEAD);
        Entry {
            value: value.clone(),
            made: Instant::now(),
            weight: u32::try_from(bytes).unwrap_or(u32::MAX),
        }
    }

    pub(crate) fn clear(&self) {
        let mut groups: Vec<_> = self.forgotten.iter().map(lock).collect();
        groups.iter_mut().for_each(|group| **group += 1);
        self.entries.invalidate_all();
    }

    pub(crate) fn remove(&self, key: &K) {
        let mut group = lock(self.group(key));
        *group += 1;
        self.entries.invalidate(key);
    }

    /// Drops what is kept for this key. Unlike `remove` it says nothing of what is being asked for: whoever asks for keys
    /// that there are not must not keep others' answers out.
    pub(crate) fn discard(&self, key: &K) {
        self.entries.invalidate(key);
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.entries.run_pending_tasks();
        self.entries.weighted_size()
    }
}

impl<T, K> fmt::Debug for Store<T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.policy).finish()
    }
}

/// How much a key hashes, near enough to the memory behind it: a client may choose it, and make it long.
fn length_of_key(key: &impl Hash) -> u32 {
    let mut counter = Hashed(0);
    key.hash(&mut counter);
    u32::try_from(counter.0).unwrap_or(u32::MAX)
}

struct Hashed(usize);

impl std::hash::Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len());
    }

    fn finish(&self) -> u64 {
        0
    }
}

/// The length of a value as JSON, near enough to the memory behind it.
pub(crate) fn json_length<T: Serialize>(value: &T) -> usize {
    let mut counter = Counter(0);
    match serde_json::to_writer(&mut counter, value) {
        Ok(()) => counter.0,
        // It can't be sent either, so it need not be kept.
        Err(_) => usize::MAX / 2,
    }
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
