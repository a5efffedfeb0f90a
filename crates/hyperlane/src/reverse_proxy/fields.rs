//! The fields of both heads: what stays on its connection, what is added, and what nobody may claim.

use std::net::IpAddr;

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, FORWARDED, HOST, MAX_FORWARDS, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
    TRANSFER_ENCODING, UPGRADE, VIA,
};
use http::{HeaderMap, HeaderName, HeaderValue, Version};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
/// More proxies than this in a row are one, many times.
const MAX_VIA: usize = 20;

/// What becomes of the fields that tell the upstream who the client is: `Forwarded` (RFC 7239), `X-Forwarded-For`,
/// `-Proto`, `-Host` and their kin, and `X-Real-IP`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Forwarded {
    /// Those of the client are dropped, and written anew from what this server knows. The default: a client can't pretend
    /// to be another.
    ///
    /// Who the client is follows [`ServerConfig::trusted_proxies`](crate::ServerConfig::trusted_proxies), so that it is
    /// right behind a load balancer, too.
    #[default]
    Replace,
    /// What is known here is added to those that came. Only where nothing but trusted proxies can connect, which have
    /// dropped the client's own.
    Append,
    /// Those of the client are dropped, and none are written.
    Remove,
}

/// What is known of the client.
pub(super) struct Client<'a> {
    pub(super) address: Option<IpAddr>,
    pub(super) scheme: &'static str,
    pub(super) host: Option<&'a str>,
    pub(super) version: Version,
}

/// Counts a hop in `Max-Forwards`, which limits how far an `OPTIONS` goes (RFC 9110 §7.6.2). `false`: it goes no farther.
/// What is no number limits nothing, and stays as it is.
pub(super) fn count_hop(headers: &mut HeaderMap) -> bool {
    let text = headers.get(MAX_FORWARDS).and_then(|value| value.to_str().ok());
    match text.and_then(|text| text.parse::<u32>().ok()) {
        Some(0) => false,
        Some(left) => {
            headers.insert(MAX_FORWARDS, HeaderValue::from(left - 1));
            true
        }
        None => true,
    }
}

/// Whether a field concerns one connection only, whatever `Connection` says (RFC 9110 §7.6.1). Authentication to a proxy
/// is between the client and a proxy of its own (§11.7), which this is not.
pub(super) fn is_of_the_connection(name: &HeaderName) -> bool {
    [
        CONNECTION,
        KEEP_ALIVE,
        PROXY_AUTHENTICATE,
        PROXY_AUTHORIZATION,
        PROXY_CONNECTION,
        TE,
        TRANSFER_ENCODING,
        UPGRADE,
    ]
    .contains(name)
}

/// Takes out what concerns the connection that a message came on.
pub(super) fn strip_connection(headers: &mut HeaderMap) {
    let listed: Vec<HeaderName> = elements(headers, &CONNECTION)
        .filter_map(|name| HeaderName::from_bytes(name).ok())
        .collect();
    for name in listed {
        headers.remove(name);
    }
    let own: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_of_the_connection(name))
        .cloned()
        .collect();
    for name in own {
        headers.remove(name);
    }
}

/// Whether the sender of a request takes trailers (RFC 9110 §10.1.4).
pub(super) fn accepts_trailers(headers: &HeaderMap) -> bool {
    elements(headers, &TE).any(|coding| coding.eq_ignore_ascii_case(b"trailers"))
}

/// Makes the fields of a request those of the request to the upstream, but for its framing.
pub(super) fn prepare_request(
    headers: &mut HeaderMap,
    client: &Client<'_>,
    policy: Forwarded,
    via: &HeaderValue,
    upgrade: Option<HeaderValue>,
) {
    let with_trailers = accepts_trailers(headers);
    let before = Before::take(headers, policy);
    strip_connection(headers);
    headers.remove(EXPECT);
    headers.remove(CONTENT_LENGTH);
    headers.remove(HOST);
    forward(headers, client, policy, before);
    append_via(headers, client.version, via);
    match upgrade {
        Some(protocols) => {
            headers.insert(UPGRADE, protocols);
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        }
        None if with_trailers => {
            headers.insert(TE, HeaderValue::from_static("trailers"));
            headers.insert(CONNECTION, HeaderValue::from_static("te"));
        }
        None => {}
    }
}

