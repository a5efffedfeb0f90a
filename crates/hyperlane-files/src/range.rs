//! Range requests (RFC 9110 §14): which parts of a file are asked for, and when not to give them.

use std::ops::Range;

use http::header::RANGE;
use http::{HeaderMap, StatusCode};

/// More ranges than this are answered with the whole file (RFC 9110 §14.2): nobody has so many holes to fill, and each
/// part costs a head of its own.
const MOST_RANGES: usize = 16;

/// What of a file is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// All of it: 200.
    Whole,
    /// Parts of it, in the order asked for, none of which overlap: 206.
    Parts(Vec<Range<u64>>),
    /// There is nothing there: 416.
    Nothing,
}

impl Selection {
    /// The selection for a GET of a file of `length` bytes.
    ///
    /// What is no range in bytes, or is malformed, does not count. Ranges that overlap or touch become one. Where all of
    /// them together are longer than the file, somebody wants to be sent the same again and again: the whole is sent.
    pub(crate) fn of(headers: &HeaderMap, length: u64) -> Self {
        let mut lines = headers.get_all(RANGE).iter();
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Self::Whole;
        };
        let Some(specs) = line.to_str().ok().and_then(parse) else {
            return Self::Whole;
        };
        let mut parts: Vec<Range<u64>> = Vec::new();
        let mut is_empty_suffix = false;
        for spec in specs {
            match spec.resolve(length) {
                Some(range) if range.is_empty() => is_empty_suffix = true,
                Some(range) => parts.push(range),
                None => {}
            }
        }
        if parts.is_empty() {
            // The last bytes of an empty file are there, all none of them; but no Content-Range can say so.
            return if is_empty_suffix { Self::Whole } else { Self::Nothing };
        }
        let total = parts
            .iter()
            .fold(0_u64, |total, part| total.saturating_add(part.end - part.start));
        if total > length {
            return Self::Whole;
        }
        Self::Parts(joined(parts))
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Whole => StatusCode::OK,
            Self::Parts(_) => StatusCode::PARTIAL_CONTENT,
            Self::Nothing => StatusCode::RANGE_NOT_SATISFIABLE,
        }
    }
}

/// One range as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spec {
    /// `first-last`, or `first-` to the end.
    From(u64, Option<u64>),
    /// `-length`
    Last(u64),
}

impl Spec {
    /// The bytes of it that there are; an empty range for the end of an empty file; `None` where it can't be satisfied
    /// (RFC 9110 §14.1.2).
    fn resolve(self, length: u64) -> Option<Range<u64>> {
        match self {
            Self::From(first, _) if first >= length => None,
            Self::From(first, last) => Some(first..last.map_or(length, |last| last.saturating_add(1).min(length))),
            Self::Last(0) => None,
            Self::Last(suffix) => Some(length.saturating_sub(suffix)..length),
        }
    }
}

/// Reads `bytes=0-499, -500`; `None` if it is not that, or too much of it.
fn parse(value: &str) -> Option<Vec<Spec>> {
    let (unit, set) = value.trim().split_once('=')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let mut specs = Vec::new();
    // Empty members are allowed in lists (RFC 9110 §5.6.1.2).
    for member in set.split(',').map(|member| member.trim_matches([' ', '\t'])) {
        if member.is_empty() {
            continue;
        }
        if specs.len() == MOST_RANGES {
            return None;
        }
        specs.push(parse_spec(member)?);
    }
    (!specs.is_empty()).then_some(specs)
}

fn parse_spec(member: &str) -> Option<Spec> {
    match member.split_once('-')? {
        ("", suffix) => Some(Spec::Last(number(suffix)?)),
        (first, "") => Some(Spec::From(number(first)?, None)),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(Spec::From(first, Some(last)))
        }
    }
}

/// A number of any length; one that no file reaches is the largest.
fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

