//! A connection of a member: it sits in rooms, and receives.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::backplane::entry::{Body, Stay};
use crate::delivery::Delivery;
use crate::error::{HubError, Kind};
use crate::hub::{Hub, HubInner, Order};
use crate::now_ms;
use crate::outlet::{Closed, Outlet};
use crate::position::{Position, Token};
use crate::room_inner::{RoomInner, Seat};

/// How many members a newcomer is told of at once.
const MEMBERS_TOLD: usize = 500;
/// How far the clocks of nodes may differ.
const CLOCK_SKEW_MS: u64 = 60_000;

/// Who joins, and what it brings and wants. A name alone will do where a `Joiner` is asked for.
#[derive(Clone, Debug)]
#[must_use]
pub struct Joiner {
    id: Arc<str>,
    meta: Option<Arc<RawValue>>,
    since: Option<Option<Token>>,
    history: usize,
}

impl Joiner {
    /// A member of this id.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self {
            id: id.into(),
            meta: None,
            since: None,
            history: 0,
        }
    }

    /// What the others are told of it: a name, a picture.
    ///
    /// # Errors
    ///
    /// It is no JSON.
    pub fn meta<T: Serialize + ?Sized>(mut self, meta: &T) -> Result<Self, HubError> {
        self.meta = Some(HubInner::json("what is told of a member", meta, usize::MAX)?);
        Ok(self)
    }

    /// The last [id](Delivery::id) that it got, if it comes back: it receives what came since, each message once, and is
    /// told if some are gone. `None` changes nothing.
    pub fn since(mut self, id: Option<&str>) -> Self {
        if let Some(id) = id {
            self.since = Some(Token::parse(id));
        }
        self
    }

    /// How many of the last messages it receives if it comes for the first time. Default: 0.
    pub fn history(mut self, messages: usize) -> Self {
        self.history = messages;
        self
    }
}

impl From<&str> for Joiner {
    fn from(id: &str) -> Self {
        Self::new(id)
    }
}

impl From<String> for Joiner {
    fn from(id: String) -> Self {
        Self::new(id)
    }
}

impl From<Arc<str>> for Joiner {
    fn from(id: Arc<str>) -> Self {
        Self::new(id)
    }
}

/// A connection of a member, from [`Hub::join`]: a stream of [`Delivery`]s. Dropped, it leaves all its rooms.
///
/// What waits for it is bounded; [`SlowPolicy`](crate::SlowPolicy) says what happens beyond that.
pub struct Member {
    hub: Hub,
    outlet: Arc<Outlet>,
    seats: Vec<Seat>,
}

/// The voice of a member, to be kept where its messages are read.
#[derive(Clone, Debug)]
pub struct Speaker {
    hub: Hub,
    room: Arc<str>,
    member: Arc<str>,
}

impl Member {
    pub(crate) fn join(hub: &Hub, room: &Arc<str>, joiner: &Joiner) -> Result<Self, HubError> {
        HubInner::check_name("id of a member", &joiner.id)?;
        let outlet = Outlet::new(Arc::clone(&joiner.id));
        let mut member = Self {
            hub: hub.clone(),
            outlet,
            seats: Vec::with_capacity(1),
        };
        hub.0.members.add(&member.outlet);
        member.enter_as(room, joiner)?;
        // A hub that was closed meanwhile may not have seen it.
        hub.0.check_open()?;
        Ok(member)
    }

    /// Joins another room with the same connection. A message to the member alone still comes once.
    ///
    /// # Errors
    ///
    /// Those of [`Hub::join`].
    pub fn enter(&mut self, room: impl Into<Arc<str>>) -> Result<(), HubError> {
        let id = Arc::clone(&self.outlet.member);
        self.enter_as(&room.into(), &Joiner::new(id))
    }

    /// Leaves one of its rooms. True: it was there.
    pub fn leave(&mut self, room: &str) -> bool {
        let Some(index) = self.seats.iter().position(|seat| &*seat.room.name == room) else {
            return false;
        };
        let seat = self.seats.swap_remove(index);
        self.hub.0.leave(&seat, &self.outlet);
        true
    }

