//! What is wrong with a peer's frames, and with which code the connection is failed.

use std::fmt;

use super::CloseCode;

/// A fault in what a peer sent. After it nothing more is read of the connection (RFC 6455 §7.1.7).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    /// The limit that was exceeded, for kinds that are about one.
    limit: usize,
}

/// Which rule was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A reserved bit is set without an extension that gives it a meaning (RFC 6455 §5.2, RFC 7692 §6).
    ReservedBit,
    /// An opcode that means nothing (RFC 6455 §5.2).
    ReservedOpCode,
    /// A client's frame is not masked (RFC 6455 §5.1).
    NotMasked,
    /// A server's frame is masked (RFC 6455 §5.1).
    Masked,
    /// A length in more bytes than it needs (RFC 6455 §5.2).
    LengthNotMinimal,
    /// A length of more than 63 bits (RFC 6455 §5.2).
    LengthOverflow,
    /// A control frame in fragments (RFC 6455 §5.5).
    FragmentedControl,
    /// A control frame of more than 125 bytes (RFC 6455 §5.5).
    ControlTooLong,
    /// A continuation without a message to continue (RFC 6455 §5.4).
    UnexpectedContinuation,
    /// A new message before the one in fragments has ended (RFC 6455 §5.4).
    ExpectedContinuation,
    /// Text, or the reason of a close, that is no UTF-8 (RFC 6455 §8.1).
    InvalidUtf8,
    /// A close frame of one byte (RFC 6455 §5.5.1).
    TruncatedCloseCode,
    /// A code that must not be sent (RFC 6455 §7.4).
    InvalidCloseCode,
    /// A message that does not decompress (RFC 7692 §7.2.2).
    InvalidCompression,
    /// A message of more bytes than the limit.
    MessageTooLarge,
    /// A message of more fragments than the limit.
    TooManyFragments,
}

impl Error {
    pub(super) const fn new(kind: ErrorKind) -> Self {
        Self { kind, limit: 0 }
    }

    pub(super) const fn over(kind: ErrorKind, limit: usize) -> Self {
        Self { kind, limit }
    }

    /// Which rule was broken.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The code that tells the peer (RFC 6455 §7.4.1).
    pub fn close_code(&self) -> CloseCode {
        match self.kind {
            ErrorKind::InvalidUtf8 | ErrorKind::InvalidCompression => CloseCode::INVALID_DATA,
            ErrorKind::MessageTooLarge => CloseCode::TOO_LARGE,
            ErrorKind::TooManyFragments => CloseCode::POLICY,
            _ => CloseCode::PROTOCOL,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit;
        f.write_str(match self.kind {
            ErrorKind::ReservedBit => "frame has a reserved bit set",
            ErrorKind::ReservedOpCode => "frame has a reserved opcode",
            ErrorKind::NotMasked => "frame of a client is not masked",
            ErrorKind::Masked => "frame of a server is masked",
            ErrorKind::LengthNotMinimal => "frame has a length in more bytes than it needs",
            ErrorKind::LengthOverflow => "frame has a length of more than 63 bits",
            ErrorKind::FragmentedControl => "control frame is fragmented",
            ErrorKind::ControlTooLong => "control frame exceeds 125 bytes",
            ErrorKind::UnexpectedContinuation => "continuation frame without a message to continue",
            ErrorKind::ExpectedContinuation => "message begins before the fragmented one has ended",
            ErrorKind::InvalidUtf8 => "text is not utf-8",
            ErrorKind::TruncatedCloseCode => "close frame has one byte, which is no code",
            ErrorKind::InvalidCloseCode => "close frame has a code that must not be sent",
            ErrorKind::InvalidCompression => "message does not decompress",
            ErrorKind::MessageTooLarge => return write!(f, "message exceeds {limit} bytes"),
            ErrorKind::TooManyFragments => return write!(f, "message exceeds {limit} fragments"),
        })
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}: {self})", self.kind)
    }
}

impl std::error::Error for Error {}
