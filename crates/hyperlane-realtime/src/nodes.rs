//! What comes from the log: what other nodes say, and what this one said.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::backplane::entry::{Body, Entry, Stay};
use crate::delivery::{Delivery, Place};
use crate::hub::HubInner;
use crate::link::{LinkState, Shared};
use crate::position::{Origin, Position};
use crate::room_inner::RoomInner;

/// How many members one entry of the log tells of: with all that may be told of each, half a megabyte, which every
/// backplane carries.
const STAYS_PER_ENTRY: usize = 100;

/// What is done when no lock is held any more.
#[derive(Debug, Default)]
struct Later {
    rooms: Vec<Arc<RoomInner>>,
    to_all: Option<Delivery>,
}

impl HubInner {
    /// What comes next is all that the log holds behind this place.
    pub(crate) fn begin(&self, shared: &Shared, after: Position) {
        let mut link = shared.lock();
        let gap = match link.cursor {
            Some(cursor) => after > cursor,
            None => true,
        };
        if !gap {
            return;
        }
        let was_there = link.cursor.replace(after).is_some();
        self.rooms.forget(after);
        drop(link);
        if was_there {
            tracing::warn!(%after, "the backplane's log does not reach back to where this node was: messages are lost");
            self.post_to_all(&Delivery::missed(None));
        }
    }

    pub(crate) fn take_entry(&self, shared: &Shared, position: Position, bytes: &[u8]) {
        let mut link = shared.lock();
        if link.cursor.is_some_and(|cursor| position <= cursor) {
            return;
        }
        link.cursor = Some(position);
        let later = match serde_json::from_slice(bytes) {
            Ok(entry) => self.apply(&mut link, position, entry),
            Err(error) => {
                tracing::warn!(%position, %error, "entry of the backplane's log is none of a hub: it is passed over");
                Later::default()
            }
        };
        drop(link);
        shared.changed.notify_waiters();
        self.finish(later);
    }

    fn apply(&self, link: &mut LinkState, position: Position, entry: Entry) -> Later {
        let mut later = Later::default();
        let origin = entry.origin();
        if entry.node == link.node {
            let new = link.echo(entry.number);
            match entry.body {
                Body::Say { .. } | Body::Direct { .. } if new => {
                    self.message(link, Some(position), origin, entry.at, &entry.body, &mut later);
                }
                Body::Say { room, .. } => {
                    if let Some(room) = self.rooms.get(&room) {
                        room.lock().history.settle(origin, position);
                    }
                }
                _ => {}
            }
            return later;
        }
        if !link.hear(origin) {
            return later;
        }
        match entry.body {
            Body::Say { .. } | Body::Direct { .. } => {
                self.message(link, Some(position), origin, entry.at, &entry.body, &mut later);
            }
            Body::Lost(number) if link.ready => later.to_all = Some(Delivery::missed(Some(number))),
            // What is old is not what is: the others tell all of it when this node has asked.
            body if link.up => self.presence(link, entry.node, body, &mut later),
            _ => {}
        }
        later
    }

    fn message(
        &self,
        link: &LinkState,
        position: Option<Position>,
        origin: Origin,
        at: u64,
        body: &Body,
        later: &mut Later,
    ) {
        match body {
            Body::Say { room, from, data } => {
                let is_old = !link.ready && position.is_some();
                let place = Place {
                    position,
                    origin,
                    is_old,
                };
                match self.post_message(room, from.as_ref(), at, data, || (link.token(), place)) {
                    Ok(room) => later.rooms.extend(room),
                    Err(error) => tracing::warn!(%room, %error, "message of another node has no place"),
                }
            }
            // What was said before this node was there was not for its members.
            Body::Direct { to, from, data } if link.ready || origin.node == link.node => {
                self.post_direct(to, from.as_ref(), at, data);
            }
            _ => {}
        }
    }

    fn presence(&self, link: &mut LinkState, node: u64, body: Body, later: &mut Later) {
        if let Some(other) = link.nodes.get_mut(&node) {
            other.alive = !matches!(body, Body::Bye);
            let was_forgotten = std::mem::take(&mut other.forgotten);
            if was_forgotten && !matches!(body, Body::Bye | Body::Here { first: true, .. }) {
                // It was only silent, and does not know what the others think.
                link.tell_in_any_case(&Body::Hello);
            }
        }
        match body {
            Body::Come(stay) => self.come(node, &stay, later),
            Body::Go { room, member } => {
                if let Some(room) = self.rooms.get(&room) {
                    self.go(node, &room, &member, later);
                }
            }
            Body::Here { stays, first, last } => {
                let Some(other) = link.nodes.get_mut(&node) else {
                    return;
                };
                if first {
                    other.stays.clear();
                }
                other.stays.extend(stays);
                if last {
                    let stays = std::mem::take(&mut other.stays);
                    self.replace(node, &stays, later);
                }
            }
            Body::Hello => self.tell_here(link),
            Body::Bye => self.replace(node, &[], later),
            _ => {}
        }
    }

