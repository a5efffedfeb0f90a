//! WebSocket (RFC 6455) and its compression (RFC 7692) as values and bytes.
//!
//! What belongs to HTTP is the opening handshake: [`accept_key`] and the extensions' grammar
//! ([`parse_extensions`]). Behind it come frames: [`Decoder`] makes messages of the bytes that were
//! received, [`encode_head`] writes what stands before a payload. Who owns the socket, the timers and the
//! closing handshake is not here.
//!
//! The two promises of this crate hold: any split of the bytes gives the same events, and what a peer can
//! make the decoder hold is bounded by [`MessageLimits`]. Only where one compressed text is both no DEFLATE and
//! no UTF-8, either may be told; the code that the peer gets is the same.
//!
//! ```
//! use hyperlane_proto::websocket::{Decoder, Event, MessageLimits, Role};
//!
//! let mut decoder = Decoder::new(Role::Server, MessageLimits::default());
//! // "Hello" in one masked frame (RFC 6455 §5.7).
//! let mut received = *b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
//! let decoded = decoder.decode(&mut received)?;
//! assert_eq!(decoded.consumed, received.len());
//! assert_eq!(decoded.event, Some(Event::Text("Hello".to_owned())));
//! # Ok::<(), hyperlane_proto::websocket::Error>(())
//! ```

mod close;
mod decoder;
#[cfg(feature = "deflate")]
mod deflate;
mod error;
mod extension;
mod frame;
mod handshake;
mod mask;
#[cfg(feature = "deflate")]
mod negotiation;
mod utf8;

pub use close::{CloseCode, CloseFrame};
pub use decoder::{Decoded, Decoder, Event, MessageLimits};
#[cfg(feature = "deflate")]
pub use deflate::{Deflater, Inflater};
pub use error::{Error, ErrorKind};
pub use extension::{Extension, Parameter, parse_extensions};
pub use frame::{CONTROL_PAYLOAD, OpCode, Role, encode_head};
pub use handshake::{accept_key, is_valid_key};
pub use mask::apply_mask;
#[cfg(feature = "deflate")]
pub use negotiation::{DeflateAgreement, DeflateSettings};
