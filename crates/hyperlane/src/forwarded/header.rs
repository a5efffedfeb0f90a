//! The headers by which proxies tell for whom they ask: `Forwarded` (RFC 7239), and those that were there before it.

use std::net::{IpAddr, SocketAddr};

use http::uri::Authority;
use hyperlane_core::Head;

/// What one proxy says about who has asked it. Its place in the list is that of the proxy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Hop<'a> {
    /// `None`: it does not say, or nothing that is an address.
    pub(super) address: Option<IpAddr>,
    pub(super) scheme: Option<&'static str>,
    pub(super) host: Option<&'a str>,
}

/// What `Forwarded` says, the nearest proxy last; `None` without it. A field that breaks the grammar counts as one hop
/// that says nothing.
pub(super) fn forwarded_hops(head: &Head) -> Option<Vec<Hop<'_>>> {
    let mut hops = Vec::new();
    let mut present = false;
    for field in head.header_all("forwarded") {
        present = true;
        match std::str::from_utf8(field).ok().and_then(parse_forwarded) {
            Some(more) => hops.extend(more),
            None => hops.push(Hop::default()),
        }
    }
    present.then_some(hops)
}

/// What `X-Forwarded-For`, `-Proto` and `-Host` say, the nearest proxy last; `None` without any of them.
pub(super) fn legacy_hops(head: &Head) -> Option<Vec<Hop<'_>>> {
    let (clients, schemes, hosts) = (
        list(head, "x-forwarded-for"),
        list(head, "x-forwarded-proto"),
        list(head, "x-forwarded-host"),
    );
    let count = clients.len();
    if count == 0 && schemes.is_empty() && hosts.is_empty() {
        return None;
    }
    // Where each proxy adds to all lists, they belong together. Otherwise the last entry is all that is known to be the
    // nearest proxy's own, or the only one.
    let beside = |list: &[Option<&'static str>], at: usize| -> Option<&'static str> {
        let entry = if list.len() == count { list.get(at) } else { list.last() };
        entry.copied().flatten()
    };
    let schemes: Vec<_> = schemes.iter().map(|entry| entry.and_then(scheme)).collect();
    let hops = (0..count.max(1)).map(|at| Hop {
        address: clients.get(at).and_then(|entry| entry.and_then(node)),
        scheme: beside(&schemes, at),
        host: match hosts.len() == count {
            true => hosts.get(at),
            false => hosts.last(),
        }
        .and_then(|entry| entry.and_then(host)),
    });
    Some(hops.collect())
}

/// The entries of a list over all fields of its name; `None` for one that is no text.
fn list<'a>(head: &'a Head, name: &'static str) -> Vec<Option<&'a str>> {
    let mut entries = Vec::new();
    for field in head.header_all(name) {
        match std::str::from_utf8(field) {
            Ok(text) => entries.extend(text.split(',').map(|entry| Some(entry.trim_matches(BLANK)))),
            Err(_) => entries.push(None),
        }
    }
    entries
}

const BLANK: [char; 2] = [' ', '\t'];

/// `forwarded-element *( OWS "," OWS forwarded-element )` (RFC 7239 §4); `None` where it is not. Empty elements are
/// left out (RFC 9110 §5.6.1).
fn parse_forwarded(field: &str) -> Option<Vec<Hop<'_>>> {
    let mut hops = Vec::new();
    let mut rest = field;
    loop {
        let (hop, more) = parse_element(rest)?;
        hops.extend(hop);
        match more {
            Some(more) => rest = more,
            None => return Some(hops),
        }
    }
}

/// One element, `None` for an empty one, and what stands behind its comma.
fn parse_element(mut rest: &str) -> Option<(Option<Hop<'_>>, Option<&str>)> {
    let mut hop = Hop::default();
    let (mut some, mut seen) = (false, [false; 3]);
    loop {
        rest = rest.trim_start_matches(BLANK);
        if !rest.is_empty() && !rest.starts_with([',', ';']) {
            some = true;
            let (name, behind) = rest.split_once('=')?;
            if name.is_empty() || !name.bytes().all(is_token) {
                return None;
            }
            let (value, behind) = parse_value(behind)?;
            rest = behind.trim_start_matches(BLANK);
            let known = ["for", "proto", "host"]
                .iter()
                .position(|known| name.eq_ignore_ascii_case(known));
            if let Some(known) = known {
                // A name comes once (§4): of two it can't be known which the proxy has written.
                if std::mem::replace(seen.get_mut(known)?, true) {
                    return None;
                }
                match known {
                    0 => hop.address = node(value),
                    1 => hop.scheme = scheme(value),
                    _ => hop.host = host(value),
                }
            }
        }
        match rest.as_bytes().first() {
            None => return Some((some.then_some(hop), None)),
            Some(b',') => return Some((some.then_some(hop), rest.get(1..))),
            Some(b';') => rest = rest.get(1..)?,
            Some(_) => return None,
        }
    }
}

