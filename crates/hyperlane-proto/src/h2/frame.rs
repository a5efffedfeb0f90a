//! The head of a frame, and the names of kinds and codes (RFC 9113 §4.1, §6, §7).

/// What a client sends first (RFC 9113 §3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(super) const HEAD_BYTES: usize = 9;

pub(super) mod kind {
    pub(in crate::h2) const DATA: u8 = 0;
    pub(in crate::h2) const HEADERS: u8 = 1;
    pub(in crate::h2) const PRIORITY: u8 = 2;
    pub(in crate::h2) const RST_STREAM: u8 = 3;
    pub(in crate::h2) const SETTINGS: u8 = 4;
    pub(in crate::h2) const PUSH_PROMISE: u8 = 5;
    pub(in crate::h2) const PING: u8 = 6;
    pub(in crate::h2) const GOAWAY: u8 = 7;
    pub(in crate::h2) const WINDOW_UPDATE: u8 = 8;
    pub(in crate::h2) const CONTINUATION: u8 = 9;
}

pub(super) mod flag {
    /// Of DATA and HEADERS.
    pub(in crate::h2) const END_STREAM: u8 = 1;
    /// Of SETTINGS and PING.
    pub(in crate::h2) const ACK: u8 = 1;
    pub(in crate::h2) const END_HEADERS: u8 = 4;
    pub(in crate::h2) const PADDED: u8 = 8;
    pub(in crate::h2) const PRIORITY: u8 = 0x20;
}

/// The nine bytes before a payload.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Head {
    pub(super) length: u32,
    pub(super) kind: u8,
    flags: u8,
    pub(super) stream: u32,
}

impl Head {
    pub(super) fn parse(bytes: [u8; HEAD_BYTES]) -> Self {
        let [a, b, c, kind, flags, s1, s2, s3, s4] = bytes;
        Self {
            length: u32::from_be_bytes([0, a, b, c]),
            kind,
            flags,
            // The first bit is reserved, and ignored (RFC 9113 §4.1).
            stream: u32::from_be_bytes([s1, s2, s3, s4]) & 0x7fff_ffff,
        }
    }

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether it ends its stream's half. The bit means something else in other kinds.
    pub(super) fn ends_stream(&self) -> bool {
        matches!(self.kind, kind::DATA | kind::HEADERS) && self.has(flag::END_STREAM)
    }
}

/// The error codes of RFC 9113 §7 that are used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The connection ends without an error.
    NoError = 0,
    /// The peer broke a rule that has no code of its own.
    ProtocolError = 1,
    /// A window would grow past its limit (§6.9).
    FlowControlError = 3,
    /// A frame came for a stream that was ended (§5.1).
    StreamClosed = 5,
    /// A frame has a length that its kind can't have (§4.2).
    FrameSizeError = 6,
    /// A field block can't be decoded (§4.3).
    CompressionError = 9,
    /// The peer sends what looks like a flood.
    EnhanceYourCalm = 11,
}