/// Joins what overlaps or touches; each joined range stands where its first part stood.
fn joined(parts: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut joined: Vec<Range<u64>> = Vec::with_capacity(parts.len());
    for part in parts {
        let mut part = part;
        let mut place = joined.len();
        // What it grows by may touch others in turn.
        while let Some(at) = joined
            .iter()
            .position(|other| other.start <= part.end && part.start <= other.end)
        {
            let other = joined.remove(at);
            part = part.start.min(other.start)..part.end.max(other.end);
            place = place.min(at);
        }
        joined.insert(place.min(joined.len()), part);
    }
    joined
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn select(value: &str, length: u64) -> Selection {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::try_from(value).expect("visible"));
        Selection::of(&headers, length)
    }

    #[expect(clippy::single_range_in_vec_init, reason = "a list of one part")]
    #[test]
    fn selects_what_rfc_9110_14_1_2_says() {
        let parts = |parts: &[Range<u64>]| Selection::Parts(parts.to_vec());
        for (value, expected) in [
            ("bytes=0-499", parts(&[0..500])),
            ("bytes=500-999", parts(&[500..1000])),
            ("bytes=9500-", parts(&[9500..10_000])),
            ("bytes=-500", parts(&[9500..10_000])),
            ("bytes=0-0,-1", parts(&[0..1, 9999..10_000])),
            ("bytes=0-", parts(&[0..10_000])),
            ("bytes=0-99999999999999999999999999", parts(&[0..10_000])),
            ("bytes=-99999999999999999999999999", parts(&[0..10_000])),
            ("BYTES=0-1", parts(&[0..2])),
            ("bytes= 0-1 , ,\t4-5,", parts(&[0..2, 4..6])),
            ("bytes=9999-10000", parts(&[9999..10_000])),
            // What can't be satisfied is left out where something else can.
            ("bytes=10000-,0-1", parts(&[0..2])),
            ("bytes=-0,0-1", parts(&[0..2])),
            // In the order asked for.
            ("bytes=900-909,100-109", parts(&[900..910, 100..110])),
            // Overlapping and touching ones.
            ("bytes=0-10,5-20", parts(&[0..21])),
            ("bytes=0-9,10-19", parts(&[0..20])),
            ("bytes=0-9,20-29,10-19", parts(&[0..30])),
            ("bytes=50-59,0-9,5-54", parts(&[0..60])),
            // Nothing.
            ("bytes=10000-", Selection::Nothing),
            ("bytes=10000-10001,20000-", Selection::Nothing),
            ("bytes=-0", Selection::Nothing),
            ("bytes=99999999999999999999999999-", Selection::Nothing),
            // Not understood: as if it were not there (§14.2).
            ("bytes=1-0", Selection::Whole),
            ("bytes=0-1,5-4", Selection::Whole),
            ("bytes=", Selection::Whole),
            ("bytes=,", Selection::Whole),
            ("bytes=-", Selection::Whole),
            ("bytes=a-b", Selection::Whole),
            ("bytes=1", Selection::Whole),
            ("bytes=1-2-3", Selection::Whole),
            ("bytes=+1-2", Selection::Whole),
            ("bytes=0x1-2", Selection::Whole),
            ("bytes=1 -2", Selection::Whole),
            ("bytes 0-1", Selection::Whole),
            ("bytes", Selection::Whole),
            ("items=0-1", Selection::Whole),
            ("", Selection::Whole),
            // The same again and again.
            ("bytes=0-,0-,0-", Selection::Whole),
            ("bytes=0-9999,0-0", Selection::Whole),
        ] {
            assert_eq!(select(value, 10_000), expected, "{value}");
        }
    }

    #[test]
    fn an_empty_file_has_no_first_byte_and_a_whole_end() {
        assert_eq!(select("bytes=0-", 0), Selection::Nothing);
        assert_eq!(select("bytes=0-0", 0), Selection::Nothing);
        assert_eq!(select("bytes=-5", 0), Selection::Whole);
        assert_eq!(select("bytes=-0", 0), Selection::Nothing);
    }

    #[test]
    fn many_ranges_are_answered_with_the_whole() {
        let list = |count: usize| {
            let members: Vec<String> = (0..count).map(|at| format!("{}-{}", at * 10, at * 10)).collect();
            format!("bytes={}", members.join(","))
        };
        assert!(matches!(select(&list(16), 10_000), Selection::Parts(parts) if parts.len() == 16));
        assert_eq!(select(&list(17), 10_000), Selection::Whole);
        assert_eq!(select(&list(5000), 1_000_000), Selection::Whole);
    }

    #[test]
    fn two_fields_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(RANGE, HeaderValue::from_static("bytes=0-1"));
        headers.append(RANGE, HeaderValue::from_static("bytes=2-3"));
        assert_eq!(Selection::of(&headers, 10), Selection::Whole);
    }
}