    /// The id of the member.
    pub fn id(&self) -> &str {
        &self.outlet.member
    }

    /// The rooms in which it is.
    pub fn rooms(&self) -> impl Iterator<Item = &str> {
        self.seats.iter().map(|seat| &*seat.room.name)
    }

    /// The next delivery; `None` when there will be no more, of which [`closed`](Self::closed) tells the reason.
    ///
    /// # Cancel safety
    ///
    /// A delivery is either returned or still there.
    pub async fn recv(&mut self) -> Option<Delivery> {
        poll_fn(|cx| self.outlet.poll_next(cx)).await
    }

    /// The next delivery, if there is one now.
    pub fn try_recv(&mut self) -> Option<Delivery> {
        match self
            .outlet
            .poll_next(&mut Context::from_waker(std::task::Waker::noop()))
        {
            Poll::Ready(delivery) => delivery,
            Poll::Pending => None,
        }
    }

    /// Why it receives nothing more, once that is so.
    pub fn closed(&self) -> Option<Closed> {
        self.outlet.closed()
    }

    pub(crate) fn outlet(&self) -> Arc<Outlet> {
        Arc::clone(&self.outlet)
    }

    /// Waits until it is found too slow.
    pub(crate) async fn too_slow(&self) {
        poll_fn(|cx| self.outlet.poll_too_slow(cx)).await;
    }

    /// How many deliveries were dropped because it was too slow, since it came.
    pub fn dropped(&self) -> u64 {
        self.outlet.lost()
    }

    /// Says something in the room that it joined first.
    ///
    /// # Errors
    ///
    /// Those of [`Room::broadcast`](crate::Room::broadcast).
    pub fn broadcast<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), HubError> {
        self.speaker().say(value)
    }

    /// Its voice.
    pub fn speaker(&self) -> Speaker {
        let room = self.seats.first().map(|seat| Arc::clone(&seat.room.name));
        Speaker {
            hub: self.hub.clone(),
            room: room.unwrap_or_default(),
            member: Arc::clone(&self.outlet.member),
        }
    }

    fn enter_as(&mut self, room: &Arc<str>, joiner: &Joiner) -> Result<(), HubError> {
        HubInner::check_name("name of a room", room)?;
        if self.rooms().any(|other| other == &**room) {
            return Ok(());
        }
        let seat = self.hub.0.enter(room, &self.outlet, joiner)?;
        self.seats.push(seat);
        Ok(())
    }
}

impl Speaker {
    /// The id of the member.
    pub fn id(&self) -> &str {
        &self.member
    }

    /// Says something in the room that the member joined first.
    ///
    /// # Errors
    ///
    /// Those of [`Room::broadcast`](crate::Room::broadcast).
    pub fn say<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), HubError> {
        self.hub.0.say(&self.room, Some(&self.member), value)
    }

    /// Says something to one member alone, as [`Hub::send_to`] does.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn say_to<T: Serialize + ?Sized>(&self, member: impl Into<Arc<str>>, value: &T) -> Result<(), HubError> {
        self.hub.0.send_direct(&member.into(), Some(&self.member), value)
    }
}

