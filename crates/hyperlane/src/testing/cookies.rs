//! The cookies of a client, kept and sent by the rules of RFC 6265.

use std::time::Duration;

use cookie::time::OffsetDateTime;
use cookie::{Cookie, SameSite};
use tokio::time::Instant;

/// Cookies between requests.
///
/// It differs from a browser's in two points: `Secure` is no hindrance, as browsers take connections to their own
/// machine for secure, and ages are counted by the clock of tokio, which can be paused.
#[derive(Debug, Default)]
pub(super) struct Jar {
    cookies: Vec<Stored>,
}

#[derive(Debug)]
struct Stored {
    name: String,
    value: String,
    domain: String,
    /// Whether subdomains are meant too.
    below: bool,
    path: String,
    expires: Option<Instant>,
}

impl Jar {
    /// Keeps what a `Set-Cookie` line says (RFC 6265 §5.2); what is malformed, or no browser would take, is left out.
    pub(super) fn store(&mut self, host: &str, path: &str, line: &str) {
        if let Ok(cookie) = Cookie::parse(line)
            && keeps_promises(&cookie)
        {
            self.insert(host, path, &cookie);
        }
    }

    /// Keeps a cookie, instead of the one of the same name, domain and path; one that has expired removes it
    /// (RFC 6265 §5.3).
    pub(super) fn insert(&mut self, host: &str, request_path: &str, cookie: &Cookie<'_>) {
        let host = host_name(host);
        let (domain, below) = match cookie.domain().filter(|domain| !domain.is_empty()) {
            Some(domain) => (domain.to_ascii_lowercase(), true),
            None => (host.clone(), false),
        };
        if !domain_matches(&host, &domain) {
            return;
        }
        let path = match cookie.path() {
            Some(path) if path.starts_with('/') => path.to_owned(),
            _ => default_path(request_path).to_owned(),
        };
        let expires = expiry(cookie);
        self.cookies
            .retain(|old| (old.name.as_str(), &old.domain, &old.path) != (cookie.name(), &domain, &path));
        if expires.is_none_or(|end| end > Instant::now()) {
            self.cookies.push(Stored {
                name: cookie.name().to_owned(),
                value: cookie.value().to_owned(),
                domain,
                below,
                path,
                expires,
            });
        }
    }

    /// Names and values for a request, those with the longest path first (RFC 6265 §5.4).
    pub(super) fn pairs(&mut self, host: &str, request_path: &str) -> Vec<(String, String)> {
        let host = host_name(host);
        let now = Instant::now();
        self.cookies.retain(|cookie| cookie.expires.is_none_or(|end| end > now));
        let mut found: Vec<_> = self
            .cookies
            .iter()
            .filter(|cookie| {
                let host_fits = if cookie.below {
                    domain_matches(&host, &cookie.domain)
                } else {
                    host == cookie.domain
                };
                host_fits && path_matches(request_path, &cookie.path)
            })
            .collect();
        found.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        found
            .iter()
            .map(|cookie| (cookie.name.clone(), cookie.value.clone()))
            .collect()
    }

    /// The value of a cookie that has not expired, whatever its host and path.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let now = Instant::now();
        let lives = |cookie: &&Stored| cookie.name == name && cookie.expires.is_none_or(|end| end > now);
        self.cookies.iter().find(lives).map(|cookie| cookie.value.clone())
    }
}

