//! Where in the log of a hub something stands, and what a client says to go on from there.

use std::fmt;

/// A place in the log that all nodes of a hub share; later entries have greater ones.
///
/// The upper half tells one log from another that took its place (milliseconds since 1970 when it began, or, in Redis,
/// when the entry came), the lower half counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u128);

impl Position {
    /// Before everything.
    pub const START: Self = Self(0);

    /// The place that these halves make.
    pub const fn new(log: u64, number: u64) -> Self {
        Self(((log as u128) << 64) | number as u128)
    }

    /// The place right before this one.
    #[must_use]
    pub const fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The place right behind this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The upper half: which log.
    pub const fn log(self) -> u64 {
        (self.0 >> 64) as u64
    }

    /// The lower half: the number in that log.
    #[expect(clippy::cast_possible_truncation, reason = "it is the lower half")]
    pub const fn number(self) -> u64 {
        self.0 as u64
    }
}

/// As in an id that clients get: both halves in hexadecimal.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.log(), self.number())
    }
}

/// What a client has seen: the log up to a place and, where its node was cut off from the others, that node's own
/// messages up to a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) position: Position,
    pub(crate) own: Option<Origin>,
}

/// Who gave a message to the hub: a node, and the number of the message there. It names the message everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) node: u64,
    pub(crate) number: u64,
}

impl Token {
    /// Reads what a client sends. `None` for what no hub has written.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (position, own) = match text.split_once('~') {
            Some((position, own)) => (position, Some(own)),
            None => (text, None),
        };
        let (log, number) = hex_pair(position)?;
        let own = match own {
            Some(own) => {
                let (node, number) = hex_pair(own)?;
                Some(Origin { node, number })
            }
            None => None,
        };
        Some(Self {
            position: Position::new(log, number),
            own,
        })
    }

    /// Whether the client has seen a message that stands there; `None` is one that is in no log yet.
    pub(crate) fn covers(&self, position: Option<Position>, origin: Origin) -> bool {
        let in_own = |own: Origin| own.node == origin.node && origin.number <= own.number;
        position.is_some_and(|position| position <= self.position) || self.own.is_some_and(in_own)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.position)?;
        match self.own {
            Some(own) => write!(f, "~{:x}-{:x}", own.node, own.number),
            None => Ok(()),
        }
    }
}

fn hex_pair(text: &str) -> Option<(u64, u64)> {
    let (first, second) = text.split_once('-')?;
    Some((hex(first)?, hex(second)?))
}

fn hex(text: &str) -> Option<u64> {
    // `from_str_radix` would take a sign.
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    digits.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_is_written() {
        let position = Position::new(0x18c, u64::MAX);
        let plain = Token { position, own: None };
        let own = Some(Origin { node: 7, number: 255 });
        for token in [plain, Token { position, own }] {
            assert_eq!(Token::parse(&token.to_string()), Some(token));
        }
        assert_eq!(Token { position, own }.to_string(), "18c-ffffffffffffffff~7-ff");
    }

    #[test]
    fn what_no_hub_has_written_is_no_token() {
        for text in [
            "",
            "1",
            "-",
            "1-",
            "+1-2",
            "1-2~",
            "1-2~3",
            "g-1",
            "10000000000000000-1",
            "1-2-3",
        ] {
            assert_eq!(Token::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn positions_order_by_log_first() {
        assert!(Position::new(2, 1) > Position::new(1, u64::MAX));
        assert_eq!(Position::new(2, 1).log(), 2);
        assert_eq!(Position::new(2, 1).number(), 1);
    }
}
