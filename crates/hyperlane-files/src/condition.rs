//! Conditional requests (RFC 9110 §13): whether a client has what it asks for already, or has something else.

use std::time::SystemTime;

use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::entity_tag::{Comparison, has};

/// What a file is known by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Validators<'a> {
    pub(crate) tag: &'a HeaderValue,
    /// In whole seconds, as `Last-Modified` says it.
    pub(crate) modified: Option<SystemTime>,
}

impl Validators<'_> {
    /// The answer to a GET or HEAD whose conditions end it: 304 or 412, in the order of RFC 9110 §13.2.2.
    pub(crate) fn verdict(&self, headers: &HeaderMap) -> Option<StatusCode> {
        if headers.contains_key(IF_MATCH) {
            if !self.is_among(headers, IF_MATCH, Comparison::Strong) {
                return Some(StatusCode::PRECONDITION_FAILED);
            }
        } else if let (Some(limit), Some(modified)) = (date(headers, &IF_UNMODIFIED_SINCE), self.modified)
            && modified > limit
        {
            return Some(StatusCode::PRECONDITION_FAILED);
        }
        if headers.contains_key(IF_NONE_MATCH) {
            if self.is_among(headers, IF_NONE_MATCH, Comparison::Weak) {
                return Some(StatusCode::NOT_MODIFIED);
            }
        } else if let (Some(known), Some(modified)) = (date(headers, &IF_MODIFIED_SINCE), self.modified)
            && modified <= known
        {
            return Some(StatusCode::NOT_MODIFIED);
        }
        None
    }

    /// Whether a `Range` counts: always without `If-Range`, and with one only for the very file that the client has a part
    /// of (RFC 9110 §13.1.5). A date has to be that of `Last-Modified` to the second.
    pub(crate) fn allow_range(&self, headers: &HeaderMap) -> bool {
        let mut lines = headers.get_all(IF_RANGE).iter();
        let Some(line) = lines.next() else {
            return true;
        };
        if lines.next().is_some() {
            return false;
        }
        let value = line.as_bytes().trim_ascii();
        if value.contains(&b'"') {
            // Exactly one tag, and no list.
            return value == self.tag.as_bytes() && !value.starts_with(b"W/");
        }
        let date = parse_date(value);
        date.is_some() && date == self.modified
    }

    fn is_among(&self, headers: &HeaderMap, name: HeaderName, comparison: Comparison) -> bool {
        let mut lines = headers.get_all(name).iter();
        lines.any(|line| has(line.as_bytes(), self.tag.as_bytes(), comparison))
    }
}

/// The date of a field, unless there is none, or several, or it is no date: then the field does not count
/// (RFC 9110 §13.1.3, §13.1.4).
fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next()?;
    if lines.next().is_some() {
        return None;
    }
    parse_date(line.as_bytes())
}

fn parse_date(value: &[u8]) -> Option<SystemTime> {
    httpdate::parse_http_date(std::str::from_utf8(value).ok()?.trim()).ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    const TAG: HeaderValue = HeaderValue::from_static("\"now\"");
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    fn verdict(fields: &[(&'static str, &'static str)]) -> u16 {
        let tag = TAG;
        let validators = Validators {
            tag: &tag,
            modified: Some(UNIX_EPOCH + Duration::from_secs(784_111_777)),
        };
        validators
            .verdict(&headers(fields))
            .map_or(200, |status| status.as_u16())
    }

    #[test]
    fn conditions_count_in_the_order_of_rfc_9110_13_2_2() {
        for (fields, expected) in [
            (&[][..], 200),
            // §13.1.1: strong comparison.
            (&[("if-match", "\"now\"")], 200),
            (&[("if-match", "*")], 200),
            (&[("if-match", "\"old\"")], 412),
            (&[("if-match", "W/\"now\"")], 412),
            (&[("if-match", "\"old\", \"now\"")], 200),
            (&[("if-match", "\"old\""), ("if-match", "\"now\"")], 200),
            (&[("if-match", "")], 412),
            // §13.1.4, which does not count beside If-Match.
            (&[("if-unmodified-since", DATE)], 200),
            (&[("if-unmodified-since", LATER)], 200),
            (&[("if-unmodified-since", EARLIER)], 412),
            (&[("if-unmodified-since", "yesterday")], 200),
            (&[("if-match", "\"now\""), ("if-unmodified-since", EARLIER)], 200),
            (&[("if-match", "\"old\""), ("if-unmodified-since", LATER)], 412),
            // §13.1.2: weak comparison.
            (&[("if-none-match", "\"now\"")], 304),
            (&[("if-none-match", "W/\"now\"")], 304),
            (&[("if-none-match", "*")], 304),
            (&[("if-none-match", "\"old\"")], 200),
            (&[("if-none-match", "\"old\""), ("if-none-match", "\"now\"")], 304),
            // §13.1.3, which does not count beside If-None-Match.
            (&[("if-modified-since", DATE)], 304),
            (&[("if-modified-since", LATER)], 304),
            (&[("if-modified-since", EARLIER)], 200),
            (&[("if-modified-since", "Sunday, 06-Nov-94 08:49:37 GMT")], 304),
            (&[("if-modified-since", "Sun Nov  6 08:49:37 1994")], 304),
            (&[("if-modified-since", "784111777")], 200),
            (&[("if-modified-since", DATE), ("if-modified-since", DATE)], 200),
            (&[("if-none-match", "\"old\""), ("if-modified-since", LATER)], 200),
            (&[("if-none-match", "\"now\""), ("if-modified-since", EARLIER)], 304),
            // Both kinds: the first that fails decides.
            (&[("if-match", "\"now\""), ("if-none-match", "\"now\"")], 304),
            (&[("if-match", "\"old\""), ("if-none-match", "\"now\"")], 412),
            (&[("if-unmodified-since", EARLIER), ("if-modified-since", LATER)], 412),
            (&[("if-unmodified-since", LATER), ("if-modified-since", LATER)], 304),
        ] {
            assert_eq!(verdict(fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn a_range_counts_for_the_same_file_alone_rfc_9110_13_1_5() {
        let tag = TAG;
        let validators = Validators {
            tag: &tag,
            modified: Some(UNIX_EPOCH + Duration::from_secs(784_111_777)),
        };
        for (fields, expected) in [
            (&[][..], true),
            (&[("if-range", "\"now\"")], true),
            (&[("if-range", "\"old\"")], false),
            (&[("if-range", "W/\"now\"")], false),
            (&[("if-range", "\"now\", \"old\"")], false),
            (&[("if-range", "*")], false),
            (&[("if-range", DATE)], true),
            (&[("if-range", EARLIER)], false),
            (&[("if-range", LATER)], false),
            (&[("if-range", "soon")], false),
            (&[("if-range", "\"now\""), ("if-range", "\"now\"")], false),
        ] {
            assert_eq!(validators.allow_range(&headers(fields)), expected, "{fields:?}");
        }
        let undated = Validators {
            modified: None,
            ..validators
        };
        assert!(!undated.allow_range(&headers(&[("if-range", DATE)])));
        assert!(!undated.allow_range(&headers(&[("if-range", "soon")])));
    }
}
