//! Entity tags (RFC 9110 §8.8.3): how they are made of a file's state, and how lists of them are compared.

use std::time::{SystemTime, UNIX_EPOCH};

use http::HeaderValue;

use crate::encoding::Coding;

/// The tag of a file: `"<time of change in nanoseconds>-<length>[-<coding>]"`, both hexadecimal. It is strong: files that
/// are written anew get a new time. Two writes within one tick of the file system's clock that leave the length as it was
/// can't be told apart.
pub(crate) fn entity_tag(modified: Option<SystemTime>, length: u64, coding: Option<Coding>) -> HeaderValue {
    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let nanoseconds = since.unwrap_or_default().as_nanos();
    let tag = match coding {
        None => format!("\"{nanoseconds:x}-{length:x}\""),
        Some(coding) => format!("\"{nanoseconds:x}-{length:x}-{}\"", coding.name()),
    };
    HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// The tag of a file's content: 128 bits of its hash, which nobody can make two files have.
#[cfg(feature = "content-tags")]
pub(crate) fn content_tag(content: &[u8], coding: Option<Coding>) -> HeaderValue {
    use sha2::{Digest, Sha256};
    let hash = Sha256::digest(content);
    let half = hash
        .iter()
        .take(16)
        .fold(0_u128, |half, byte| (half << 8) | u128::from(*byte));
    let coding = coding.map_or("", Coding::name);
    HeaderValue::try_from(format!("\"{half:032x}{coding}\"")).unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// How two tags are compared (RFC 9110 §8.8.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Equal, and both strong.
    Strong,
    /// Equal, weak or not.
    Weak,
}

/// Whether a list of tags, or `*`, has `tag`.
pub(crate) fn has(list: &[u8], tag: &[u8], comparison: Comparison) -> bool {
    if list.trim_ascii() == b"*" {
        return true;
    }
    let (tag_is_weak, wanted) = opaque(tag);
    let mut rest = list;
    // A tag may hold commas: it ends with its second quotation mark.
    while let Some(start) = rest.iter().position(|byte| *byte == b'"') {
        let (before, quoted) = rest.split_at(start);
        let Some(length) = quoted.iter().skip(1).position(|byte| *byte == b'"') else {
            return false;
        };
        let (candidate, behind) = quoted.split_at(length + 2);
        let is_weak = before.ends_with(b"W/");
        if candidate == wanted && (comparison == Comparison::Weak || !(is_weak || tag_is_weak)) {
            return true;
        }
        rest = behind;
    }
    false
}

fn opaque(tag: &[u8]) -> (bool, &[u8]) {
    match tag.strip_prefix(b"W/") {
        Some(opaque) => (true, opaque),
        None => (false, tag),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_tag_tells_time_length_and_coding_apart() {
        let time = |nanoseconds| Some(UNIX_EPOCH + Duration::from_nanos(nanoseconds));
        let tags = [
            entity_tag(time(1), 1, None),
            entity_tag(time(2), 1, None),
            entity_tag(time(1), 2, None),
            entity_tag(time(1), 1, Some(Coding::Br)),
            entity_tag(time(1), 1, Some(Coding::Gzip)),
        ];
        for (at, tag) in tags.iter().enumerate() {
            assert!(!tags.get(at + 1..).unwrap_or_default().contains(tag), "{tag:?}");
        }
        assert_eq!(entity_tag(time(0x1f), 0xff, None), "\"1f-ff\"");
    }

    #[test]
    fn compares_as_rfc_9110_8_8_3_2_says() {
        use Comparison::{Strong, Weak};
        for (list, tag, strong, weak) in [
            ("W/\"1\"", "W/\"1\"", false, true),
            ("W/\"1\"", "\"1\"", false, true),
            ("\"1\"", "W/\"1\"", false, true),
            ("\"1\"", "\"1\"", true, true),
            ("W/\"1\"", "W/\"2\"", false, false),
            ("\"0\", \"1\"", "\"1\"", true, true),
            ("\"a,b\" ,W/\"1\"", "\"1\"", false, true),
            ("*", "\"1\"", true, true),
            (" * ", "\"1\"", true, true),
            ("\"1", "\"1\"", false, false),
            ("1", "\"1\"", false, false),
            ("", "\"1\"", false, false),
            ("\"x\"1\"y\"", "\"1\"", false, false),
        ] {
            assert_eq!(
                has(list.as_bytes(), tag.as_bytes(), Strong),
                strong,
                "strong {list} {tag}"
            );
            assert_eq!(has(list.as_bytes(), tag.as_bytes(), Weak), weak, "weak {list} {tag}");
        }
    }
}
