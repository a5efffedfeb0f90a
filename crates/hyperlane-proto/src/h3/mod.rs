//! What stands before an HTTP/3 implementation: it looks at the frames of one stream as they pass, and says where they
//! must stop.
//!
//! Flow control, streams and header compression are the business of the implementation behind it. The [`Inspector`]
//! sees to what that would have to keep in memory before it could refuse it (a frame of any length), and to rules on
//! pseudo-header fields that are lost once a field section was decoded.
//!
//! ```
//! use hyperlane_proto::h3::{ErrorCode, Inspector, Limits};
//!
//! let mut inspector = Inspector::of_request(Limits::default());
//! // HEADERS that announce 1 MiB (RFC 9114 §7.2.2).
//! let violation = inspector.received(&[0x01, 0x80, 0x10, 0x00, 0x00]).unwrap_err();
//! assert_eq!(violation.code, ErrorCode::ExcessiveLoad);
//! ```

mod field_section;
mod inspector;

pub use inspector::{Inspector, Violation};

/// What the [`Inspector`] lets a peer do.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of a frame that is kept until it is whole: all but DATA. Default: 65,536, four times the usual limit of a
    /// head, so much as a code that suits it badly may take.
    pub frame_bytes: u64,
    /// Frames of a stream that are of no known kind, or have no content. Default: 100, more than greasing
    /// (RFC 9114 §7.2.8) ever sends.
    pub idle_frames: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame_bytes: 64 * 1024,
            idle_frames: 100,
        }
    }
}

/// The codes of RFC 9114 §8.1 that a violation is answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorCode {
    /// A frame is not whole (§7.1): it concerns the connection.
    FrameError = 0x106,
    /// The peer does something that costs too much: it concerns the connection.
    ExcessiveLoad = 0x107,
    /// The message is malformed (§4.1.2): it concerns the stream.
    MessageError = 0x10e,
}
