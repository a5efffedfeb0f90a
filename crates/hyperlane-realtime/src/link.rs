//! What a hub keeps for its backplane: what waits to be appended, and what it has seen of whom.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard};

use hyperlane::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::backplane::entry::{Body, Entry, Stay};
use crate::config::Limits;
use crate::error::{HubError, Kind};
use crate::now_ms;
use crate::position::{Origin, Position, Token};
use crate::rooms::lock;

/// How many nodes that are gone are remembered, for what of theirs might come late.
const MAX_NODES: usize = 4096;

/// The part that the hub and the task of its backplane share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<LinkState>,
    /// There is something to append, or something changed for those who wait.
    pub(crate) changed: Notify,
    /// The hub has gone.
    pub(crate) ended: Notify,
    backlog: usize,
}

#[derive(Debug)]
pub(crate) struct LinkState {
    pub(crate) node: u64,
    /// Whether what is appended comes back.
    pub(crate) up: bool,
    /// Whether it once was: what comes before is what was said before this node was there.
    pub(crate) ready: bool,
    /// Where this node is in the log.
    pub(crate) cursor: Option<Position>,
    /// The number of this node's last entry.
    number: u64,
    /// The last of them that was delivered to its own members.
    pub(crate) delivered: u64,
    /// The last of them that came back.
    pub(crate) echoed: u64,
    outbox: VecDeque<Pending>,
    outbox_bytes: usize,
    /// How many of the outbox, and of its bytes, tell of all members: these no limit holds back.
    census: usize,
    census_bytes: usize,
    /// The number of the entry with which the last of these began.
    census_begin: u64,
    /// How many of the outbox were given to the session.
    sent: usize,
    /// Messages for which there was no place.
    pub(crate) lost: u64,
    /// Whether presence was not told for want of a place, so that all of it has to be told anew.
    pub(crate) stale: bool,
    pub(crate) nodes: HashMap<u64, Node>,
}

#[derive(Debug)]
struct Pending {
    number: u64,
    at: u64,
    entry: Bytes,
    is_census: bool,
    /// What is delivered at once where the session ends. Presence is, anyway.
    message: Option<Body>,
}

/// Another node.
#[derive(Debug)]
pub(crate) struct Node {
    /// The number of its last entry that came.
    pub(crate) number: u64,
    pub(crate) heard: Instant,
    /// What it has told of its members, while there is more to come.
    pub(crate) stays: Vec<Stay>,
    /// Whether it may have members.
    pub(crate) alive: bool,
    /// Whether it was taken for gone, and with it all that was known of its members.
    pub(crate) forgotten: bool,
}

/// What becomes of something that a member of this node says.
#[derive(Debug)]
pub(crate) enum Said {
    /// It comes back by the log.
    ByLog,
    /// It is delivered now.
    Now { origin: Origin, token: Token },
}

impl Shared {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            state: Mutex::new(LinkState {
                node: RandomState::new().hash_one(0),
                up: false,
                ready: false,
                cursor: None,
                number: 0,
                delivered: 0,
                echoed: 0,
                outbox: VecDeque::new(),
                outbox_bytes: 0,
                census: 0,
                census_bytes: 0,
                census_begin: 0,
                sent: 0,
                lost: 0,
                stale: false,
                nodes: HashMap::new(),
            }),
            changed: Notify::new(),
            ended: Notify::new(),
            backlog: limits.backlog,
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, LinkState> {
        lock(&self.state)
    }

    pub(crate) fn resume(&self) -> Option<Position> {
        self.lock().cursor
    }

    pub(crate) fn backlog(&self) -> usize {
        self.backlog
    }

    pub(crate) async fn outgoing(&self, limit: usize) -> Vec<Bytes> {
        loop {
            let changed = self.changed.notified();
            let entries = self.lock().next_outgoing(limit);
            if !entries.is_empty() {
                return entries;
            }
            changed.await;
        }
    }

    /// Waits until all that was said is in the log.
    pub(crate) async fn flushed(&self) {
        self.until(|link| link.outbox.is_empty()).await;
    }

    /// Waits until what is appended comes back.
    pub(crate) async fn online(&self) {
        self.until(|link| link.up).await;
    }

    async fn until(&self, wanted: impl Fn(&LinkState) -> bool) {
        loop {
            // It hears of changes from here on.
            let changed = self.changed.notified();
            if wanted(&self.lock()) {
                return;
            }
            changed.await;
        }
    }
}

impl LinkState {
    /// What a client comes back with that has seen all until now.
    pub(crate) fn token(&self) -> Token {
        let own = (self.delivered > self.echoed).then_some(Origin {
            node: self.node,
            number: self.delivered,
        });
        Token {
            position: self.cursor.unwrap_or_default(),
            own,
        }
    }

    /// Takes a message of this node.
    pub(crate) fn say(&mut self, at: u64, body: &Body, limits: &Limits) -> Result<Said, HubError> {
        let full = self.is_full(limits);
        if self.up {
            if full {
                return Err(HubError::new(Kind::Busy));
            }
            self.enqueue(at, body, true);
            return Ok(Said::ByLog);
        }
        if full {
            self.lost += 1;
            self.number += 1;
        } else {
            self.enqueue(at, body, true);
        }
        self.delivered = self.number;
        Ok(Said::Now {
            origin: Origin {
                node: self.node,
                number: self.number,
            },
            token: self.token(),
        })
    }

