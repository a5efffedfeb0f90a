//! The grammar of `host [":" port]` (RFC 3986 §3.2.2), for the Host field and for request targets.
//!
//! Strict, because names of hosts choose virtual hosts, build links and reach logs.

use std::net::Ipv6Addr;

use super::charset::{PLAIN_NAME, REG_NAME, skip};

/// Which port an authority must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Port {
    /// None, an empty one (`host:`), or a number.
    Optional,
    /// A number (RFC 9112 §3.2.3).
    Required,
}

/// Whether `authority` is a host as `Host` and `:authority` have it: with a port or without, and without user information
/// (RFC 9110 §7.2, RFC 9113 §8.3.1).
pub fn is_valid_host(authority: &[u8]) -> bool {
    is_valid(authority, Port::Optional)
}

/// Whether `authority` is a non-empty host with a port as asked, without user information.
pub(super) fn is_valid(authority: &[u8], port: Port) -> bool {
    let Some(after_host) = strip_host(authority) else {
        return false;
    };
    match after_host {
        [] => port == Port::Optional,
        [b':'] => port == Port::Optional,
        [b':', digits @ ..] => is_port(digits),
        _ => false,
    }
}

/// What follows the host, or `None` if there is no valid host.
fn strip_host(authority: &[u8]) -> Option<&[u8]> {
    if let [b'[', rest @ ..] = authority {
        let end = rest.iter().position(|&byte| byte == b']')?;
        let (literal, rest) = rest.split_at(end);
        return is_ip_literal(literal).then_some(rest.get(1..)?);
    }
    let mut end = skip(authority, 0, PLAIN_NAME);
    if authority.get(end) == Some(&b'%') {
        end = skip(authority, end, REG_NAME);
        if !has_whole_escapes(authority.get(..end)?) {
            return None;
        }
    }
    if end == 0 { None } else { authority.get(end..) }
}

fn is_ip_literal(literal: &[u8]) -> bool {
    match literal {
        [b'v' | b'V', rest @ ..] => is_future_address(rest),
        _ => str::from_utf8(literal).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok()),
    }
}

/// `1*HEXDIG "." 1*( unreserved / sub-delims / ":" )`, what follows the `v` of an `IPvFuture`.
fn is_future_address(rest: &[u8]) -> bool {
    let Some(dot) = rest.iter().position(|&byte| byte == b'.') else {
        return false;
    };
    let (version, address) = rest.split_at(dot);
    let address = address.get(1..).unwrap_or_default();
    !version.is_empty()
        && version.iter().all(u8::is_ascii_hexdigit)
        && !address.is_empty()
        && address.iter().all(|&byte| byte == b':' || PLAIN_NAME.contains(byte))
}

fn has_whole_escapes(name: &[u8]) -> bool {
    let mut rest = name;
    while let Some(percent) = rest.iter().position(|&byte| byte == b'%') {
        let (_, escape) = rest.split_at(percent);
        match escape {
            [_, high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => rest = after,
            _ => return false,
        }
    }
    true
}

fn is_port(digits: &[u8]) -> bool {
    if digits.len() <= 4 {
        return digits.iter().all(u8::is_ascii_digit);
    }
    let mut port = 0_u32;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return false;
        }
        port = port * 10 + u32::from(digit - b'0');
        if port > u32::from(u16::MAX) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_names_addresses_and_ports_rfc3986_3_2_2() {
        for host in [
            "a",
            "example.org",
            "example.org:80",
            "example.org:",
            "localhost:65535",
            "127.0.0.1:0",
            "a_b~c!$&'()*+,;=",
            "%41%2f",
            "[::1]",
            "[::1]:8080",
            "[2001:db8::ff00:42:8329]",
            "[::ffff:192.0.2.1]:",
            "[v7.a:b]:1",
            "[vF0.~]",
            "a:00080",
            "-",
        ] {
            assert!(is_valid(host.as_bytes(), Port::Optional), "{host}");
        }
    }

    #[test]
    fn rejects_what_is_no_host_rfc3986_3_2_2() {
        for host in [
            "",
            ":",
            ":80",
            "user@host",
            "user:pw@host",
            "a b",
            "a/b",
            "a?b",
            "a#b",
            "a\\b",
            "a:b",
            "a:-1",
            "a:+1",
            "a:65536",
            "a:99999999999999999999",
            "a:80:80",
            "a%",
            "a%4",
            "a%zz",
            "[",
            "[]",
            "[::1",
            "::1",
            "[::1]x",
            "[::1]80",
            "[1.2.3.4]",
            "[fe80::1%25eth0]",
            "[v.a]",
            "[v1.]",
            "[v1]",
            "[vg.a]",
            "[v1.%41]",
            "[[::1]]",
            "<a>",
            "\"a\"",
            "ä",
            "a^b",
            "a,b:80,c:80",
        ] {
            assert!(!is_valid(host.as_bytes(), Port::Optional), "{host}");
        }
    }

    #[test]
    fn requires_a_port_for_connect_rfc9112_3_2_3() {
        assert!(is_valid(b"a:443", Port::Required));
        assert!(is_valid(b"[::1]:443", Port::Required));
        assert!(!is_valid(b"a", Port::Required));
        assert!(!is_valid(b"a:", Port::Required));
    }
}
