//! The identifier in the cookie, and the key in the store that is made of it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Random bytes of an identifier.
const RANDOM: usize = 32;
/// Their length as text.
const LENGTH: usize = 43;

/// What the cookie holds: 256 random bits. Who knows it has the session.
#[derive(Clone)]
pub(super) struct SessionId(String);

impl SessionId {
    /// A new one, out of the system's random numbers.
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; RANDOM];
        getrandom::fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// One that a client sent, if it can be one of ours at all.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (text.len() == LENGTH && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn key(&self) -> SessionKey {
        SessionKey(URL_SAFE_NO_PAD.encode(Sha256::digest(self.0.as_bytes())))
    }
}

/// Under what a [`SessionStore`](super::SessionStore) keeps a session: a hash of the identifier in the cookie, which
/// can't be made of it again.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey(String);

impl SessionKey {
    /// The key as 43 characters out of `A–Z a–z 0–9 - _`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionKey").field(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_differ_and_can_be_parsed_again() {
        let ids: std::collections::HashSet<_> = (0..1000)
            .map(|_| SessionId::random().expect("the system has random numbers").0)
            .collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| SessionId::parse(id).is_some()));
    }

    #[test]
    fn what_can_be_no_identifier_is_not_looked_up() {
        for text in [
            "",
            "short",
            &"a".repeat(42),
            &"a".repeat(44),
            &"\"".repeat(43),
            &"é".repeat(22),
        ] {
            assert!(SessionId::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_key_does_not_hold_the_identifier() {
        let id = SessionId::parse(&"a".repeat(43)).expect("well formed");
        assert_eq!(id.key().as_str().len(), 43);
        assert_ne!(id.key().as_str(), id.as_str());
    }
}
