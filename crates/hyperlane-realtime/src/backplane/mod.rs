//! How a hub spans several nodes: they share a log.
//!
//! A backplane is nothing but that: entries that are appended by any node are handed to all nodes, the appending one
//! among them, in one order and with their [`Position`]s, and a node that was away reads on where it was. All else
//! (rooms, presence, history, what is said twice) is the hub's, and the same for every backplane.
//!
//! | | spans | where the log is | survives |
//! |---|---|---|---|
//! | none | one process | in memory | |
//! | `Unix` (feature `unix`) | the processes of a machine | in the memory of each | the end of any process but the last |
//! | `Redis` (feature `redis`) | servers | a stream of Redis | what Redis survives |
//! | `Nats` (feature `nats`) | servers | a stream of JetStream | what JetStream survives |
//!
//! # What is promised
//!
//! A message that was accepted is appended at least once, by its node, which tries until it sees it in the log. Every
//! message bears its node and number, by which each node drops what it had: together, each node hands it to its members
//! exactly once, as long as the log reaches back to where that node was. Where it does not, members are told that they
//! missed something. While a node is cut off, its members hear each other at once, and are told so; when it is back, the
//! others hear what was said, and nobody hears anything twice. A process that dies takes along what it had not appended.

pub(crate) mod entry;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "unix")]
mod unix;

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use hyperlane::Bytes;

#[cfg(feature = "nats")]
pub use self::nats::Nats;
#[cfg(feature = "redis")]
pub use self::redis::Redis;
#[cfg(feature = "unix")]
pub use self::unix::Unix;
use crate::hub::HubInner;
use crate::link::Shared;
pub use crate::position::Position;

/// Why a session with a backplane ended.
pub type BackplaneError = Box<dyn StdError + Send + Sync>;

/// The future of a [session](Backplane::session).
pub type Session<'a> = Pin<Box<dyn Future<Output = Result<(), BackplaneError>> + Send + 'a>>;

/// A log that several nodes share.
///
/// An implementation connects, and says everything through the [`Link`]:
///
/// 1. [`resume`](Link::resume) tells where the hub is. The session begins behind it, or, where it is `None`, with the
///    last [`backlog`](Link::backlog) entries; it says so by [`begin`](Link::begin).
/// 2. It [delivers](Link::deliver) what is there, and says [`caught_up`](Link::caught_up).
/// 3. From then on it delivers what comes, and appends what [`outgoing`](Link::outgoing) gives, in that order. What could
///    not be appended is given again in the next session.
///
/// It returns when the connection is lost; the hub begins anew, after 100 ms, and then ever later up to 5 s.
pub trait Backplane: Send + Sync + 'static {
    /// One connection to the log, from its beginning to its end.
    fn session<'a>(&'a self, link: &'a Link) -> Session<'a>;
}

/// The hub, as its backplane sees it.
#[derive(Debug)]
pub struct Link {
    pub(crate) hub: Weak<HubInner>,
    pub(crate) shared: Arc<Shared>,
}

impl Link {
    /// The place of the last entry that was delivered; `None` for a hub that is new.
    pub fn resume(&self) -> Option<Position> {
        self.shared.resume()
    }

    /// How many of the last entries a new hub wants.
    pub fn backlog(&self) -> usize {
        self.shared.backlog()
    }

    /// Says that what is delivered from now on is everything that the log holds behind this place.
    pub fn begin(&self, after: Position) {
        if let Some(hub) = self.hub.upgrade() {
            hub.begin(&self.shared, after);
        }
    }

    /// Delivers an entry. Entries that were delivered before are passed over.
    pub fn deliver(&self, position: Position, entry: &[u8]) {
        if let Some(hub) = self.hub.upgrade() {
            hub.take_entry(&self.shared, position, entry);
        }
    }

    /// Says that all was delivered that was in the log when the session began.
    pub fn caught_up(&self) {
        if let Some(hub) = self.hub.upgrade() {
            hub.go_online(&self.shared);
        }
    }

    /// Waits for the next entries to append, and gives as many as there are, up to a limit.
    ///
    /// # Cancel safety
    ///
    /// Entries are either returned or still there.
    pub async fn outgoing(&self, limit: usize) -> Vec<Bytes> {
        self.shared.outgoing(limit).await
    }
}
