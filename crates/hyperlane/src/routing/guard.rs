//! Conditions beyond method and path.

use std::fmt;
use std::sync::Arc;

use hyperlane_core::Head;

type Check = dyn Fn(&Head) -> bool + Send + Sync;

/// A condition on a request's head under which a route is meant.
///
/// Several routes with guards may stand on one method and pattern: they are tried in the order of registration, and
/// one without guards last. Where none is meant, the answer is 404.
///
/// ```
/// use hyperlane::*;
///
/// async fn second() -> &'static str { "version 2" }
/// async fn first() -> &'static str { "version 1" }
///
/// let server = Server::new();
/// server
///     .get("/items", Route::new(second).guard(Guard::header("x-api-version", "2")))
///     .get("/items", first);
/// ```
#[derive(Clone)]
pub struct Guard {
    what: Arc<str>,
    /// Why it would never admit a request.
    problem: Option<&'static str>,
    check: Arc<Check>,
}

impl Guard {
    /// A condition of your own; `what` describes it in the route table.
    pub fn new(what: impl Into<Arc<str>>, check: impl Fn(&Head) -> bool + Send + Sync + 'static) -> Self {
        Self {
            what: what.into(),
            problem: None,
            check: Arc::new(check),
        }
    }

    /// A header has exactly this value, in one of its lines.
    pub fn header(name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        Self::new(format!("{name}: {value}"), move |head| {
            head.header_all(&name).any(|line| line == value.as_bytes())
        })
    }

    /// A header is there, whatever it says.
    pub fn has_header(name: impl Into<String>) -> Self {
        let name = name.into();
        Self::new(format!("{name}: *"), move |head| {
            head.header_all(&name).next().is_some()
        })
    }

    /// The request is for this host, whatever the port (RFC 9110 §7.2): `example.com`, or `*.example.com` for all
    /// hosts below it. It is what the client claims.
    ///
    /// To serve whole hosts apart see [`Server::host`](crate::Server::host).
    pub fn host(host: impl Into<String>) -> Self {
        let host = HostPattern::new(&host.into());
        let problem = host.problem();
        let guard = Self::new(format!("host {host}"), move |head| {
            head.authority().is_some_and(|authority| host.matches(authority))
        });
        Self { problem, ..guard }
    }

    /// What is wrong with it, which is an error of `run`.
    pub(super) fn problem(&self) -> Option<&'static str> {
        self.problem
    }

    pub(super) fn admits(&self, head: &Head) -> bool {
        (self.check)(head)
    }

    pub(super) fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Guard").field(&self.what).finish()
    }
}

/// A host, or all hosts below a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct HostPattern {
    /// In lower case, without `*`: `example.com`, or `.example.com`.
    name: String,
    below: bool,
}

impl HostPattern {
    pub(super) fn new(host: &str) -> Self {
        // A dot at the end says that it is a whole name (RFC 1034 §3.1), which all are here.
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        match host.strip_prefix('*') {
            Some(below) => Self {
                name: below.to_owned(),
                below: true,
            },
            None => Self {
                name: host,
                below: false,
            },
        }
    }

    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let bare = self.name.strip_prefix('.').unwrap_or(&self.name);
        if self.below && !self.name.starts_with('.') {
            Some("`*` stands for whole labels: write `*.example.com`")
        } else if bare.is_empty()
            || bare.contains(['/', '*', ' ', '@'])
            || bare.contains(|c: char| c.is_ascii_control())
        {
            Some("it is no host name")
        } else if !bare.is_ascii() {
            Some("clients send names in ascii: write it in that form, which begins with `xn--`")
        } else if !bare.starts_with('[') && bare.contains(':') {
            Some("leave the port away: a host is meant on all ports")
        } else {
            None
        }
    }

    /// Whether `authority`, which may have a port, is this host.
    pub(super) fn matches(&self, authority: &str) -> bool {
        let host = host_of(authority).as_bytes();
        let name = self.name.as_bytes();
        match (self.below, host.len().checked_sub(name.len())) {
            (false, Some(0)) => host.eq_ignore_ascii_case(name),
            (true, Some(rest)) if rest > 0 => host.get(rest..).is_some_and(|end| end.eq_ignore_ascii_case(name)),
            _ => false,
        }
    }

    /// The host, or the domain behind the `*`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it stands for one host, which goes before those that stand for many.
    pub(super) fn is_exact(&self) -> bool {
        !self.below
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.below { "*" } else { "" };
        write!(f, "{star}{}", self.name)
    }
}

/// The host of `host:port`, without a dot at its end (RFC 9110 §7.2, RFC 1034 §3.1).
fn host_of(authority: &str) -> &str {
    let host = match authority.rfind(':') {
        // In `[::1]` a colon is part of the host.
        Some(colon) if !authority[colon..].contains(']') => &authority[..colon],
        _ => authority,
    };
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_compared_without_case_port_and_last_dot() {
        let exact = HostPattern::new("API.example.com");
        for authority in [
            "api.example.com",
            "API.Example.COM:8080",
            "api.example.com.",
            "api.example.com.:80",
        ] {
            assert!(exact.matches(authority), "{authority}");
        }
        for authority in ["example.com", "xapi.example.com", "api.example.com.evil.org", "", ":80"] {
            assert!(!exact.matches(authority), "{authority}");
        }
        assert!(HostPattern::new("[::1]").matches("[::1]:80"));
    }

    #[test]
    fn a_star_stands_for_at_least_one_label() {
        let below = HostPattern::new("*.example.com");
        assert!(below.matches("a.example.com:1") && below.matches("a.b.example.com"));
        assert!(!below.matches("example.com") && !below.matches(".example.com") && !below.matches("aexample.com"));
    }

    #[test]
    fn what_is_no_host_is_said() {
        for host in [
            "*example.com",
            "",
            "*.",
            ".",
            "a/b",
            "example.com:80",
            "a@b",
            "b\u{fc}cher.example",
            "a\n",
        ] {
            assert!(HostPattern::new(host).problem().is_some(), "{host}");
        }
        for host in [
            "example.com",
            "example.com.",
            "*.example.com",
            "localhost",
            "[::1]",
            "127.0.0.1",
        ] {
            assert!(HostPattern::new(host).problem().is_none(), "{host}");
        }
        assert!(HostPattern::new("example.com.").matches("example.com"));
    }
}