/// A token or a quoted string, without its quotes, and what stands behind it. Addresses with a port or in brackets
/// should be quoted (§6); many proxies do not.
fn parse_value(text: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut escaped = false;
        let end = quoted.bytes().position(|byte| {
            let end = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            end
        })?;
        return Some((quoted.get(..end)?, quoted.get(end + 1..)?));
    }
    let plain = |byte: u8| is_token(byte) || matches!(byte, b':' | b'[' | b']');
    let end = text.bytes().position(|byte| !plain(byte)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// `tchar` (RFC 9110 §5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// The address of a node (RFC 7239 §6), with or without a port.
fn node(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = match bare {
        Some(bare) => bare.parse::<std::net::Ipv6Addr>().ok().map(IpAddr::V6),
        None => text
            .parse()
            .ok()
            .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
            .or_else(|| with_hidden_port(text)),
    };
    address.map(|address| address.to_canonical())
}

/// A port may be hidden, as `_x` (§6.3).
fn with_hidden_port(text: &str) -> Option<IpAddr> {
    let (address, port) = text.rsplit_once(":_")?;
    let hidden = !port.is_empty()
        && port
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    let bare = address.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = match bare {
        Some(bare) => IpAddr::V6(bare.parse().ok()?),
        None => IpAddr::V4(address.parse().ok()?),
    };
    hidden.then_some(address)
}

/// A WebSocket is opened by HTTP (RFC 6455 §3), and some proxies name it so.
fn scheme(text: &str) -> Option<&'static str> {
    let is = |scheme: &str| text.eq_ignore_ascii_case(scheme);
    match () {
        () if is("https") || is("wss") => Some("https"),
        () if is("http") || is("ws") => Some("http"),
        () => None,
    }
}

fn host(text: &str) -> Option<&str> {
    let authority = text.parse::<Authority>().ok()?;
    let usable = !authority.host().is_empty() && !text.contains('@');
    usable.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(field: &str) -> Option<Vec<Option<String>>> {
        let hops = parse_forwarded(field)?;
        Some(
            hops.iter()
                .map(|hop| hop.address.map(|address| address.to_string()))
                .collect(),
        )
    }

    /// The examples of RFC 7239 §4, §6 and §7.1.
    #[test]
    fn reads_the_elements_of_forwarded() {
        let known = |addresses: &[&str]| {
            Some(
                addresses
                    .iter()
                    .map(|text| Some((*text).to_owned()))
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            addresses("for=192.0.2.43, for=198.51.100.17"),
            known(&["192.0.2.43", "198.51.100.17"])
        );
        assert_eq!(
            addresses("For=\"[2001:db8:cafe::17]:4711\""),
            known(&["2001:db8:cafe::17"])
        );
        assert_eq!(
            addresses("for=192.0.2.60;proto=http;by=203.0.113.43"),
            known(&["192.0.2.60"])
        );
        assert_eq!(addresses("for=\"192.0.2.43:47011\""), known(&["192.0.2.43"]));
        assert_eq!(
            addresses("for=192.0.2.43:47011 , for=[2001:db8::1]"),
            known(&["192.0.2.43", "2001:db8::1"])
        );
        assert_eq!(addresses("for=\"192.0.2.43:_x\""), known(&["192.0.2.43"]));
        assert_eq!(addresses(", for=\"[::ffff:192.0.2.1]\" ,,"), known(&["192.0.2.1"]));
        assert_eq!(
            addresses("for=unknown, for=_hidden, for=\"_SEVKISEK:1\", by=1.2.3.4"),
            Some(vec![None; 4])
        );
        let hop = &parse_forwarded("proto=HTTPS;host=\"example.org:8443\";for=192.0.2.1;x=\"a\\\",b\"")
            .expect("well-formed")[0];
        assert_eq!((hop.scheme, hop.host), (Some("https"), Some("example.org:8443")));
    }

    #[test]
    fn refuses_fields_that_break_the_grammar() {
        for field in [
            "192.0.2.1",
            "for",
            "for=",
            "=192.0.2.1",
            "for=\"192.0.2.1",
            "for=\"192.0.2.1\"x",
            "for=a b",
            "for =a",
            "for=192.0.2.1;for=192.0.2.2",
            "for=\"a\\\"",
            "f(r=a",
        ] {
            assert_eq!(addresses(field), None, "{field}");
        }
        assert_eq!(addresses(""), Some(vec![]));
    }

    #[test]
    fn an_address_may_have_a_port_and_nothing_else() {
        for (text, address) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.1:80", Some("192.0.2.1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]:80", Some("2001:db8::1")),
            ("", None),
            ("192.0.2.1:", None),
            ("192.0.2.1:99999", None),
            ("192.0.2.1:_", None),
            ("[192.0.2.1]", None),
            ("192.0.2", None),
            ("192.0.2.1 192.0.2.2", None),
            ("example.org", None),
        ] {
            assert_eq!(
                node(text).map(|address| address.to_string()).as_deref(),
                address,
                "{text}"
            );
        }
    }
}
