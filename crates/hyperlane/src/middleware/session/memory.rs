//! Sessions in the memory of this process.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyperlane_core::BoxError;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{SessionKey, SessionRecord, SessionStore};

/// Keeps sessions in memory: they end with the process, and belong to it alone.
///
/// Their number and the memory that they take are bounded: when there is no room, those that are over go, and then those
/// that would be over first. Clones are the same store.
///
/// ```
/// use hyperlane::middleware::{MemoryStore, Sessions};
///
/// let sessions = Sessions::new(MemoryStore::new().max_sessions(10_000).max_bytes(16 * 1024 * 1024));
/// ```
#[derive(Clone)]
pub struct MemoryStore {
    max: usize,
    max_bytes: usize,
    table: Arc<Mutex<Table>>,
}

/// Default of [`MemoryStore::max_bytes`]: 100,000 sessions of some 640 bytes each.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// What a session takes beside its values: its key in two tables, their nodes, and two times.
const OVERHEAD: usize = 256;

#[derive(Default)]
struct Table {
    sessions: HashMap<SessionKey, Kept>,
    /// The same by their ends.
    ends: BTreeSet<(Instant, SessionKey)>,
    /// What all of them take.
    bytes: usize,
}

struct Kept {
    record: SessionRecord,
    end: Instant,
    bytes: usize,
}

impl MemoryStore {
    /// Room for 100,000 sessions, and for 64 MiB.
    pub fn new() -> Self {
        Self {
            max: 100_000,
            max_bytes: MAX_BYTES,
            table: Arc::default(),
        }
    }

    /// How many sessions are kept at most. Default: 100,000.
    #[must_use]
    pub fn max_sessions(mut self, sessions: usize) -> Self {
        self.max = sessions.max(1);
        self
    }

    /// How many bytes all sessions may take together, as near as it can be told. Default: 64 MiB. A session that has no
    /// room even alone is an error of the request that makes it.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
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

    /// What a session takes, if that can be had at all.
    fn room_for(&self, record: &SessionRecord) -> Result<usize, BoxError> {
        let bytes = OVERHEAD + map_bytes(&record.values);
        if bytes > self.max_bytes {
            let message = format!("a session of {bytes} bytes exceeds the {} of the store", self.max_bytes);
            return Err(message.into());
        }
        Ok(bytes)
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
        Ok(table.sessions.get(key).map(|kept| kept.record.clone()))
    }

    async fn create(&self, key: &SessionKey, record: &SessionRecord, lifetime: Duration) -> Result<(), BoxError> {
        let bytes = self.room_for(record)?;
        let mut table = self.table();
        table.drop_ended();
        table.make_room(self.max.saturating_sub(1), self.max_bytes - bytes);
        table.put(key, record, bytes, lifetime);
        Ok(())
    }

    async fn update(&self, key: &SessionKey, record: &SessionRecord, lifetime: Duration) -> Result<bool, BoxError> {
        let bytes = self.room_for(record)?;
        let mut table = self.table();
        table.drop_ended();
        let there = table.remove(key);
        if there {
            table.make_room(self.max.saturating_sub(1), self.max_bytes - bytes);
            table.put(key, record, bytes, lifetime);
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
    fn put(&mut self, key: &SessionKey, record: &SessionRecord, bytes: usize, lifetime: Duration) {
        let now = Instant::now();
        let end = now
            .checked_add(lifetime)
            .unwrap_or(now + Duration::from_secs(365 * 24 * 60 * 60));
        self.remove(key);
        let record = record.clone();
        self.sessions.insert(key.clone(), Kept { record, end, bytes });
        self.ends.insert((end, key.clone()));
        self.bytes += bytes;
    }

    fn remove(&mut self, key: &SessionKey) -> bool {
        match self.sessions.remove(key) {
            Some(Kept { end, bytes, .. }) => {
                self.bytes -= bytes;
                self.ends.remove(&(end, key.clone()))
            }
            None => false,
        }
    }

    /// Lets sessions go until so many of them and so many bytes are left.
    fn make_room(&mut self, sessions: usize, bytes: usize) {
        while self.sessions.len() > sessions || self.bytes > bytes {
            if !self.remove_first() {
                return;
            }
        }
    }

    fn drop_ended(&mut self) {
        let now = Instant::now();
        while self.ends.first().is_some_and(|(end, _)| *end <= now) {
            self.remove_first();
        }
    }

    /// Lets the session go that would be over first.
    fn remove_first(&mut self) -> bool {
        let Some((_, key)) = self.ends.pop_first() else {
            return false;
        };
        if let Some(kept) = self.sessions.remove(&key) {
            self.bytes -= kept.bytes;
        }
        true
    }
}

/// About what a value takes in memory, that of its own place included.
fn value_bytes(value: &Value) -> usize {
    let own = size_of::<Value>();
    own + match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.capacity(),
        Value::Array(items) => items.iter().map(value_bytes).sum(),
        Value::Object(map) => map_bytes(map),
    }
}

fn map_bytes(map: &Map<String, Value>) -> usize {
    let entries = map.iter();
    entries
        .map(|(key, value)| size_of::<String>() + key.capacity() + value_bytes(value))
        .sum()
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("max_sessions", &self.max)
            .field("max_bytes", &self.max_bytes)
            .field("sessions", &self.table().sessions.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::session::id::SessionId;

    #[tokio::test(start_paused = true)]
    async fn the_store_in_memory_is_bounded_by_bytes_too() {
        let record = |bytes: usize| {
            let mut record = SessionRecord::default();
            record.values.insert("a".into(), "x".repeat(bytes).into());
            record
        };
        let store = MemoryStore::new().max_bytes(10_000);
        let keys: Vec<_> = (0..10).map(|_| SessionId::random().unwrap().key()).collect();
        let hour = Duration::from_secs(3600);
        for key in &keys {
            store.create(key, &record(2_000), hour).await.unwrap();
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(store.len(), 4, "each takes 2,000 bytes and some");
        assert!(store.update(&keys[9], &record(6_000), hour).await.unwrap());
        assert_eq!(store.len(), 2, "one that grows drives out the oldest");
        assert!(store.load(&keys[9]).await.unwrap().is_some());
        assert!(
            store.create(&keys[1], &record(20_000), hour).await.is_err(),
            "it never has room"
        );
        assert!(store.update(&keys[9], &record(20_000), hour).await.is_err());
        assert!(store.load(&keys[9]).await.unwrap().is_some(), "what was there stays");
    }
}