/// Whether a request has come through so many proxies that they must be the same ones.
pub(super) fn loops(headers: &HeaderMap) -> bool {
    elements(headers, &VIA).count() >= MAX_VIA
}

/// What proxies before this one have said of the client.
#[derive(Default)]
struct Before {
    chain: Vec<u8>,
    forwarded: Vec<u8>,
    proto: Option<HeaderValue>,
    host: Option<HeaderValue>,
}

impl Before {
    /// Takes them out, with whatever a server may take for one of them.
    fn take(headers: &mut HeaderMap, policy: Forwarded) -> Self {
        let mut before = Self::default();
        if policy == Forwarded::Append {
            before.chain = list(headers, &X_FORWARDED_FOR);
            // Its elements may hold commas in quotes: whole lines are put together.
            let lines: Vec<_> = headers.get_all(FORWARDED).iter().map(HeaderValue::as_bytes).collect();
            before.forwarded = lines.join(&b", "[..]);
            before.proto = headers.get(X_FORWARDED_PROTO).cloned();
            before.host = headers.get(X_FORWARDED_HOST).cloned();
        }
        let claims: Vec<HeaderName> = headers
            .keys()
            .filter(|name| tells_of_the_client(name))
            .cloned()
            .collect();
        for name in claims {
            headers.remove(name);
        }
        before
    }
}

/// In CGI and its successors `_` and `-` are one.
fn tells_of_the_client(name: &HeaderName) -> bool {
    let name = name.as_str().replace('_', "-");
    name == "forwarded" || name == "x-real-ip" || name.starts_with("x-forwarded-") || name == "x-forwarded"
}

/// Takes out what a CGI program, and its successors, would take for a field of this name.
pub(super) fn remove_alike(headers: &mut HeaderMap, name: &HeaderName) {
    let plain = |name: &HeaderName| name.as_str().replace('_', "-");
    let wanted = plain(name);
    let alike: Vec<HeaderName> = headers.keys().filter(|other| plain(other) == wanted).cloned().collect();
    for name in alike {
        headers.remove(name);
    }
}

fn forward(headers: &mut HeaderMap, client: &Client<'_>, policy: Forwarded, before: Before) {
    if policy == Forwarded::Remove {
        return;
    }
    let address = client.address.map(|address| address.to_canonical());
    if let Some(address) = address {
        insert(
            headers,
            X_FORWARDED_FOR,
            joined(before.chain, address.to_string().as_bytes()),
        );
        insert(headers, X_REAL_IP, address.to_string().into_bytes());
    }
    headers.insert(
        X_FORWARDED_PROTO,
        before.proto.unwrap_or(HeaderValue::from_static(client.scheme)),
    );
    if let Some(host) = before.host.or_else(|| HeaderValue::try_from(client.host?).ok()) {
        headers.insert(X_FORWARDED_HOST, host);
    }
    let node = match address {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => format!("\"[{address}]\""),
        None => "unknown".to_owned(),
    };
    let mut element = format!("for={node};proto={}", client.scheme);
    if let Some(host) = client.host {
        element.push_str(&format!(
            ";host=\"{}\"",
            host.replace('\\', "\\\\").replace('"', "\\\"")
        ));
    }
    insert(headers, FORWARDED, joined(before.forwarded, element.as_bytes()));
}

/// RFC 9110 §7.6.3.
fn append_via(headers: &mut HeaderMap, version: Version, name: &HeaderValue) {
    let version = match version {
        Version::HTTP_10 => "1.0",
        Version::HTTP_2 => "2.0",
        Version::HTTP_3 => "3.0",
        _ => "1.1",
    };
    let before = list(headers, &VIA);
    let own = [version.as_bytes(), b" ", name.as_bytes()].concat();
    insert(headers, VIA, joined(before, &own));
}

