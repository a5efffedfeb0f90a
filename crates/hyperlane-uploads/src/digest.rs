//! `Content-Digest` and `Repr-Digest` of uploads (RFC 9530): what a client says that it sends.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyperlane::HeaderMap;

use crate::error::{UploadError, UploadErrorKind};

/// A field of digests is short; a longer one is not looked at.
const MAX_FIELD: usize = 1024;

/// The digests that a client sent and that we know. Others are no promise that we could check (§2), and pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) sha256: Vec<Vec<u8>>,
    pub(crate) sha512: Vec<Vec<u8>>,
}

impl Expected {
    /// What headers, or the trailer fields behind a body, say. Both fields mean the same bytes here, since a request
    /// with a content coding or a range is refused before.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, UploadError> {
        let invalid = || UploadError::new(UploadErrorKind::InvalidDigest);
        let mut expected = Self::default();
        for name in ["content-digest", "repr-digest"] {
            for value in headers.get_all(name) {
                let text = value.to_str().map_err(|_| invalid())?;
                if text.len() > MAX_FIELD {
                    return Err(invalid());
                }
                for member in text.split(',').map(str::trim) {
                    let (key, bytes) = read_member(member).ok_or_else(invalid)?;
                    match (key, bytes.len()) {
                        ("sha-256", 32) => expected.sha256.push(bytes),
                        ("sha-512", 64) => expected.sha512.push(bytes),
                        ("sha-256" | "sha-512", _) => return Err(invalid()),
                        _ => {}
                    }
                }
            }
        }
        Ok(expected)
    }

    pub(crate) fn check(&self, sha256: &[u8], sha512: Option<&[u8]>) -> Result<(), UploadError> {
        let same = self.sha256.iter().all(|wanted| wanted == sha256)
            && sha512.is_none_or(|sum| self.sha512.iter().all(|wanted| wanted == sum));
        if same {
            return Ok(());
        }
        Err(UploadError::new(UploadErrorKind::DigestMismatch))
    }
}

/// A member of a dictionary whose value is a byte sequence (RFC 9651 §3.2, §3.3.5); parameters are not for us.
fn read_member(member: &str) -> Option<(&str, Vec<u8>)> {
    let (key, value) = member.split_once('=')?;
    let key_is_valid = !key.is_empty()
        && key
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*'));
    let (text, _parameters) = value.strip_prefix(':')?.split_once(':')?;
    key_is_valid.then_some((key, STANDARD.decode(text).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Result<Expected, UploadError> {
        let mut headers = HeaderMap::new();
        headers.insert("content-digest", value.try_into().unwrap());
        Expected::read(&headers)
    }

    // RFC 9530 §2, §5.
    #[test]
    fn known_digests_are_read_and_unknown_ones_pass() {
        let sum = STANDARD.encode([7; 32]);
        let expected = read(&format!("md5=:AAAA:, sha-256=:{sum}:")).unwrap();
        assert_eq!(expected.sha256, [vec![7; 32]]);
        assert!(expected.check(&[7; 32], None).is_ok());
        assert!(expected.check(&[8; 32], None).is_err());
    }

    #[test]
    fn broken_digests_are_refused() {
        for value in [
            "sha-256",
            "sha-256=abc",
            "sha-256=:AAAA:",
            "sha-256=:?:",
            "SHA-256=:AAAA:",
            "=:AAAA:",
            "",
        ] {
            assert!(read(value).is_err(), "{value}");
        }
    }
}
