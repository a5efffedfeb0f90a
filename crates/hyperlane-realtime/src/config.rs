//! The limits of a hub, each with its default and its reason.

use std::time::Duration;

use crate::backplane::Backplane;
use crate::hub::Hub;

/// What becomes of a member that takes its messages more slowly than they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlowPolicy {
    /// The oldest that wait are dropped: who is late sees what is new. The default, since it can't make a crowd come
    /// back all at once.
    #[default]
    DropOldest,
    /// What comes is dropped until there is a place again.
    DropNewest,
    /// The member's connection ends. A WebSocket is closed with 1013 (try again later) and not with 1008, which tells a
    /// client that it did wrong: it may come back, and gets from the history what it missed.
    Disconnect,
}

/// Settings of a [`Hub`], from [`Hub::builder`].
///
/// ```
/// use hyperlane_realtime::{Hub, SlowPolicy};
///
/// let hub = Hub::builder().queue_messages(64).slow(SlowPolicy::Disconnect).build();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a hub is made by `build`"]
pub struct HubBuilder {
    pub(crate) limits: Limits,
}

#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) queue_messages: usize,
    pub(crate) queue_bytes: usize,
    pub(crate) slow: SlowPolicy,
    pub(crate) history_messages: usize,
    pub(crate) history_bytes: usize,
    pub(crate) history_age: Duration,
    pub(crate) message_bytes: usize,
    pub(crate) meta_bytes: usize,
    pub(crate) rooms: usize,
    pub(crate) members: usize,
    pub(crate) presence_events: usize,
    pub(crate) outbox_messages: usize,
    pub(crate) outbox_bytes: usize,
    pub(crate) backlog: usize,
    pub(crate) heartbeat: Duration,
    pub(crate) node_timeout: Duration,
}

/// A name is in every message: as much as a mail address can have.
pub(crate) const NAME_BYTES: usize = 256;

impl HubBuilder {
    pub(crate) fn new() -> Self {
        Self {
            limits: Limits {
                queue_messages: 256,
                queue_bytes: 1024 * 1024,
                slow: SlowPolicy::default(),
                history_messages: 100,
                history_bytes: 256 * 1024,
                history_age: Duration::from_secs(3600),
                message_bytes: 64 * 1024,
                meta_bytes: 4 * 1024,
                rooms: 10_000,
                members: 100_000,
                presence_events: 500,
                outbox_messages: 4096,
                outbox_bytes: 4 * 1024 * 1024,
                backlog: 1000,
                heartbeat: Duration::from_secs(5),
                node_timeout: Duration::from_secs(15),
            },
        }
    }

    /// How many messages may wait for a member, at least one. Default: 256, some seconds of a lively room.
    pub fn queue_messages(mut self, number: usize) -> Self {
        self.limits.queue_messages = number.max(1);
        self
    }

    /// How many bytes of messages may wait for a member; a single larger one still may. Default: 1,048,576 (1 MiB). The
    /// messages are shared, so that a thousand slow members of one room hold them once.
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.limits.queue_bytes = bytes;
        self
    }

    /// What becomes of members that are too slow. Default: [`SlowPolicy::DropOldest`].
    pub fn slow(mut self, policy: SlowPolicy) -> Self {
        self.limits.slow = policy;
        self
    }

    /// How many messages of each room are kept. Default: 100, a screen or two.
    pub fn history_messages(mut self, number: usize) -> Self {
        self.limits.history_messages = number;
        self
    }

    /// How many bytes of messages of each room are kept. Default: 262,144 (256 KiB): with all rooms in use, 2.5 GB at
    /// the very most.
    pub fn history_bytes(mut self, bytes: usize) -> Self {
        self.limits.history_bytes = bytes;
        self
    }

    /// How long messages are kept. Default: an hour.
    pub fn history_age(mut self, age: Duration) -> Self {
        self.limits.history_age = age;
        self
    }

    /// The most bytes of a message as JSON. Default: 65,536 (64 KiB): each is in many queues, and larger things are
    /// better told by their address.
    pub fn message_bytes(mut self, bytes: usize) -> Self {
        self.limits.message_bytes = bytes;
        self
    }

    /// The most bytes, as JSON, of what is told of a member. Default: 4,096: it goes to everybody in the room.
    pub fn meta_bytes(mut self, bytes: usize) -> Self {
        self.limits.meta_bytes = bytes;
        self
    }

    /// How many rooms there are at once; empty ones go first when a new one needs the place. Default: 10,000.
    pub fn max_rooms(mut self, number: usize) -> Self {
        self.limits.rooms = number.max(1);
        self
    }

    /// How many connections of this process may be in one room. Default: 100,000.
    pub fn max_members(mut self, number: usize) -> Self {
        self.limits.members = number.max(1);
        self
    }

    /// Up to how many members of a room their coming and going is told to each other. Default: 500: with more, each of
    /// them would be told of thousands of others. [`Room::presence`](crate::Room::presence) knows them all the same.
    pub fn presence_events(mut self, members: usize) -> Self {
        self.limits.presence_events = members;
        self
    }

    /// How many messages wait for the other nodes, while these can't be reached or are slow. Default: 4,096, and of
    /// these 4 MiB. What comes then is refused while the backplane is there, and told to the others as missed when it
    /// was away.
    pub fn outbox_messages(mut self, number: usize) -> Self {
        self.limits.outbox_messages = number.max(1);
        self
    }

    /// How many entries of the backplane's log a new node reads to know the history, at least one. Default: 1,000.
    pub fn backlog(mut self, entries: usize) -> Self {
        self.limits.backlog = entries.max(1);
        self
    }

    /// How often a node says to the others that it is there, and how long these wait before they take its members for
    /// gone. Default: every 5 s, and 15 s.
    pub fn node_timeout(mut self, heartbeat: Duration, timeout: Duration) -> Self {
        self.limits.heartbeat = heartbeat.max(Duration::from_millis(10));
        self.limits.node_timeout = timeout.max(self.limits.heartbeat);
        self
    }

    /// A hub in this process alone.
    pub fn build(self) -> Hub {
        Hub::local(self.limits)
    }

    /// A hub that spans all nodes of a backplane. It connects in the background, now and whenever it has to.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    #[track_caller]
    pub fn backplane(self, backplane: impl Backplane) -> Hub {
        Hub::linked(self.limits, Box::new(backplane))
    }
}
