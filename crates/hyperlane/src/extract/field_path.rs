//! Which field of a document is wrong: its path while `serde` reads it.

use http::StatusCode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::{DeserializeOwned, Deserializer};
use serde_path_to_error::Segment;

use super::rejection::{Rejection, RejectionKind, shorten};
use crate::response::{FieldError, FieldLocation};

/// All but what may stand in a fragment without being encoded (RFC 6901 §6).
const NOT_IN_POINTERS: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// The way to a field: `user.tags[1]`, or `#/user/tags/1`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FieldPath {
    /// Empty for the document as a whole.
    pub(super) dotted: String,
    pub(super) pointer: String,
}

/// A value that did not fit, and where.
pub(super) struct Misfit<E> {
    pub(super) path: FieldPath,
    pub(super) error: E,
}

/// Reads a value and remembers where it stands.
pub(super) fn read<'de, T, D>(deserializer: D) -> Result<T, Misfit<D::Error>>
where
    T: DeserializeOwned,
    D: Deserializer<'de>,
{
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let mut path = FieldPath::default();
        for segment in error.path() {
            match segment {
                Segment::Seq { index } => path.push_index(*index),
                Segment::Map { key } => path.push_name(key),
                Segment::Enum { variant } => path.push_name(variant),
                Segment::Unknown => {}
            }
        }
        let error = error.into_inner();
        // Of a field that is not there `serde` tells the place of its parent, and its name in the text alone.
        if let Some(name) = missing_field(&error.to_string()) {
            path.push_name(name);
        }
        Misfit { path, error }
    })
}

fn missing_field(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("missing field `")?;
    rest.split_once('`').map(|(name, _)| name)
}

impl FieldPath {
    /// Reads a dotted path.
    #[cfg(feature = "validation")]
    pub(super) fn parse(dotted: &str) -> Self {
        let mut path = Self::default();
        for part in dotted.split(['.', '[']).filter(|part| !part.is_empty()) {
            match part.strip_suffix(']').and_then(|index| index.parse().ok()) {
                Some(index) => path.push_index(index),
                None => path.push_name(part),
            }
        }
        path
    }

    pub(super) fn push_name(&mut self, name: &str) {
        if !self.dotted.is_empty() {
            self.dotted.push('.');
        }
        self.dotted.push_str(name);
        let escaped = name.replace('~', "~0").replace('/', "~1");
        self.push_reference(&escaped);
    }

    fn push_index(&mut self, index: usize) {
        self.dotted.push_str(&format!("[{index}]"));
        self.push_reference(&index.to_string());
    }

    fn push_reference(&mut self, escaped: &str) {
        if self.pointer.is_empty() {
            self.pointer.push('#');
        }
        self.pointer.push('/');
        self.pointer.extend(utf8_percent_encode(escaped, &NOT_IN_POINTERS));
    }

    /// The rejection of a document, called `what`, whose field here is wrong.
    pub(super) fn reject(self, what: &str, status: StatusCode, location: FieldLocation, reason: &str) -> Rejection {
        let reason = shorten(reason.to_owned());
        let message = if self.dotted.is_empty() {
            format!("{what} does not fit: {reason}")
        } else {
            shorten(format!("{what} does not fit at `{}`: {reason}", self.dotted))
        };
        Rejection::new(status, message)
            .with_kind(RejectionKind::Invalid)
            .with_field(self.error(location, reason))
    }

    /// The field here with what is wrong; only documents have pointers.
    pub(super) fn error(self, location: FieldLocation, reason: String) -> FieldError {
        let error = FieldError::new(location, shorten(self.dotted), reason);
        match location {
            FieldLocation::Body if self.pointer.is_empty() => error.with_pointer("#"),
            FieldLocation::Body => error.with_pointer(shorten(self.pointer)),
            _ => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6901 §6.
    #[test]
    fn pointers_are_escaped_and_encoded() {
        let mut path = FieldPath::default();
        path.push_name("a/b~c d\"é");
        path.push_index(7);
        assert_eq!(path.pointer, "#/a~1b~0c%20d%22%C3%A9/7");
        assert_eq!(path.dotted, "a/b~c d\"é[7]");
    }

    #[cfg(feature = "validation")]
    #[test]
    fn dotted_paths_are_read_back() {
        let path = FieldPath::parse("user.tags[1].name");
        assert_eq!(
            (path.dotted.as_str(), path.pointer.as_str()),
            ("user.tags[1].name", "#/user/tags/1/name")
        );
        assert_eq!(FieldPath::parse(""), FieldPath::default());
    }
}
