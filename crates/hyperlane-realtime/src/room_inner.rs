//! What a room holds, and how a message comes from one lock to thousands of queues.
//!
//! A message is added to the history and to the inboxes of the room's shards under one short lock, which orders it; what
//! costs more with more members happens under the lock of a shard each. Whoever gets that lock empties the inbox, so
//! that all members see the same order.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::Waker;

use slab::Slab;

use crate::config::Limits;
use crate::delivery::Delivery;
use crate::history::History;
use crate::outlet::Outlet;
use crate::position::Position;
use crate::presence::Roster;
use crate::rooms::lock;

const SHARDS: usize = 8;
/// A room with few members uses one shard.
const FIRST_SHARD: usize = 64;

#[derive(Debug)]
pub(crate) struct RoomInner {
    pub(crate) name: Arc<str>,
    state: Mutex<RoomState>,
    shards: [Shard; SHARDS],
}

#[derive(Debug)]
pub(crate) struct RoomState {
    pub(crate) history: History,
    pub(crate) roster: Roster,
    /// How many connections each shard has.
    counts: [usize; SHARDS],
    /// Another of the same name may be there by now.
    pub(crate) removed: bool,
}

#[derive(Debug, Default)]
struct Shard {
    inbox: Mutex<VecDeque<Delivery>>,
    outlets: Mutex<Slab<Arc<Outlet>>>,
}

/// Where the connection of a member hangs.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) room: Arc<RoomInner>,
    shard: usize,
    key: usize,
}

impl RoomState {
    pub(crate) fn connections(&self) -> usize {
        self.counts.iter().sum()
    }

    pub(crate) fn is_deserted(&self) -> bool {
        self.connections() == 0 && self.roster.is_empty()
    }
}

impl RoomInner {
    pub(crate) fn new(name: Arc<str>, forgotten: Position) -> Self {
        Self {
            name,
            state: Mutex::new(RoomState {
                history: History::new(forgotten),
                roster: Roster::default(),
                counts: [0; SHARDS],
                removed: false,
            }),
            shards: Default::default(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, RoomState> {
        lock(&self.state)
    }

    /// Puts a delivery where [`fan_out`](Self::fan_out) finds it.
    pub(crate) fn post(&self, state: &RoomState, delivery: &Delivery) {
        for (shard, count) in self.shards.iter().zip(state.counts) {
            if count > 0 {
                lock(&shard.inbox).push_back(delivery.clone());
            }
        }
    }

    /// Brings what was posted to all members. When it returns, it is in their queues.
    pub(crate) fn fan_out(&self, limits: &Limits) {
        for shard in &self.shards {
            if lock(&shard.inbox).is_empty() && shard.is_idle() {
                continue;
            }
            let outlets = lock(&shard.outlets);
            let wakers = shard.empty_inbox(&outlets, limits);
            drop(outlets);
            wakers.into_iter().for_each(Waker::wake);
        }
    }

    /// Gives a connection a seat. What was posted before is not for it; `opening` is what it gets first.
    pub(crate) fn seat(
        self: &Arc<Self>,
        state: &mut RoomState,
        outlet: &Arc<Outlet>,
        opening: Vec<Delivery>,
        limits: &Limits,
    ) -> Seat {
        let least = || {
            let by_count = state.counts.iter().enumerate().min_by_key(|(_, count)| **count);
            by_count.map_or(0, |(index, _)| index)
        };
        let index = if state.counts[0] < FIRST_SHARD { 0 } else { least() };
        let (shard, count) = match (self.shards.get(index), state.counts.get_mut(index)) {
            (Some(shard), Some(count)) => (shard, count),
            _ => (&self.shards[0], &mut state.counts[0]),
        };
        let mut outlets = lock(&shard.outlets);
        let wakers = shard.empty_inbox(&outlets, limits);
        outlet.open_with(opening);
        let key = outlets.insert(Arc::clone(outlet));
        *count += 1;
        drop(outlets);
        wakers.into_iter().for_each(Waker::wake);
        Seat {
            room: Arc::clone(self),
            shard: index,
            key,
        }
    }

    pub(crate) fn unseat(&self, state: &mut RoomState, seat: &Seat) {
        if let (Some(shard), Some(count)) = (self.shards.get(seat.shard), state.counts.get_mut(seat.shard)) {
            let mut outlets = lock(&shard.outlets);
            let left = outlets.try_remove(seat.key);
            if outlets.is_empty() {
                // A room that was full once does not hold the memory for ever.
                *outlets = Slab::new();
                lock(&shard.inbox).clear();
            }
            drop(outlets);
            drop(left);
            *count = count.saturating_sub(1);
        }
    }
}

impl Shard {
    /// Whether nobody is bringing anything to its members now: who is, may have taken what a caller has posted.
    fn is_idle(&self) -> bool {
        self.outlets.try_lock().is_ok()
    }

    fn empty_inbox(&self, outlets: &Slab<Arc<Outlet>>, limits: &Limits) -> Vec<Waker> {
        let mut wakers = Vec::new();
        loop {
            let posted = std::mem::take(&mut *lock(&self.inbox));
            if posted.is_empty() {
                return wakers;
            }
            for delivery in &posted {
                wakers.extend(outlets.iter().filter_map(|(_, outlet)| outlet.push(delivery, limits)));
            }
        }
    }
}
