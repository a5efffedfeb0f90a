//! `Upload-Metadata`: what a client says of its file (tus 1.0.0, "Creation").

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyperlane::{Problem, StatusCode};

/// The most pairs: clients send a handful.
const MAX_PAIRS: usize = 32;
/// The most bytes of the header.
const MAX_BYTES: usize = 4 * 1024;

/// Names and values that a client gave with its upload. They are what it claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TusMetadata(Vec<(String, Vec<u8>)>);

impl TusMetadata {
    /// Reads the header: names and Base64 values, separated by commas. It has at most 4 KiB and 32 pairs.
    pub(super) fn read(value: &str) -> Result<Self, Problem> {
        let refuse = |detail: &'static str| Problem::new(StatusCode::BAD_REQUEST).with_detail(detail);
        if value.len() > MAX_BYTES {
            return Err(refuse("`upload-metadata` has more than 4096 bytes"));
        }
        let mut pairs: Vec<(String, Vec<u8>)> = Vec::new();
        for pair in value.split(',').map(str::trim) {
            let (key, text) = pair.split_once(' ').unwrap_or((pair, ""));
            if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(refuse("`upload-metadata` has a key that is empty or not ascii"));
            }
            if pairs.iter().any(|(other, _)| other == key) {
                return Err(refuse("`upload-metadata` has a key twice"));
            }
            if pairs.len() == MAX_PAIRS {
                return Err(refuse("`upload-metadata` has more than 32 keys"));
            }
            let value = STANDARD
                .decode(text)
                .map_err(|_| refuse("`upload-metadata` has a value that is not base64"))?;
            pairs.push((key.to_owned(), value));
        }
        Ok(Self(pairs))
    }

    /// A value that is text.
    pub fn get(&self, key: &str) -> Option<&str> {
        std::str::from_utf8(self.bytes(key)?).ok()
    }

    /// A value.
    pub fn bytes(&self, key: &str) -> Option<&[u8]> {
        let mut pairs = self.0.iter();
        pairs.find(|(other, _)| other == key).map(|(_, value)| value.as_slice())
    }

    /// All names and values, as they were sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_slice()))
    }

    /// What the client calls the file: under the names that clients use for it.
    pub(super) fn file_name(&self) -> Option<&str> {
        self.get("filename").or_else(|| self.get("name"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_and_bad_ones_refused() {
        let metadata = TusMetadata::read("filename d29ybGQucG5n,is_confidential, empty ").unwrap();
        assert_eq!(metadata.file_name(), Some("world.png"));
        assert_eq!(metadata.get("is_confidential"), Some(""));
        assert_eq!(metadata.iter().count(), 3);
        for bad in ["", "a YQ==,a YQ==", "a ?", ",", "ä YQ==", "a YQ==,"] {
            assert!(TusMetadata::read(bad).is_err(), "{bad:?}");
        }
        let many: Vec<_> = (0..33).map(|at| format!("k{at}")).collect();
        assert!(TusMetadata::read(&many.join(",")).is_err());
        assert!(TusMetadata::read(&format!("a {}", "A".repeat(5000))).is_err());
    }
}
