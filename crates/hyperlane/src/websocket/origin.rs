//! Which pages may open a socket: browsers send the user's cookies along, whoever wrote the page (RFC 6455 §10.2).

use http::Uri;

/// The origins of pages that may open a socket.
#[derive(Clone, Debug)]
pub(super) enum Origins {
    /// The host that the request is for.
    Same,
    /// That, and these.
    These(Vec<String>),
    /// Whatever they are.
    Any,
}

impl Origins {
    /// Whether a page of this origin may. The scheme of its own host is not compared: it is not known behind a proxy.
    pub(super) fn admit(&self, origin: &str, host: Option<&str>) -> bool {
        let listed = match self {
            Self::Any => return true,
            Self::Same => false,
            Self::These(listed) => listed.iter().any(|it| same_origin(it, origin)),
        };
        let own = || match (parts(origin), host) {
            (Some((scheme, authority)), Some(host)) => bare(scheme, authority) == bare(scheme, host),
            _ => false,
        };
        listed || own()
    }
}

/// Whether it is a scheme and a host, without a path.
pub(super) fn is_origin(text: &str) -> bool {
    parts(text).is_some()
}

fn same_origin(a: &str, b: &str) -> bool {
    match (parts(a), parts(b)) {
        (Some((a_scheme, a)), Some((b_scheme, b))) => {
            a_scheme.eq_ignore_ascii_case(b_scheme) && bare(a_scheme, a) == bare(b_scheme, b)
        }
        _ => false,
    }
}

/// Scheme and authority of a serialized origin (RFC 6454 §6.2); `null` has none.
fn parts(origin: &str) -> Option<(&str, &str)> {
    let (scheme, authority) = origin.split_once("://")?;
    let plain = !authority.is_empty() && !authority.contains(['/', '@', '?', '#']);
    let valid = plain && origin.parse::<Uri>().is_ok_and(|uri| uri.authority().is_some());
    valid.then_some((scheme, authority))
}

/// An authority without the port that its scheme has anyway (RFC 9110 §4.2.3).
fn bare(scheme: &str, authority: &str) -> String {
    let secure = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("wss");
    let default = if secure { ":443" } else { ":80" };
    authority
        .strip_suffix(default)
        .unwrap_or(authority)
        .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_another_host_or_port_is_foreign() {
        for (origin, host, same) in [
            ("http://a.example", "A.example", true),
            ("https://a.example", "a.example:443", true),
            ("http://a.example:8080", "a.example:8080", true),
            ("http://a.example:8080", "a.example", false),
            ("http://a.example.evil", "a.example", false),
            ("http://evil/a.example", "a.example", false),
            ("http://a.example@evil", "a.example", false),
            ("null", "a.example", false),
            ("", "a.example", false),
        ] {
            assert_eq!(Origins::Same.admit(origin, Some(host)), same, "{origin} {host}");
        }
    }

    #[test]
    fn listed_origins_are_admitted_beside_the_own_one() {
        let origins = Origins::These(vec!["https://app.example".to_owned()]);
        assert!(origins.admit("https://APP.example:443", Some("api.example")));
        assert!(origins.admit("https://api.example", Some("api.example")));
        assert!(!origins.admit("http://app.example", Some("api.example")));
        assert!(!origins.admit("https://other.example", Some("api.example")));
    }
}
