//! Sessions in the memory of this process.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyperlane_core::BoxError;
use tokio::time::Instant;

use super::{SessionKey, SessionRecord, SessionStore};

/// Keeps sessions in memory: they end with the process, and belong to it alone.
///
/// Their number is bounded: when there is no room, those that are over go, and then those that would be over first.
/// Clones are the same store.
///
/// ```
/// use hyperlane::middleware::{MemoryStore, Sessions};
///
/// let sessions = Sessions::new(MemoryStore::new().max_sessions(10_000));
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    max: usize,
    table: Arc<Mutex<Table>>,
}

#[derive(Default)]
struct Table {
    sessions: HashMap<SessionKey, (SessionRecord, Instant)>,
    /// The same by their ends.
    ends: BTreeSet<(Instant, SessionKey)>,
}

impl MemoryStore {
    /// Room for 100,000 sessions.
    pub fn new() -> Self {
        Self {
            max: 100_000,
            table: Arc::default(),
        }
    }

    /// How many sessions are kept at most. Default: 100,000.
    #[must_use]
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.max = sessions.max(1);
        self
    }

    /// How many sessions are kept at this moment.
    pub fn len(&self) -> usize {
        let mut table = self.table();
        table.drop_ended();
        table.sessions.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Nothing that runs under the lock can leave the table half changed.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl SessionStore for MemoryStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<SessionRecord>, BoxError> {
        let mut table = self.table();
        table.drop_ended();
        Ok(table.sessions.get(key).map(|(record, _)| record.clone()))
    }

    async fn create(&self, key: &SessionKey, record: &SessionRecord, lifetime: Duration) -> Result<(), BoxError> {
        let mut table = self.table();
        table.drop_ended();
        while table.sessions.len() >= self.max {
            let Some((_, first)) = table.ends.pop_first() else {
                break;
            };
            table.sessions.remove(&first);
        }
        table.put(key, record, lifetime);
        Ok(())
    }

    async fn update(&self, key: &SessionKey, record: &SessionRecord, lifetime: Duration) -> Result<bool, BoxError> {
        let mut table = self.table();
        table.drop_ended();
        let there = table.remove(key);
        if there {
            table.put(key, record, lifetime);
        }
        Ok(there)
    }

    async fn delete(&self, key: &SessionKey) -> Result<bool, BoxError> {
        let mut table = self.table();
        table.drop_ended();
        Ok(table.remove(key))
    }
}

impl Table {
    fn put(&mut self, key: &SessionKey, record: &SessionRecord, lifetime: Duration) {
        let now = Instant::now();
        let end = now
            .checked_add(lifetime)
            .unwrap_or(now + Duration::from_secs(365 * 24 * 60 * 60));
        self.sessions.insert(key.clone(), (record.clone(), end));
        self.ends.insert((end, key.clone()));
    }

    fn remove(&mut self, key: &SessionKey) -> bool {
        match self.sessions.remove(key) {
            Some((_, end)) => self.ends.remove(&(end, key.clone())),
            None => false,
        }
    }

    fn drop_ended(&mut self) {
        let now = Instant::now();
        while let Some((end, _)) = self.ends.first()
            && *end <= now
        {
            if let Some((_, key)) = self.ends.pop_first() {
                self.sessions.remove(&key);
            }
        }
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("max_sessions", &self.max)
            .field("sessions", &self.table().sessions.len())
            .finish()
    }
}