/// What a cookie's name and `SameSite=None` promise of its other attributes (RFC 6265bis §4.1.3, §5.7): without it
/// browsers refuse the cookie.
fn keeps_promises(cookie: &Cookie<'_>) -> bool {
    let begins_with = |prefix: &str| {
        let start = cookie.name().get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let secure = cookie.secure().unwrap_or(false);
    let needs_secure = begins_with("__Secure-") || begins_with("__Host-") || cookie.same_site() == Some(SameSite::None);
    let bound_to_host = cookie.path() == Some("/") && cookie.domain().is_none_or(str::is_empty);
    (secure || !needs_secure) && (bound_to_host || !begins_with("__Host-"))
}

/// `Max-Age` goes before `Expires` (RFC 6265 §5.3). `None` lives as long as the client.
fn expiry(cookie: &Cookie<'_>) -> Option<Instant> {
    let seconds = match cookie.max_age() {
        Some(age) => age.whole_seconds(),
        None => (cookie.expires_datetime()? - OffsetDateTime::now_utc()).whole_seconds(),
    };
    let now = Instant::now();
    let left = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    // One that can't be reckoned is beyond any test.
    now.checked_add(left)
}

/// The host without its port, in lower case.
fn host_name(authority: &str) -> String {
    let end = match authority.rfind(':') {
        Some(colon) if !authority.ends_with(']') => colon,
        _ => authority.len(),
    };
    authority[..end].to_ascii_lowercase()
}

/// RFC 6265 §5.1.3.
fn domain_matches(host: &str, domain: &str) -> bool {
    match host.strip_suffix(domain) {
        Some(rest) => rest.is_empty() || rest.ends_with('.') && host.parse::<std::net::IpAddr>().is_err(),
        None => false,
    }
}

/// RFC 6265 §5.1.4.
fn default_path(request_path: &str) -> &str {
    match request_path.rfind('/') {
        Some(end) if end > 0 => &request_path[..end],
        _ => "/",
    }
}

/// RFC 6265 §5.1.4.
fn path_matches(request_path: &str, cookie_path: &str) -> bool {
    request_path
        .strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || cookie_path.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(jar: &mut Jar, host: &str, path: &str) -> String {
        let pairs = jar.pairs(host, path);
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    #[test]
    fn a_cookie_goes_to_its_path_and_what_is_below_it() {
        let mut jar = Jar::default();
        jar.store("a", "/shop/cart", "near=1");
        jar.store("a", "/shop/cart", "all=2; Path=/");
        for (path, expected) in [
            ("/shop", "near=1; all=2"),
            ("/shop/x/y", "near=1; all=2"),
            ("/shopping", "all=2"),
            ("/", "all=2"),
        ] {
            assert_eq!(sent(&mut jar, "a", path), expected, "{path}");
        }
    }

    #[test]
    fn a_cookie_goes_to_its_host_and_with_a_domain_to_those_below_it() {
        let mut jar = Jar::default();
        jar.store("www.example.com:8080", "/", "own=1");
        jar.store("www.example.com", "/", "all=2; Domain=.Example.com");
        jar.store("www.example.com", "/", "foreign=3; Domain=example.org");
        for (host, expected) in [
            ("WWW.example.com", "own=1; all=2"),
            ("example.com:81", "all=2"),
            ("notexample.com", ""),
            ("a.www.example.com", "all=2"),
        ] {
            assert_eq!(sent(&mut jar, host, "/"), expected, "{host}");
        }
    }

    /// RFC 6265bis §4.1.3, §5.7.
    #[test]
    fn a_cookie_that_no_browser_would_take_is_not_kept() {
        for line in [
            "__Host-a=1; Path=/",
            "__Host-a=1; Secure",
            "__Host-a=1; Secure; Path=/; Domain=a.example",
            "__host-a=1; Secure; Path=/x",
            "__Secure-a=1; Path=/",
            "a=1; SameSite=None",
        ] {
            let mut jar = Jar::default();
            jar.store("a.example", "/", line);
            assert_eq!(sent(&mut jar, "a.example", "/x"), "", "{line}");
        }
        let mut jar = Jar::default();
        jar.store("a", "/", "__Host-a=1; Secure; Path=/");
        jar.store("a", "/", "b=2; Secure; SameSite=None");
        assert_eq!(sent(&mut jar, "a", "/"), "__Host-a=1; b=2");
    }

    #[test]
    fn a_cookie_is_replaced_and_removed_by_name_and_path() {
        let mut jar = Jar::default();
        jar.store("a", "/", "x=1");
        jar.store("a", "/", "x=2");
        assert_eq!(sent(&mut jar, "a", "/"), "x=2");
        jar.store("a", "/", "x=; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(sent(&mut jar, "a", "/"), "");
        jar.store("a", "/", "y=1; Max-Age=-5");
        assert_eq!(jar.get("y"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn an_age_is_counted_by_paused_time() {
        let mut jar = Jar::default();
        jar.store("a", "/", "x=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
        tokio::time::advance(Duration::from_secs(59)).await;
        assert_eq!(jar.get("x").as_deref(), Some("1"));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!((jar.get("x"), sent(&mut jar, "a", "/")), (None, String::new()));
    }
}
