//! From the fields of a HEADERS frame to a head that reads as one that came over HTTP/1.1.

use http::header::{CONTENT_LENGTH, COOKIE, EXPECT, HOST};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use hyperlane_core::{ConnectProtocol, Head};
use hyperlane_proto::h1::is_valid_host;

use crate::Config;

/// A request that is acceptable.
pub(crate) struct Accepted {
    pub(crate) head: Head,
    /// Of an extended CONNECT (RFC 8441).
    pub(crate) protocol: Option<ConnectProtocol>,
    pub(crate) head_request: bool,
    /// The client waits for our word before it sends (RFC 9110 §10.1.1).
    pub(crate) expect_continue: bool,
    /// What `content-length` says. The `h2` crate holds the client to it.
    pub(crate) length: Option<u64>,
}

/// What is answered instead of the service.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) why: String,
    pub(crate) head_request: bool,
}

/// Reads the head of a request.
///
/// The `h2` crate has seen to pseudo-header fields, names, fields of a connection and the length of the body
/// (RFC 9113 §8.1.1, §8.2, §8.3).
pub(crate) fn read(mut parts: http::request::Parts, config: &Config) -> Result<Accepted, Refusal> {
    let head_request = parts.method == Method::HEAD;
    match check(&mut parts, config) {
        Ok((protocol, length)) => {
            let expect_continue = parts.headers.contains_key(EXPECT);
            parts.extensions.clear();
            Ok(Accepted {
                head: Head::from(parts),
                protocol,
                head_request,
                expect_continue,
                length,
            })
        }
        Err((status, why)) => Err(Refusal {
            status,
            why,
            head_request,
        }),
    }
}

type Refused = (StatusCode, String);

fn refused<T>(status: StatusCode, why: impl Into<String>) -> Result<T, Refused> {
    Err((status, why.into()))
}

fn bad<T>(why: &'static str) -> Result<T, Refused> {
    refused(StatusCode::BAD_REQUEST, why)
}

/// Finds what the head must not be, and makes it what it would be in HTTP/1.1: the host is in `Host`, the target has the
/// path alone, and there is one `Cookie`.
fn check(parts: &mut http::request::Parts, config: &Config) -> Result<(Option<ConnectProtocol>, Option<u64>), Refused> {
    let protocol = parts.extensions.remove::<h2::ext::Protocol>();
    if parts.method == Method::CONNECT && protocol.is_none() {
        return refused(StatusCode::NOT_IMPLEMENTED, "this server opens no tunnels");
    }
    check_target(parts, config)?;
    check_host(parts)?;
    let fields = &mut parts.headers;
    // Browsers split cookies for the sake of compression: however many they are, they count as one (§8.2.3).
    let mut crumbs = fields.get_all(COOKIE).iter();
    let joined = match (crumbs.next(), crumbs.next()) {
        (Some(_), Some(_)) => Some(join_cookies(fields)),
        _ => None,
    };
    if let Some(joined) = joined
        && let Ok(joined) = HeaderValue::from_maybe_shared(bytes::Bytes::from(joined))
    {
        fields.insert(COOKIE, joined);
    }
    if fields.len() > config.header_count_limit {
        let why = format!("request has more than {} header fields", config.header_count_limit);
        return refused(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, why);
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let surrounded = |value: &HeaderValue| {
        let bytes = value.as_bytes();
        bytes.first().is_some_and(is_space) || bytes.last().is_some_and(is_space)
    };
    if fields.values().any(surrounded) {
        return bad("whitespace around the value of a header field (RFC 9113 section 8.2.1)");
    }
    if let Some(expectation) = fields.get(EXPECT)
        && !expectation.as_bytes().eq_ignore_ascii_case(b"100-continue")
    {
        return refused(StatusCode::EXPECTATION_FAILED, "expectation is not 100-continue");
    }
    let length = content_length(fields)?;
    Ok((protocol.map(|protocol| ConnectProtocol::new(protocol.as_str())), length))
}

/// The target keeps its path and query; `*` is for OPTIONS (RFC 9113 §8.3.1).
fn check_target(parts: &mut http::request::Parts, config: &Config) -> Result<(), Refused> {
    if parts.uri.path().is_empty() {
        return bad("request has no path");
    }
    let target = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    if target.len() > config.request_line_limit {
        let why = format!("request target exceeds {} bytes", config.request_line_limit);
        return refused(StatusCode::URI_TOO_LONG, why);
    }
    let asterisk = target == "*" && parts.method == Method::OPTIONS;
    if !target.starts_with('/') && !asterisk {
        return bad("path of the request does not begin with a slash");
    }
    Ok(())
}

/// `:authority` and `Host` are one thing, and must be there, valid and the same (RFC 9113 §8.3.1).
fn check_host(parts: &mut http::request::Parts) -> Result<(), Refused> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return bad("request has more than one host");
    }
    let named = match (parts.uri.authority(), host) {
        (None, None) => return bad("request names no host"),
        (None, Some(host)) => host.as_bytes(),
        (Some(authority), None) => authority.as_str().as_bytes(),
        (Some(authority), Some(host)) => {
            if !host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) {
                return bad("host of the request differs from its authority");
            }
            host.as_bytes()
        }
    };
    if !is_valid_host(named) {
        return bad("host of the request is invalid");
    }
    if host.is_none()
        && let Ok(value) = HeaderValue::from_bytes(named)
    {
        parts.headers.insert(HOST, value);
    }
    // A request that names its host in `Host` has a target without it.
    let path = std::mem::take(&mut parts.uri).into_parts().path_and_query;
    parts.uri = path.map_or_else(Uri::default, Uri::from);
    Ok(())
}

fn join_cookies(fields: &HeaderMap) -> Vec<u8> {
    let mut joined = Vec::new();
    for crumb in fields.get_all(COOKIE) {
        if !joined.is_empty() {
            joined.extend_from_slice(b"; ");
        }
        joined.extend_from_slice(crumb.as_bytes());
    }
    joined
}

/// One length, in digits, as HTTP/1.1 is held to.
fn content_length(fields: &HeaderMap) -> Result<Option<u64>, Refused> {
    let mut lengths = fields.get_all(CONTENT_LENGTH).iter();
    let Some(length) = lengths.next() else {
        return Ok(None);
    };
    if lengths.next().is_some() {
        return bad("request has more than one content-length");
    }
    let digits = length.as_bytes();
    let number = std::str::from_utf8(digits)
        .ok()
        .filter(|_| digits.iter().all(u8::is_ascii_digit));
    match number.and_then(|number| number.parse().ok()) {
        Some(length) => Ok(Some(length)),
        None => bad("content-length is no number"),
    }
}
