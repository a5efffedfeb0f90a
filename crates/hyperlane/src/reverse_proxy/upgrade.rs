//! The upgrades that pass, and how a WebSocket over HTTP/2 becomes one.

use std::hash::{BuildHasher, RandomState};

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Version};

use super::fields::{elements, insert};

/// The protocols that a request offers to switch to, if it may be passed on: not `h2c` or another version of HTTP, by
/// which requests would go past this proxy unseen.
pub(super) fn upgrade(headers: &HeaderMap, version: Version) -> Option<HeaderValue> {
    let asks = elements(headers, &CONNECTION).any(|option| option.eq_ignore_ascii_case(b"upgrade"));
    if version != Version::HTTP_11 || !asks {
        return None;
    }
    let offered: Vec<&[u8]> = elements(headers, &UPGRADE)
        .filter(|protocol| !is_http(protocol))
        .collect();
    HeaderValue::from_bytes(&offered.join(&b", "[..]))
        .ok()
        .filter(|value| !value.is_empty())
}

/// The same for the one protocol that a `CONNECT` names.
pub(super) fn upgrade_to(protocol: &str) -> Option<HeaderValue> {
    let value = HeaderValue::try_from(protocol).ok()?;
    (!protocol.is_empty() && !protocol.contains(',') && !is_http(protocol.as_bytes())).then_some(value)
}

fn is_http(protocol: &[u8]) -> bool {
    let name = protocol.split(|byte| *byte == b'/').next().unwrap_or_default();
    ["h2c", "h2", "http", "tls"]
        .iter()
        .any(|http| name.eq_ignore_ascii_case(http.as_bytes()))
}

/// What a WebSocket handshake has in HTTP/1.1 and not in HTTP/2 (RFC 8441 §5): a key of 16 random bytes in base64
/// (RFC 6455 §4.1), against caches that are confused, and not against anybody who could guess it.
pub(super) fn complete_websocket(headers: &mut HeaderMap) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let random = RandomState::new();
    let bits = u128::from(random.hash_one(0)) << 64 | u128::from(random.hash_one(1));
    // 21 digits of 6 bits, and one of which only the first two bits count.
    let digit = |index: u32| DIGITS[(bits >> (2 + 6 * index)) as usize & 63];
    let mut key: Vec<u8> = (0..21).map(digit).collect();
    key.extend([DIGITS[(bits as usize & 3) << 4], b'=', b'=']);
    insert(headers, HeaderName::from_static("sec-websocket-key"), key);
    headers
        .entry("sec-websocket-version")
        .or_insert(HeaderValue::from_static("13"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(protocols: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONNECTION, HeaderValue::from_static("keep-alive, Upgrade"));
        headers.insert(UPGRADE, HeaderValue::try_from(protocols).expect("valid"));
        headers
    }

    #[test]
    fn a_websocket_key_is_16_bytes_in_base64() {
        let mut headers = HeaderMap::new();
        complete_websocket(&mut headers);
        let key = headers["sec-websocket-key"].to_str().expect("ascii").to_owned();
        assert!(
            key.len() == 24 && key.ends_with("==") && "AQgw".contains(&key[21..22]),
            "{key}"
        );
        complete_websocket(&mut headers);
        assert_ne!(headers["sec-websocket-key"], key);
        assert_eq!(headers["sec-websocket-version"], "13");
    }

    #[test]
    fn other_versions_of_http_are_no_upgrade_that_is_passed_on() {
        let offered = |protocols: &str| {
            let headers = asking(protocols);
            upgrade(&headers, Version::HTTP_11)
        };
        assert_eq!(offered("websocket").expect("passed on"), "websocket");
        assert_eq!(offered("h2c, shout, HTTP/2.0, H2C").expect("passed on"), "shout");
        for none in ["h2c", "H2c", "HTTP/3.0", "TLS/1.0", ""] {
            assert!(offered(none).is_none(), "{none}");
        }
        let mut alone = asking("websocket");
        alone.remove(CONNECTION);
        assert!(upgrade(&alone, Version::HTTP_11).is_none());
        assert_eq!(upgrade_to("websocket").expect("passed on"), "websocket");
        assert!(upgrade_to("h2c").is_none() && upgrade_to("").is_none() && upgrade_to("a, b").is_none());
    }
}
