//! All rooms and all members of this process, in shards, so that who looks for one holds up few others.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Limits;
use crate::error::{HubError, Kind};
use crate::outlet::Outlet;
use crate::position::Position;
use crate::room_inner::RoomInner;

const SHARDS: usize = 16;
/// A hub that is full of rooms does not look at all of them for each that is asked for.
const SWEEP_INTERVAL: Duration = Duration::from_secs(1);

type Shards<V> = [Mutex<HashMap<Arc<str>, V>>; SHARDS];

/// The rooms, by their names.
#[derive(Debug)]
pub(crate) struct Rooms {
    hasher: RandomState,
    shards: Shards<Arc<RoomInner>>,
    number: AtomicUsize,
    swept: Mutex<Swept>,
}

#[derive(Debug)]
struct Swept {
    at: Option<Instant>,
    /// Up to where messages of rooms that are gone may be forgotten.
    forgotten: Position,
}

impl Rooms {
    pub(crate) fn new(forgotten: Position) -> Self {
        Self {
            hasher: RandomState::new(),
            shards: Default::default(),
            number: AtomicUsize::new(0),
            swept: Mutex::new(Swept { at: None, forgotten }),
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<RoomInner>> {
        lock(self.shard(name)).get(name).cloned()
    }

    /// The room of this name, which is made if there is none.
    pub(crate) fn open(&self, name: &Arc<str>, limits: &Limits) -> Result<Arc<RoomInner>, HubError> {
        if let Some(room) = self.get(name) {
            return Ok(room);
        }
        if self.number.load(Ordering::Relaxed) >= limits.rooms && !self.sweep(limits) {
            return Err(HubError::new(Kind::TooManyRooms(limits.rooms)));
        }
        let forgotten = lock(&self.swept).forgotten;
        let mut shard = lock(self.shard(name));
        let room = shard.entry(Arc::clone(name)).or_insert_with(|| {
            self.number.fetch_add(1, Ordering::Relaxed);
            Arc::new(RoomInner::new(Arc::clone(name), forgotten))
        });
        Ok(Arc::clone(room))
    }

    pub(crate) fn all(&self) -> Vec<Arc<RoomInner>> {
        let rooms = |shard: &Mutex<HashMap<_, Arc<RoomInner>>>| lock(shard).values().cloned().collect::<Vec<_>>();
        self.shards.iter().flat_map(rooms).collect()
    }

    /// Nothing is known of what the log held before this place.
    pub(crate) fn forget(&self, position: Position) {
        let mut swept = lock(&self.swept);
        swept.forgotten = swept.forgotten.max(position);
        drop(swept);
        for room in self.all() {
            room.lock().history.forget(position);
        }
    }

    /// Makes a place: of the empty rooms those with nothing left in their history go, or else a tenth of all that are
    /// empty. True: there is one.
    fn sweep(&self, limits: &Limits) -> bool {
        let mut swept = lock(&self.swept);
        if swept.at.is_some_and(|at| at.elapsed() < SWEEP_INTERVAL) {
            return false;
        }
        swept.at = Some(Instant::now());
        for with_history in [false, true] {
            let mut spare = limits.rooms.div_ceil(10);
            for shard in &self.shards {
                lock(shard).retain(|_, room| {
                    if spare == 0 || Arc::strong_count(room) > 1 {
                        return true;
                    }
                    let mut state = room.lock();
                    state.history.expire(limits);
                    if !state.is_deserted() || (!with_history && !state.history.is_empty()) {
                        return true;
                    }
                    let last = state.history.end();
                    swept.forgotten = swept.forgotten.max(last);
                    state.removed = true;
                    spare -= 1;
                    self.number.fetch_sub(1, Ordering::Relaxed);
                    false
                });
            }
            if self.number.load(Ordering::Relaxed) < limits.rooms {
                return true;
            }
        }
        false
    }

    fn shard(&self, name: &str) -> &Mutex<HashMap<Arc<str>, Arc<RoomInner>>> {
        pick(&self.hasher, &self.shards, name)
    }
}

/// The connections of this process, by the ids of their members.
#[derive(Debug, Default)]
pub(crate) struct Members {
    hasher: RandomState,
    shards: Shards<Vec<Arc<Outlet>>>,
}

impl Members {
    pub(crate) fn add(&self, outlet: &Arc<Outlet>) {
        let mut shard = lock(pick(&self.hasher, &self.shards, &outlet.member));
        let outlets = shard.entry(Arc::clone(&outlet.member));
        outlets
            .or_insert_with(|| Vec::with_capacity(1))
            .push(Arc::clone(outlet));
    }

    pub(crate) fn remove(&self, outlet: &Arc<Outlet>) {
        let mut shard = lock(pick(&self.hasher, &self.shards, &outlet.member));
        if let Some(outlets) = shard.get_mut(&outlet.member) {
            outlets.retain(|other| !Arc::ptr_eq(other, outlet));
            if outlets.is_empty() {
                shard.remove(&outlet.member);
                give_back(&mut shard);
            }
        }
    }

    pub(crate) fn of(&self, member: &str) -> Vec<Arc<Outlet>> {
        let shard = lock(pick(&self.hasher, &self.shards, member));
        shard.get(member).cloned().unwrap_or_default()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Outlet>> {
        let outlets =
            |shard: &Mutex<HashMap<_, Vec<Arc<Outlet>>>>| lock(shard).values().flatten().cloned().collect::<Vec<_>>();
        self.shards.iter().flat_map(outlets).collect()
    }
}

fn pick<'a, V>(hasher: &RandomState, shards: &'a [Mutex<V>; SHARDS], name: &str) -> &'a Mutex<V> {
    let index = hasher.hash_one(name) as usize % SHARDS;
    shards.get(index).unwrap_or(&shards[0])
}

/// What was full once does not hold the memory for ever.
pub(crate) fn give_back<K: Eq + Hash, V>(map: &mut HashMap<K, V>) {
    if map.capacity() > 64 && map.len() < map.capacity() / 4 {
        map.shrink_to(map.len() * 2);
    }
}

/// Nothing that may panic halfway runs under these locks.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
