//! Redirects: where they lead, and with which method.

use http::header::LOCATION;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, StatusCode, Uri};

/// A request that a response asks for instead.
pub(super) struct Redirect {
    pub(super) method: Method,
    /// Whether the body goes along.
    pub(super) keeps_body: bool,
    /// The host, where the location names one.
    pub(super) host: Option<String>,
    pub(super) target: String,
}

impl Redirect {
    /// What a response asks for, if it is a redirect (RFC 9110 §15.4). As browsers do, a `POST` becomes a `GET` by 301
    /// and 302.
    pub(super) fn read(status: StatusCode, headers: &HeaderMap, method: &Method, target: &Uri) -> Option<Self> {
        let keeps = match status.as_u16() {
            301 | 302 => *method != Method::POST,
            303 => matches!(*method, Method::GET | Method::HEAD),
            307 | 308 => true,
            _ => return None,
        };
        let location = headers.get(LOCATION)?.to_str().ok()?;
        let (host, target) = resolve(location, target);
        Some(Self {
            method: if keeps { method.clone() } else { Method::GET },
            keeps_body: keeps,
            host,
            target,
        })
    }
}

/// A reference relative to the request's target (RFC 3986 §5.2): the host, if it names one, and the target.
fn resolve(location: &str, base: &Uri) -> (Option<String>, String) {
    let location = location.split('#').next().unwrap_or_default();
    let after_scheme = match location.split_once("://") {
        Some((scheme, rest)) if !scheme.contains(['/', '?']) => Some(rest),
        _ => location.strip_prefix("//"),
    };
    if let Some(rest) = after_scheme {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, target) = rest.split_at(end);
        let slash = if target.starts_with('/') { "" } else { "/" };
        // Who is asked, without who asks (RFC 3986 §3.2.1).
        let host = host.rsplit('@').next().unwrap_or_default();
        return (Some(host.to_owned()), without_dots(&format!("{slash}{target}")));
    }
    let path = base.path();
    let target = match location.bytes().next() {
        None => base.path_and_query().map_or("/", PathAndQuery::as_str).to_owned(),
        Some(b'/') => without_dots(location),
        Some(b'?') => format!("{path}{location}"),
        Some(_) => {
            let folder = path.rfind('/').map_or("/", |slash| &path[..=slash]);
            without_dots(&format!("{folder}{location}"))
        }
    };
    (None, target)
}

/// RFC 3986 §5.2.4, for paths that begin with a slash.
fn without_dots(target: &str) -> String {
    let end = target.find('?').unwrap_or(target.len());
    let (path, query) = target.split_at(end);
    let mut segments: Vec<&str> = Vec::new();
    let mut pieces = path.split('/').skip(1).peekable();
    while let Some(piece) = pieces.next() {
        let last = pieces.peek().is_none();
        match piece {
            "." => {}
            ".." => {
                segments.pop();
            }
            _ => {
                segments.push(piece);
                continue;
            }
        }
        if last {
            segments.push("");
        }
    }
    format!("/{}{query}", segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_read_relative_to_the_target() {
        let base: Uri = "/a/b?q=1".parse().unwrap();
        for (location, target) in [
            ("/x?y=2#z", "/x?y=2"),
            ("x", "/a/x"),
            ("../x/./y", "/x/y"),
            ("../../../x/..", "/"),
            ("./?y=../z", "/a/?y=../z"),
            ("?y=2", "/a/b?y=2"),
            ("", "/a/b?q=1"),
            ("x?u=http://h/", "/a/x?u=http://h/"),
        ] {
            assert_eq!(resolve(location, &base), (None, target.to_owned()), "{location}");
        }
        for (location, host, target) in [
            ("https://h:1/x?y", "h:1", "/x?y"),
            ("//h", "h", "/"),
            ("http://h?y", "h", "/?y"),
            ("http://u:p@h/a/../b?c=/../d", "h", "/b?c=/../d"),
        ] {
            assert_eq!(
                resolve(location, &base),
                (Some(host.to_owned()), target.to_owned()),
                "{location}"
            );
        }
    }

    #[test]
    fn the_method_stays_or_becomes_get() {
        let headers = HeaderMap::from_iter([(LOCATION, "/x".parse().unwrap())]);
        let base = Uri::from_static("/");
        for (status, method, expected) in [
            (301, Method::POST, Some("GET")),
            (302, Method::PUT, Some("PUT")),
            (303, Method::PUT, Some("GET")),
            (303, Method::HEAD, Some("HEAD")),
            (307, Method::POST, Some("POST")),
            (308, Method::POST, Some("POST")),
            (304, Method::GET, None),
            (201, Method::POST, None),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let redirect = Redirect::read(status, &headers, &method, &base);
            let found = redirect.as_ref().map(|redirect| redirect.method.as_str());
            assert_eq!(found, expected, "{status} {method}");
        }
    }
}