impl HubInner {
    fn enter(&self, name: &Arc<str>, outlet: &Arc<Outlet>, joiner: &Joiner) -> Result<Seat, HubError> {
        self.check_open()?;
        let meta_bytes = joiner.meta.as_ref().map_or(0, |meta| meta.get().len());
        if meta_bytes > self.limits.meta_bytes {
            return Err(HubError::new(Kind::TooLarge {
                what: "what is told of a member",
                bytes: meta_bytes,
                limit: self.limits.meta_bytes,
            }));
        }
        let mut link = match &self.order {
            Order::Local { .. } => None,
            Order::Linked(shared) => Some(shared.lock()),
        };
        let end = match (&self.order, &link) {
            (_, Some(link)) => link.token(),
            (Order::Local { log, last }, _) => Token {
                position: Position::new(*log, last.load(std::sync::atomic::Ordering::SeqCst)),
                own: None,
            },
            (Order::Linked(_), None) => return Err(HubError::new(Kind::Closed)),
        };
        loop {
            let room = self.rooms.open(name, &self.limits)?;
            let mut state = room.lock();
            if state.removed {
                continue;
            }
            if state.connections() >= self.limits.members {
                return Err(HubError::new(Kind::RoomFull(self.limits.members)));
            }
            let change = state.roster.come(&outlet.member, joiner.meta.clone());
            if change.everywhere && state.roster.len() <= self.limits.presence_events {
                room.post(
                    &state,
                    &Delivery::join(&room.name, &outlet.member, joiner.meta.as_deref()),
                );
            }
            if change.here
                && let Some(link) = &mut link
            {
                let stay = Stay {
                    room: Arc::clone(&room.name),
                    member: Arc::clone(&outlet.member),
                    meta: joiner.meta.clone(),
                };
                link.tell(&Body::Come(stay), &self.limits);
            }
            // Seen at a node that is ahead of this one. What is too far ahead is of no log of this hub.
            let ahead = |token: &Token| {
                token.position > end.position
                    && link.is_some()
                    && token.position.log() <= now_ms().saturating_add(CLOCK_SKEW_MS)
            };
            let mut id = end;
            let (replay, missed) = match joiner.since {
                None => (state.history.last(joiner.history, &self.limits), false),
                Some(token) => {
                    if let Some(token) = token.filter(ahead) {
                        id = token;
                        outlet.has_seen(token);
                    }
                    let token = token.filter(|token| token.position <= end.position || ahead(token));
                    if let Some(token) = token.filter(|token| token.own.is_some()) {
                        // What it heard at a node that was cut off may come here yet.
                        outlet.has_seen(token);
                    }
                    let replay = state.history.since(token, &self.limits);
                    (replay.deliveries, replay.missed)
                }
            };
            // Whoever leaves in the midst of what it missed comes back for the rest.
            let id = replay.is_empty().then_some(id);
            let members = state.roster.list(MEMBERS_TOLD);
            let count = state.roster.len();
            let mut opening = vec![Delivery::joined(
                id,
                &room.name,
                &outlet.member,
                missed,
                &members,
                count,
            )];
            opening.extend(replay);
            if link.as_ref().is_some_and(|link| !link.up) {
                opening.push(Delivery::online(false));
            }
            let seat = room.seat(&mut state, outlet, opening, &self.limits);
            drop(state);
            drop(link);
            self.told();
            room.fan_out(&self.limits);
            return Ok(seat);
        }
    }

    fn leave(&self, seat: &Seat, outlet: &Outlet) {
        let mut link = match &self.order {
            Order::Local { .. } => None,
            Order::Linked(shared) => Some(shared.lock()),
        };
        let room: &RoomInner = &seat.room;
        let mut state = room.lock();
        room.unseat(&mut state, seat);
        let change = state.roster.go(&outlet.member);
        if change.everywhere && state.roster.len() < self.limits.presence_events {
            room.post(&state, &Delivery::leave(&room.name, &outlet.member));
        }
        if change.here
            && let Some(link) = &mut link
        {
            let body = Body::Go {
                room: Arc::clone(&room.name),
                member: Arc::clone(&outlet.member),
            };
            link.tell(&body, &self.limits);
        }
        drop(state);
        drop(link);
        self.told();
        room.fan_out(&self.limits);
    }

    fn told(&self) {
        if let Order::Linked(shared) = &self.order {
            shared.changed.notify_waiters();
        }
    }
}

impl Stream for Member {
    type Item = Delivery;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        self.outlet.poll_next(cx)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.hub.0.members.remove(&self.outlet);
        for seat in std::mem::take(&mut self.seats) {
            self.hub.0.leave(&seat, &self.outlet);
        }
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rooms: Vec<_> = self.rooms().collect();
        f.debug_struct("Member")
            .field("id", &self.outlet.member)
            .field("rooms", &rooms)
            .finish_non_exhaustive()
    }
}
