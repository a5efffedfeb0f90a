//! WebSocket (RFC 6455), compressed where it is wanted (RFC 7692), over HTTP/1.1 and HTTP/2 (RFC 8441).
//!
//! In the walk of a request it stands at the handler and behind the response: [`WebSocketUpgrade`] checks the handshake
//! and makes the `101`; when that is written, the engine gives the connection away, and the handler's function gets a
//! [`WebSocket`]. The function runs in the connection's own task, within a driver that writes, reads ahead, answers
//! pings, and closes. The protocol itself is in `hyperlane-proto`.
//!
//! ```
//! use hyperlane::websocket::{Message, WebSocketUpgrade};
//! use hyperlane::{Response, Server};
//!
//! async fn echo(upgrade: WebSocketUpgrade) -> Response {
//!     upgrade.on_upgrade(async |mut socket| {
//!         while let Some(Ok(message)) = socket.recv().await {
//!             let Message::Text(text) = message else { continue };
//!             if socket.send(text).await.is_err() {
//!                 break;
//!             }
//!         }
//!     })
//! }
//!
//! let server = Server::new();
//! server.get("/echo", echo);
//! # #[cfg(feature = "testing")] {
//! # use hyperlane::testing::TestClient;
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().expect("it can be built").block_on(async {
//! let client = TestClient::new(server);
//! let mut socket = client.websocket("/echo").await;
//! socket.send("hello").await;
//! assert_eq!(socket.text().await, "hello");
//! # });
//! # }
//! ```
//!
//! # What holds without being asked for
//!
//! | | default |
//! |---|---|
//! | pages of other origins | refused with 403 |
//! | a message | up to 1 MiB, in up to 16,384 fragments |
//! | a silent peer | is asked after 30 s, and given up 20 s later |
//! | a peer that takes nothing | is given up after 30 s; meanwhile, who sends waits at 64 KiB |
//! | closing | waits 5 s for the peer to agree |
//! | the server's shutdown | closes with code 1001 |
//! | compression | off |

mod buffers;
#[cfg(feature = "testing")]
mod client;
mod connection;
mod driver;
mod error;
mod handshake;
mod message;
mod origin;
mod output;
mod settings;
mod socket;
mod upgrade;

pub use bytestring::ByteString;
#[cfg(feature = "testing")]
pub(crate) use client::client_socket;
pub use error::WebSocketError;
pub use handshake::UpgradeRejection;
pub use hyperlane_proto::websocket::{CloseCode, CloseFrame};
pub use message::Message;
pub use settings::Compression;
pub use socket::{WebSocket, WebSocketReceiver, WebSocketSender};
pub use upgrade::WebSocketUpgrade;

/// The programs of the guide, compiled.
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../../../../docs/guide/websocket.md")]
struct Guide;
