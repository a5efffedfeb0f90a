//! Server-sent events: a response that goes on, and a browser that comes back by itself (HTML standard, "Server-sent
//! events", §9.2).
//!
//! A handler returns [`Sse`], made of a stream of [`Event`]s or of a [channel](Sse::channel). An [`EventLog`] keeps the
//! last events for all who listen, so that a client that comes back with its [`LastEventId`] misses none. The events go
//! out as the response's body, step 9 of the walk.
//!
//! ```
//! use hyperlane::sse::{Event, EventLog, LastEventId, Sse};
//! use hyperlane::*;
//!
//! async fn feed(State(log): State<EventLog>, LastEventId(last): LastEventId) -> Sse {
//!     Sse::new(log.subscribe(last.as_deref()))
//! }
//!
//! async fn say(State(log): State<EventLog>, text: String) -> Result<(), Error> {
//!     log.publish(Event::new(text))?;
//!     Ok(())
//! }
//!
//! let server = Server::new();
//! server.state(EventLog::new()).get("/feed", feed).post("/say", say);
//! # assert!(server.build().is_ok());
//! ```
//!
//! # Ends
//!
//! When the client leaves, the stream of events is dropped. A client that is gone without a word is noticed by the
//! comments that keep the connection alive. When the server begins to shut down, event streams end by themselves, and
//! the browsers behind them connect elsewhere, or to the successor.

mod channel;
mod error;
mod event;
mod last_event_id;
mod log;
mod response;
mod subscription;

pub use channel::EventSender;
pub use error::EventError;
pub use event::Event;
pub use last_event_id::LastEventId;
pub use log::EventLog;
pub use response::Sse;
pub use subscription::{FallenBehind, Missed, Subscription};

/// The programs of the guide, compiled.
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../../../../docs/guide/server-sent-events.md")]
struct Guide;