    fn come(&self, node: u64, stay: &Stay, later: &mut Later) {
        loop {
            let Ok(room) = self.rooms.open(&stay.room, &self.limits) else {
                return;
            };
            let mut state = room.lock();
            if state.removed {
                continue;
            }
            let new = state.roster.come_elsewhere(node, &stay.member, stay.meta.clone());
            if new && state.roster.len() <= self.limits.presence_events {
                room.post(&state, &Delivery::join(&room.name, &stay.member, stay.meta.as_deref()));
                drop(state);
                later.rooms.push(room);
            }
            return;
        }
    }

    fn go(&self, node: u64, room: &Arc<RoomInner>, member: &Arc<str>, later: &mut Later) {
        let mut state = room.lock();
        if state.roster.go_elsewhere(node, member) && state.roster.len() < self.limits.presence_events {
            room.post(&state, &Delivery::leave(&room.name, member));
            later.rooms.push(Arc::clone(room));
        }
    }

    /// These are the members of a node, and no others.
    fn replace(&self, node: u64, stays: &[Stay], later: &mut Later) {
        let mut wanted: HashMap<&str, HashSet<&str>> = HashMap::new();
        for stay in stays {
            wanted.entry(&stay.room).or_default().insert(&stay.member);
        }
        for room in self.rooms.all() {
            let there = room.lock().roster.at(node);
            let stays = wanted.get(&*room.name);
            for member in there {
                if !stays.is_some_and(|stays| stays.contains(&*member)) {
                    self.go(node, &room, &member, later);
                }
            }
        }
        for stay in stays {
            self.come(node, stay, later);
        }
    }

    /// Tells the others of all members of this node.
    fn tell_here(&self, link: &mut LinkState) {
        if !std::mem::take(&mut link.stale) && link.will_tell_all() {
            return;
        }
        let mut stays = Vec::new();
        for room in self.rooms.all() {
            stays.extend(room.lock().roster.here().map(|present| Stay {
                room: Arc::clone(&room.name),
                member: present.id,
                meta: present.meta,
            }));
        }
        let parts = stays.len().div_ceil(STAYS_PER_ENTRY).max(1);
        link.tell_all((0..parts).map(|part| {
            let chunk = stays.iter().skip(part * STAYS_PER_ENTRY).take(STAYS_PER_ENTRY);
            Body::Here {
                stays: chunk.cloned().collect(),
                first: part == 0,
                last: part + 1 == parts,
            }
        }));
    }

    pub(crate) fn go_online(&self, shared: &Shared) {
        let mut link = shared.lock();
        link.rewind();
        link.up = true;
        link.ready = true;
        for node in link.nodes.values_mut() {
            node.heard = Instant::now();
        }
        let lost = std::mem::take(&mut link.lost);
        if lost > 0 {
            link.tell_in_any_case(&Body::Lost(lost));
        }
        link.tell_in_any_case(&Body::Hello);
        self.tell_here(&mut link);
        drop(link);
        shared.changed.notify_waiters();
        self.post_to_all(&Delivery::online(true));
    }

    /// The session has ended. True: it had been up.
    pub(crate) fn go_offline(&self, shared: &Shared) -> bool {
        let mut link = shared.lock();
        let was_up = link.up;
        let mut later = Later::default();
        for (number, at, body) in link.go_offline() {
            link.delivered = number;
            let origin = Origin {
                node: link.node,
                number,
            };
            self.message(&link, None, origin, at, &body, &mut later);
        }
        drop(link);
        shared.changed.notify_waiters();
        if was_up {
            later.to_all = Some(Delivery::online(false));
        }
        self.finish(later);
        was_up
    }

    /// Says that this node is there, and takes those for gone that did not say so.
    pub(crate) fn beat(&self, shared: &Shared) {
        let mut link = shared.lock();
        if !link.up {
            return;
        }
        if link.stale {
            self.tell_here(&mut link);
        } else if link.is_silent() {
            link.tell(&Body::Alive, &self.limits);
        }
        let timeout: Duration = self.limits.node_timeout;
        let mut gone = Vec::new();
        for (id, node) in &mut link.nodes {
            if node.alive && node.heard.elapsed() > timeout {
                node.alive = false;
                node.forgotten = true;
                gone.push(*id);
            }
        }
        let mut later = Later::default();
        for node in gone {
            tracing::info!(node, "node of the hub is silent: its members have left");
            self.replace(node, &[], &mut later);
        }
        drop(link);
        shared.changed.notify_waiters();
        self.finish(later);
    }

    fn finish(&self, later: Later) {
        for room in later.rooms {
            room.fan_out(&self.limits);
        }
        if let Some(delivery) = later.to_all {
            self.post_to_all(&delivery);
        }
    }
}
