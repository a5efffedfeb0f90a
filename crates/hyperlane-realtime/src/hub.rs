//! The hub: where rooms, members and the other nodes meet.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::backplane::Backplane;
use crate::backplane::entry::Body;
use crate::config::{HubBuilder, Limits, NAME_BYTES};
use crate::delivery::{Delivery, Place};
use crate::driver;
use crate::error::{HubError, Kind};
use crate::link::{Said, Shared};
use crate::member::{Joiner, Member};
use crate::now_ms;
use crate::outlet::Closed;
use crate::position::{Origin, Position, Token};
use crate::room::Room;
use crate::room_inner::RoomInner;
use crate::rooms::{Members, Rooms};

/// How long a hub that is closed waits until the other nodes know.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);
const HAND_ON: Duration = Duration::from_millis(50);

/// Rooms whose members hear each other, wherever they are connected.
///
/// It is a cheap handle; the rooms are there while a clone is. Rooms are made when somebody joins or says something, and
/// an empty one goes when its place is needed.
///
/// ```
/// use hyperlane_realtime::{DeliveryKind, Hub, Joiner};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), hyperlane_realtime::HubError> {
/// let hub = Hub::new();
/// let mut ada = hub.join("lobby", "ada")?;
/// let bob = hub.join("lobby", Joiner::new("bob").meta(&"Bob")?)?;
/// bob.broadcast(&"hello")?;
///
/// let kinds = [ada.recv().await, ada.recv().await, ada.recv().await].map(|delivery| delivery.map(|d| d.kind()));
/// assert_eq!(kinds, [DeliveryKind::Joined, DeliveryKind::Join, DeliveryKind::Message].map(Some));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Hub(pub(crate) Arc<HubInner>);

pub(crate) struct HubInner {
    pub(crate) limits: Limits,
    pub(crate) rooms: Rooms,
    pub(crate) members: Members,
    pub(crate) order: Order,
    closed: AtomicBool,
}

/// Who gives messages their places.
pub(crate) enum Order {
    /// This process: a log that is its own, and the number of the last message.
    Local { log: u64, last: AtomicU64 },
    /// The log of a backplane.
    Linked(Arc<Shared>),
}

impl Hub {
    /// A hub in this process alone, with the default limits.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A hub with other limits, or with a backplane.
    pub fn builder() -> HubBuilder {
        HubBuilder::new()
    }

    pub(crate) fn local(limits: Limits) -> Self {
        let log = now_ms();
        let last = AtomicU64::new(0);
        Self::with(limits, Position::new(log, 0), Order::Local { log, last })
    }

    #[track_caller]
    pub(crate) fn linked(limits: Limits, backplane: Box<dyn Backplane>) -> Self {
        let shared = Arc::new(Shared::new(&limits));
        let hub = Self::with(limits, Position::START, Order::Linked(Arc::clone(&shared)));
        tokio::spawn(driver::drive(Arc::downgrade(&hub.0), shared, backplane));
        hub
    }

    fn with(limits: Limits, forgotten: Position, order: Order) -> Self {
        Self(Arc::new(HubInner {
            limits,
            rooms: Rooms::new(forgotten),
            members: Members::default(),
            order,
            closed: AtomicBool::new(false),
        }))
    }

    /// A connection of a member to a room: what is said there is received from it. Dropped, it leaves.
    ///
    /// The id of the member is the application's: who logged in, say. Several connections of one id are one member.
    ///
    /// # Errors
    ///
    /// The hub is closed, a name is empty or has more than 256 bytes, or there is no room for another room or connection.
    pub fn join(&self, room: impl Into<Arc<str>>, joiner: impl Into<Joiner>) -> Result<Member, HubError> {
        Member::join(self, &room.into(), &joiner.into())
    }

    /// A room, to speak to it and to see who is there.
    pub fn room(&self, name: impl Into<Arc<str>>) -> Room {
        Room::new(self.clone(), name.into())
    }

    /// Sends a value to all connections of a member, at all nodes. It is not kept: a member that is not connected does
    /// not get it.
    ///
    /// # Errors
    ///
    /// The value is larger than a message may be, or no JSON; the hub is closed; too much waits for the other nodes.
    pub fn send_to<T: Serialize + ?Sized>(&self, member: impl Into<Arc<str>>, value: &T) -> Result<(), HubError> {
        self.0.send_direct(&member.into(), None, value)
    }

    /// Ends the connections that a member has in this process, after what waits for them. True: there were some.
    pub fn disconnect(&self, member: &str) -> bool {
        let outlets = self.0.members.of(member);
        outlets.iter().for_each(|outlet| outlet.close(Closed::Sent));
        !outlets.is_empty()
    }

    /// Whether the other nodes of the backplane are heard; always true without one.
    pub fn is_online(&self) -> bool {
        match &self.0.order {
            Order::Local { .. } => true,
            Order::Linked(shared) => shared.lock().up,
        }
    }

    /// Waits until the other nodes are heard; a server that waits for it before it listens knows the history when the
    /// first member comes. Without a backplane it is ready at once.
    pub async fn online(&self) {
        if let Order::Linked(shared) = &self.0.order {
            shared.online().await;
        }
    }

