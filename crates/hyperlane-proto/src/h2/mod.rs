//! What stands before an HTTP/2 implementation: it looks at the frames that pass, and says where they must stop.
//!
//! Streams, flow control and header compression are the business of the implementation behind it. The
//! [`Inspector`] sees the bytes of both directions and keeps little: which streams are open, how large the
//! entries of the peer's compression table are, and how many frames of the kinds that cost more to take than to send
//! have come. It finds the errors of framing and of header compression before the frame with them is passed on, and
//! names the code that RFC 9113 and RFC 7541 ask for; and it finds floods.
//!
//! ```
//! use std::time::Duration;
//!
//! use hyperlane_proto::h2::{ErrorCode, Inspector, Limits, PREFACE};
//!
//! let mut inspector = Inspector::new(Limits::default());
//! assert!(inspector.received(PREFACE, Duration::ZERO).is_ok());
//! // A PING before the SETTINGS that must come first (RFC 9113 §3.4).
//! let ping = [0, 0, 8, 6, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
//! let stop = inspector.received(&ping, Duration::ZERO).unwrap_err();
//! assert_eq!(stop.violation.code, ErrorCode::ProtocolError);
//! assert!(stop.passable < ping.len());
//! ```

mod budget;
mod field_block;
mod frame;
mod heads;
mod huffman;
mod inspector;
mod outbound;
mod rules;
mod streams;

pub use budget::Budget;
pub use frame::{ErrorCode, PREFACE};
pub use inspector::{Inspector, Stop, Unfinished, Violation};

use std::fmt;

/// What the [`Inspector`] lets a peer do.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a frame's payload (`SETTINGS_MAX_FRAME_SIZE`). Default: 16,384, the least that RFC 9113 §4.2 allows.
    pub frame_bytes: u32,
    /// Bytes of an encoded field block over all its frames. Default: 65,536, four times the usual limit of a head.
    pub block_bytes: usize,
    /// Frames that cost more to take than to send (PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA, unknown
    /// kinds), at once. Default: 1,000.
    pub control_burst: u32,
    /// How many more of them a second. Default: 100.
    pub control_per_second: u32,
    /// Streams that end in a reset, by whichever side, at once. Default: 200, as many as are open at once.
    pub reset_burst: u32,
    /// How many more of them a second, besides one for each stream that ends well. Default: 20.
    pub reset_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes: 16_384,
            block_bytes: 65_536,
            control_burst: 1000,
            control_per_second: 100,
            reset_burst: 200,
            reset_per_second: 20,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why)
    }
}