/// All elements in one line.
fn list(headers: &HeaderMap, name: &HeaderName) -> Vec<u8> {
    elements(headers, name).collect::<Vec<_>>().join(&b", "[..])
}

fn joined(mut list: Vec<u8>, element: &[u8]) -> Vec<u8> {
    if !list.is_empty() {
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(element);
    list
}

pub(super) fn insert(headers: &mut HeaderMap, name: HeaderName, value: Vec<u8>) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// The elements of all lines of a list (RFC 9110 §5.6.1); quoted strings are not looked into.
pub(super) fn elements<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h [u8]> {
    headers.get_all(name).iter().flat_map(|line| {
        let elements = line.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        elements.filter(|element| !element.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(fields: &[(&str, &str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| {
                let name = HeaderName::try_from(*name).expect("valid");
                (name, HeaderValue::try_from(*value).expect("valid"))
            })
            .collect()
    }

    fn client() -> Client<'static> {
        Client {
            address: Some(IpAddr::from([192, 0, 2, 7])),
            scheme: "https",
            host: Some("site.example"),
            version: Version::HTTP_11,
        }
    }

    fn prepared(fields: &[(&str, &str)], policy: Forwarded) -> HeaderMap {
        let mut headers = map(fields);
        prepare_request(&mut headers, &client(), policy, &HeaderValue::from_static("me"), None);
        headers
    }

    #[test]
    fn what_concerns_the_connection_is_taken_out_with_all_that_it_names() {
        let headers = prepared(
            &[
                ("connection", "close, X-Secret ,, keep-alive,\"odd\", te"),
                ("x-secret", "1"),
                ("keep-alive", "timeout=5"),
                ("proxy-connection", "keep-alive"),
                ("proxy-authorization", "Basic x"),
                ("te", "gzip"),
                ("transfer-encoding", "chunked"),
                ("upgrade", "websocket"),
                ("expect", "100-continue"),
                ("content-length", "3"),
                ("accept", "*/*"),
            ],
            Forwarded::Remove,
        );
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "via"]);
    }

    #[test]
    fn what_a_client_claims_to_be_is_replaced_and_connection_can_not_take_it_out() {
        let headers = prepared(
            &[
                ("connection", "x-forwarded-for, forwarded, via"),
                ("x-forwarded-for", "127.0.0.1"),
                ("x_forwarded_for", "127.0.0.1"),
                ("x-real-ip", "127.0.0.1"),
                ("x-forwarded-port", "1"),
                ("forwarded", "for=127.0.0.1"),
            ],
            Forwarded::Replace,
        );
        assert_eq!(headers["x-forwarded-for"], "192.0.2.7");
        assert_eq!(headers["x-real-ip"], "192.0.2.7");
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["x-forwarded-host"], "site.example");
        assert_eq!(headers["forwarded"], "for=192.0.2.7;proto=https;host=\"site.example\"");
        assert_eq!(headers["via"], "1.1 me");
        assert!(!headers.contains_key("x-forwarded-port") && !headers.contains_key("x_forwarded_for"));
    }

    #[test]
    fn what_trusted_proxies_said_is_added_to() {
        let headers = prepared(
            &[
                ("x-forwarded-for", "10.0.0.1"),
                ("x-forwarded-for", "10.0.0.2"),
                ("x-forwarded-proto", "http"),
                ("forwarded", "for=10.0.0.1"),
                ("via", "1.0 outer"),
            ],
            Forwarded::Append,
        );
        assert_eq!(headers["x-forwarded-for"], "10.0.0.1, 10.0.0.2, 192.0.2.7");
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(
            headers["forwarded"],
            "for=10.0.0.1, for=192.0.2.7;proto=https;host=\"site.example\""
        );
        assert_eq!(headers["via"], "1.0 outer, 1.1 me");
    }
}