    /// Tells the other nodes about this one's presence. While they can't be reached it is not kept: all of it is told
    /// when they can.
    pub(crate) fn tell(&mut self, body: &Body, limits: &Limits) {
        if self.up && self.is_full(limits) {
            self.stale = true;
        } else if self.up {
            self.enqueue(now_ms(), body, false);
        }
    }

    /// The same for what must be told even where there is no place left.
    pub(crate) fn tell_in_any_case(&mut self, body: &Body) {
        self.enqueue(now_ms(), body, false);
    }

    /// Whether there is nothing to append, so that the others don't know whether this node is there.
    pub(crate) fn is_silent(&self) -> bool {
        self.up && self.outbox.is_empty()
    }

    /// Whether all members of this node will be told behind what has come until now anyhow.
    pub(crate) fn will_tell_all(&self) -> bool {
        let next = self.outbox.get(self.sent);
        self.up && next.is_some_and(|next| next.number <= self.census_begin)
    }

    /// Tells of all members of this node, in parts. Half of that would be of no use, so no limit holds it back: it is
    /// bounded by the members.
    pub(crate) fn tell_all(&mut self, parts: impl Iterator<Item = Body>) {
        if !self.up {
            return;
        }
        self.census_begin = self.number + 1;
        for body in parts {
            self.enqueue(now_ms(), &body, false);
        }
    }

    fn is_full(&self, limits: &Limits) -> bool {
        self.outbox.len() - self.census >= limits.outbox_messages
            || self.outbox_bytes - self.census_bytes >= limits.outbox_bytes
    }

    fn forget_census(&mut self, entry: &Pending) {
        if entry.is_census {
            self.census -= 1;
            self.census_bytes -= entry.entry.len();
        }
    }

    fn enqueue(&mut self, at: u64, body: &Body, is_message: bool) {
        self.number += 1;
        let entry = Entry {
            node: self.node,
            number: self.number,
            at,
            body: body.clone(),
        };
        let entry: Bytes = serde_json::to_vec(&entry)
            .expect("strings, numbers and raw json are always json")
            .into();
        self.outbox_bytes += entry.len();
        let is_census = matches!(body, Body::Here { .. });
        if is_census {
            self.census += 1;
            self.census_bytes += entry.len();
        }
        self.outbox.push_back(Pending {
            number: self.number,
            at,
            entry,
            is_census,
            message: is_message.then(|| body.clone()),
        });
    }

    fn next_outgoing(&mut self, limit: usize) -> Vec<Bytes> {
        if !self.up {
            return Vec::new();
        }
        let entries = self.outbox.iter().skip(self.sent).take(limit.max(1));
        let entries: Vec<Bytes> = entries.map(|pending| pending.entry.clone()).collect();
        self.sent += entries.len();
        entries
    }

    /// An entry of this node has come back. True: its members have not got it yet.
    pub(crate) fn echo(&mut self, number: u64) -> bool {
        self.echoed = self.echoed.max(number);
        while self.outbox.front().is_some_and(|pending| pending.number <= number) {
            if let Some(pending) = self.outbox.pop_front() {
                self.outbox_bytes -= pending.entry.len();
                self.forget_census(&pending);
                self.sent = self.sent.saturating_sub(1);
            }
        }
        let new = number > self.delivered;
        self.delivered = self.delivered.max(number);
        new
    }

    /// An entry of another node has come. False: it came before.
    pub(crate) fn hear(&mut self, origin: Origin) -> bool {
        if self.nodes.len() >= MAX_NODES && !self.nodes.contains_key(&origin.node) {
            let gone = self.nodes.iter().filter(|(_, node)| !node.alive);
            let oldest = gone.min_by_key(|(_, node)| node.heard).map(|(id, _)| *id);
            oldest.and_then(|id| self.nodes.remove(&id));
        }
        let node = self.nodes.entry(origin.node).or_insert_with(|| Node {
            number: 0,
            heard: Instant::now(),
            stays: Vec::new(),
            alive: false,
            forgotten: false,
        });
        node.heard = Instant::now();
        let new = origin.number > node.number;
        node.number = node.number.max(origin.number);
        new
    }

    /// The session has begun, or ended: what was given to it may have to be given again.
    pub(crate) fn rewind(&mut self) {
        self.sent = 0;
    }

    /// Presence that was not appended is told anew later, as a whole; what is left are the messages that the members of
    /// this node have not got.
    pub(crate) fn go_offline(&mut self) -> Vec<(u64, u64, Body)> {
        self.up = false;
        self.rewind();
        let mut dropped = 0;
        self.outbox.retain(|pending| {
            let keep = pending.message.is_some();
            dropped += if keep { 0 } else { pending.entry.len() };
            keep
        });
        self.outbox_bytes -= dropped;
        (self.census, self.census_bytes, self.census_begin) = (0, 0, 0);
        let late = self.outbox.iter().filter(|pending| pending.number > self.delivered);
        late.filter_map(|pending| Some((pending.number, pending.at, pending.message.clone()?)))
            .collect()
    }
}
