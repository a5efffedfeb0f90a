//! `Vary`: which headers of the request a response depends on.

use http::header::VARY;
use http::{HeaderMap, HeaderValue};

/// Adds a header's name to `Vary`, unless it is there, or `*` is (RFC 9110 §12.5.5).
pub(crate) fn add_vary(headers: &mut HeaderMap, name: &'static str) {
    let there = headers
        .get_all(VARY)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .any(|item| item.trim_ascii().eq_ignore_ascii_case(name.as_bytes()) || item.trim_ascii() == b"*");
    if !there {
        headers.append(VARY, HeaderValue::from_static(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_a_header_once_whatever_its_case() {
        let mut headers = HeaderMap::new();
        headers.insert(VARY, HeaderValue::from_static("Cookie, Accept-Encoding"));
        add_vary(&mut headers, "accept-encoding");
        assert_eq!(headers.get_all(VARY).iter().count(), 1);
        add_vary(&mut headers, "origin");
        assert_eq!(headers.get_all(VARY).iter().count(), 2);
    }
}
