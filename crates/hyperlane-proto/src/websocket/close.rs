//! Why a connection is closed: codes and reasons (RFC 6455 §7.4).

use std::fmt;

use super::{CONTROL_PAYLOAD, Error, ErrorKind};

/// The bytes of a code.
const CODE_BYTES: usize = 2;

/// Why a connection is closed, as a number (RFC 6455 §7.4.1).
///
/// ```
/// use hyperlane_proto::websocket::CloseCode;
///
/// assert!(CloseCode::NORMAL.is_sendable() && CloseCode::from(4001).is_sendable());
/// // "No status received" is what an API says, and never on the wire.
/// assert!(!CloseCode::NO_STATUS.is_sendable());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// 1000: what the connection was for is done.
    pub const NORMAL: Self = Self(1000);
    /// 1001: a server that shuts down, or a page that is left.
    pub const GOING_AWAY: Self = Self(1001);
    /// 1002: the peer broke the protocol.
    pub const PROTOCOL: Self = Self(1002);
    /// 1003: a kind of data that can't be accepted, as binary where text is expected.
    pub const UNSUPPORTED: Self = Self(1003);
    /// 1005: stands for a close frame without a code; it is never sent.
    pub const NO_STATUS: Self = Self(1005);
    /// 1006: stands for an end without a close frame; it is never sent.
    pub const ABNORMAL: Self = Self(1006);
    /// 1007: data that is not what its type says, as text that is no UTF-8.
    pub const INVALID_DATA: Self = Self(1007);
    /// 1008: a message that breaks a rule of the application.
    pub const POLICY: Self = Self(1008);
    /// 1009: a message that is too large.
    pub const TOO_LARGE: Self = Self(1009);
    /// 1010: a client that misses an extension.
    pub const EXTENSION_MISSING: Self = Self(1010);
    /// 1011: the server failed.
    pub const INTERNAL: Self = Self(1011);
    /// 1012: the server restarts.
    pub const RESTART: Self = Self(1012);
    /// 1013: the server is overloaded, and the client may come again.
    pub const TRY_AGAIN: Self = Self(1013);

    /// The number.
    pub fn as_u16(self) -> u16 {
        self.0
    }

    /// Whether it may stand in a close frame: a registered one that is not for APIs alone, one of a library or
    /// framework (3000–3999), or one of an application (4000–4999).
    pub fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

impl From<u16> for CloseCode {
    fn from(code: u16) -> Self {
        Self(code)
    }
}

impl PartialEq<u16> for CloseCode {
    fn eq(&self, code: &u16) -> bool {
        self.0 == *code
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}

/// The content of a close frame: a code, and words for whoever debugs (RFC 6455 §5.5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// Why.
    pub code: CloseCode,
    /// The same in words; often empty.
    pub reason: String,
}

impl CloseFrame {
    /// The most bytes of a reason: what a control frame has room for behind the code.
    pub const MAX_REASON: usize = CONTROL_PAYLOAD - CODE_BYTES;

    /// A frame of this code and reason.
    pub fn new(code: impl Into<CloseCode>, reason: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            reason: reason.into(),
        }
    }

    /// Whether it may be sent: its code [may](CloseCode::is_sendable), and its reason fits.
    pub fn is_sendable(&self) -> bool {
        self.code.is_sendable() && self.reason.len() <= Self::MAX_REASON
    }

    /// The payload. A reason that does not fit is cut.
    pub fn to_payload(&self) -> Vec<u8> {
        let mut payload = self.code.0.to_be_bytes().to_vec();
        let end = floor_char_boundary(&self.reason, Self::MAX_REASON);
        payload.extend_from_slice(self.reason.as_bytes().get(..end).unwrap_or_default());
        payload
    }

    /// Reads a payload; an empty one has no code.
    pub(super) fn parse(payload: &[u8]) -> Result<Option<Self>, Error> {
        let Some((code, reason)) = payload.split_first_chunk::<CODE_BYTES>() else {
            return match payload {
                [] => Ok(None),
                _ => Err(Error::new(ErrorKind::TruncatedCloseCode)),
            };
        };
        let code = CloseCode(u16::from_be_bytes(*code));
        if !code.is_sendable() {
            return Err(Error::new(ErrorKind::InvalidCloseCode));
        }
        let reason = std::str::from_utf8(reason).map_err(|_| Error::new(ErrorKind::InvalidUtf8))?;
        Ok(Some(Self::new(code, reason)))
    }
}

/// The last end of a character at or before `most`.
fn floor_char_boundary(text: &str, most: usize) -> usize {
    if most >= text.len() {
        return text.len();
    }
    (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_between_characters() {
        let frame = CloseFrame::new(1000, "ü".repeat(62));
        assert!(!frame.is_sendable());
        assert_eq!(frame.to_payload().len(), 2 + 122);
    }

    #[test]
    fn codes_are_sendable_or_not_as_the_registry_says() {
        for code in [1000, 1001, 1002, 1003, 1007, 1014, 3000, 3999, 4000, 4999] {
            assert!(CloseCode::from(code).is_sendable(), "{code}");
        }
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535] {
            assert!(!CloseCode::from(code).is_sendable(), "{code}");
        }
    }
}
