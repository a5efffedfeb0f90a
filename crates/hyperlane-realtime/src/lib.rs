//! A hub with rooms, presence, history and direct messages, over WebSocket and server-sent events.
//!
//! A [`Hub`] has rooms; a [`Member`] is a connection of somebody to some of them, and receives [`Delivery`]s: what is
//! said there, who comes and goes. [`serve_websocket`] and [`sse`] carry them to a client. In the walk of a request it
//! stands at the handler. With a [`backplane`] the hub spans many processes, and no handler changes.
//!
//! ```
//! use hyperlane::testing::TestClient;
//! use hyperlane::websocket::WebSocketUpgrade;
//! use hyperlane::{Error, Path, Response, Server, State};
//! use hyperlane_realtime::{Hub, serve_websocket};
//!
//! async fn enter(upgrade: WebSocketUpgrade, Path(name): Path<String>, State(hub): State<Hub>) -> Result<Response, Error> {
//!     let member = hub.join("lobby", name)?;
//!     Ok(upgrade.on_upgrade(async |socket| serve_websocket(socket, member).await))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let server = Server::new();
//! server.state(Hub::new()).get("/lobby/{name}", enter);
//! let mut ada = TestClient::new(server).websocket("/lobby/ada").await;
//! assert!(ada.text().await.starts_with(r#"{"type":"joined""#));
//! ada.send("hello").await;
//! assert!(ada.text().await.ends_with(r#""data":"hello"}"#));
//! # }
//! ```
//!
//! # What it costs
//!
//! A message is written as JSON once; all queues, the history, WebSockets and event streams share it. To bring it to its
//! members takes no lock that other rooms need, and none across an await. A WebSocket that compresses does so for itself:
//! leave compression off where rooms are large. An idle member takes about 450 bytes, without its connection.
//!
//! # Limits
//!
//! | | default | set by |
//! |---|---|---|
//! | what waits for a member | 256 messages, 1 MiB; then the oldest are dropped, and it is told how many | [`queue_messages`](HubBuilder::queue_messages), [`queue_bytes`](HubBuilder::queue_bytes), [`slow`](HubBuilder::slow) |
//! | what a room remembers | 100 messages, 256 KiB, an hour | [`history_messages`](HubBuilder::history_messages), [`history_bytes`](HubBuilder::history_bytes), [`history_age`](HubBuilder::history_age) |
//! | a message | 64 KiB of JSON | [`message_bytes`](HubBuilder::message_bytes) |
//! | what is told of a member | 4 KiB of JSON | [`meta_bytes`](HubBuilder::meta_bytes) |
//! | names of rooms, ids of members | 256 bytes | |
//! | rooms | 10,000 | [`max_rooms`](HubBuilder::max_rooms) |
//! | connections in a room, of one process | 100,000 | [`max_members`](HubBuilder::max_members) |
//! | coming and going is told | in rooms of up to 500 members | [`presence_events`](HubBuilder::presence_events) |
//! | what waits for the other nodes | 4,096 messages, 4 MiB | [`outbox_messages`](HubBuilder::outbox_messages) |
//! | a node that is silent | is taken for gone after 15 s | [`node_timeout`](HubBuilder::node_timeout) |
//!
//! Reasons stand with each.

pub mod backplane;
mod config;
mod delivery;
mod driver;
mod error;
mod history;
mod hub;
mod link;
mod member;
mod nodes;
mod outlet;
mod position;
mod presence;
mod room;
mod room_inner;
mod rooms;
mod sse;
mod websocket;

pub use config::{HubBuilder, SlowPolicy};
pub use delivery::{Delivery, DeliveryKind};
pub use error::HubError;
pub use hub::Hub;
pub use member::{Joiner, Member, Speaker};
pub use outlet::Closed;
pub use presence::Present;
pub use room::Room;
pub use sse::sse;
pub use websocket::{serve_websocket, serve_websocket_with};

/// The programs of the guide, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/realtime.md")]
struct Guide;

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