    /// Ends the connections of all members, and tells the other nodes, for which it waits up to 2 s. Nobody can join
    /// afterwards.
    pub async fn close(&self) {
        if self.0.closed.swap(true, Ordering::SeqCst) {
            return;
        }
        for outlet in self.0.members.all() {
            outlet.close(Closed::Hub);
        }
        if let Order::Linked(shared) = &self.0.order {
            shared.lock().tell(&Body::Bye, &self.0.limits);
            shared.changed.notify_waiters();
            if shared.lock().up {
                let _ = tokio::time::timeout(CLOSE_PATIENCE, shared.flushed()).await;
                // A process that leads the others has its entries at once, and hands them on.
                tokio::time::sleep(HAND_ON).await;
            }
            shared.ended.notify_one();
        }
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

impl HubInner {
    pub(crate) fn check_name(what: &'static str, name: &str) -> Result<(), HubError> {
        match name.len() {
            1..=NAME_BYTES => Ok(()),
            _ => Err(HubError::new(Kind::Name {
                what,
                limit: NAME_BYTES,
            })),
        }
    }

    pub(crate) fn check_open(&self) -> Result<(), HubError> {
        match self.closed.load(Ordering::SeqCst) {
            true => Err(HubError::new(Kind::Closed)),
            false => Ok(()),
        }
    }

    /// A value as JSON of a bounded size.
    pub(crate) fn json<T: Serialize + ?Sized>(
        what: &'static str,
        value: &T,
        limit: usize,
    ) -> Result<Arc<RawValue>, HubError> {
        let json = to_raw_value(value).map_err(|error| HubError::new(Kind::Json(error)))?;
        let bytes = json.get().len();
        if bytes > limit {
            return Err(HubError::new(Kind::TooLarge { what, bytes, limit }));
        }
        Ok(json.into())
    }

    /// Says something to a room.
    pub(crate) fn say<T: Serialize + ?Sized>(
        &self,
        room: &Arc<str>,
        from: Option<&Arc<str>>,
        value: &T,
    ) -> Result<(), HubError> {
        self.check_open()?;
        Self::check_name("name of a room", room)?;
        let data = Self::json("message", value, self.limits.message_bytes)?;
        let at = now_ms();
        let room = match &self.order {
            Order::Local { log, last } => {
                let number_of = || last.fetch_add(1, Ordering::SeqCst) + 1;
                self.post_message(room, from, at, &data, || {
                    let number = number_of();
                    let position = Some(Position::new(*log, number));
                    let token = Token {
                        position: Position::new(*log, number),
                        own: None,
                    };
                    let origin = Origin { node: *log, number };
                    (
                        token,
                        Place {
                            position,
                            origin,
                            is_old: false,
                        },
                    )
                })?
            }
            Order::Linked(shared) => {
                let body = Body::Say {
                    room: Arc::clone(room),
                    from: from.cloned(),
                    data: Arc::clone(&data),
                };
                let mut link = shared.lock();
                let said = link.say(at, &body, &self.limits)?;
                let room = match said {
                    Said::ByLog => None,
                    // Under the lock of the link, so that ids are handed out in their order.
                    Said::Now { origin, token } => {
                        let place = Place {
                            position: None,
                            origin,
                            is_old: false,
                        };
                        self.post_message(room, from, at, &data, || (token, place))?
                    }
                };
                drop(link);
                shared.changed.notify_waiters();
                room
            }
        };
        if let Some(room) = room {
            room.fan_out(&self.limits);
        }
        Ok(())
    }

    /// Adds a message to a room. `None`: nobody is there to hear it or to remember it.
    pub(crate) fn post_message(
        &self,
        room: &Arc<str>,
        from: Option<&Arc<str>>,
        at: u64,
        data: &RawValue,
        place: impl FnOnce() -> (Token, Place),
    ) -> Result<Option<Arc<RoomInner>>, HubError> {
        loop {
            let room = if self.limits.history_messages > 0 {
                self.rooms.open(room, &self.limits)?
            } else if let Some(room) = self.rooms.get(room) {
                room
            } else {
                return Ok(None);
            };
            let mut state = room.lock();
            if state.removed {
                continue;
            }
            let (token, place) = place();
            let delivery = Delivery::message(token, place, &room.name, from, at, data.get());
            room.post(&state, &delivery);
            let age = Duration::from_millis(now_ms().saturating_sub(at));
            let Place { position, origin, .. } = place;
            state.history.push(position, origin, delivery, age, &self.limits);
            drop(state);
            return Ok(Some(room));
        }
    }

    pub(crate) fn send_direct<T: Serialize + ?Sized>(
        &self,
        to: &Arc<str>,
        from: Option<&Arc<str>>,
        value: &T,
    ) -> Result<(), HubError> {
        self.check_open()?;
        Self::check_name("id of a member", to)?;
        let data = Self::json("message", value, self.limits.message_bytes)?;
        let at = now_ms();
        if let Order::Linked(shared) = &self.order {
            let body = Body::Direct {
                to: Arc::clone(to),
                from: from.cloned(),
                data: Arc::clone(&data),
            };
            let said = shared.lock().say(at, &body, &self.limits)?;
            shared.changed.notify_waiters();
            if matches!(said, Said::ByLog) {
                return Ok(());
            }
        }
        self.post_direct(to, from, at, &data);
        Ok(())
    }

    pub(crate) fn post_direct(&self, to: &str, from: Option<&Arc<str>>, at: u64, data: &RawValue) {
        let outlets = self.members.of(to);
        if outlets.is_empty() {
            return;
        }
        let delivery = Delivery::direct(from, at, data.get());
        let wakers = outlets.iter().filter_map(|outlet| outlet.push(&delivery, &self.limits));
        wakers.for_each(std::task::Waker::wake);
    }

    /// Tells all members of this process.
    pub(crate) fn post_to_all(&self, delivery: &Delivery) {
        for outlet in self.members.all() {
            if let Some(waker) = outlet.push(delivery, &self.limits) {
                waker.wake();
            }
        }
    }
}

impl Drop for HubInner {
    fn drop(&mut self) {
        if let Order::Linked(shared) = &self.order {
            shared.ended.notify_one();
        }
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub")
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for HubInner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HubInner")
    }
}
