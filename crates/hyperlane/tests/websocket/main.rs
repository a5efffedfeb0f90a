//! WebSocket as an application has it: over the engine that serves, in memory or on a port.

#![expect(
    clippy::unwrap_used,
    reason = "how a test says what must hold, in its helpers as well"
)]

mod closing;
mod conformance;
mod halves;
mod handshake;
mod hostile;
#[cfg(feature = "http2")]
mod http2;
mod interop;
mod keep_alive;
mod messages;
mod raw;
mod shutdown;
mod tools;
