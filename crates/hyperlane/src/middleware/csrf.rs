//! Protection against requests that other sites make a user's browser send.

use http::header::UPGRADE;
use http::{Method, StatusCode, Uri};
use hyperlane_core::Response;

use super::refusal::refusal;
use super::{Middleware, Next};
use crate::context::Context;
use crate::extract::Requirements;

/// Answers 403 to requests that change something and that a browser sends on behalf of another site. No tokens.
///
/// `GET`, `HEAD` and `OPTIONS` pass: they must not change anything (RFC 9110 §9.2.1), unless they ask for an upgrade,
/// since a WebSocket of another site could do anything in the user's name (RFC 6455 §10.2); so it is with the `CONNECT` by
/// which WebSockets begin in HTTP/2 (RFC 8441). Others pass if `Sec-Fetch-Site`
/// is `same-origin` or `none`; where that header is missing, if `Origin` names the host that the request is for; and
/// where both are missing, since all browsers of today send one of them and no other client is tricked into sending
/// another one's cookies. Origins that are [`trusted`](Self::trust) always pass.
///
/// `Origin` and host are compared without the scheme, which is not known behind a proxy: send
/// `Strict-Transport-Security` ([`SecurityHeaders`](super::SecurityHeaders)), so that no page is loaded without TLS. A
/// proxy in front has to leave `Host` as it is.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::Csrf;
///
/// let server = Server::new();
/// server
///     .middleware(Csrf::new().trust("https://pay.example"))
///     .post("/transfer", async || "done");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Csrf {
    trusted: Vec<String>,
    /// What was given as an origin and is none.
    problems: Vec<String>,
}

impl Csrf {
    /// Admits no other origin.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets pages of this origin send requests: `https://pay.example`, with the port where it is not that of the
    /// scheme. What is no origin (a scheme and a host, without a path) is an error of
    /// [`Server::run`](crate::Server::run).
    #[must_use]
    pub fn trust(mut self, origin: &str) -> Self {
        if origin_host(origin).is_some() {
            self.trusted.push(origin.to_ascii_lowercase());
        } else {
            self.problems.push(format!(
                "`{origin}` is no origin: write scheme and host without a path, like `https://pay.example`"
            ));
        }
        self
    }

    fn admit(&self, ctx: &Context) -> Result<(), &'static str> {
        let safe = matches!(*ctx.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        if safe && !ctx.headers().contains_key(UPGRADE) {
            return Ok(());
        }
        // A header that is there and can't be read is none of ours.
        let one = |name| {
            let mut values = ctx.headers().get_all(name).iter();
            match (values.next(), values.next()) {
                (None, _) => Ok(None),
                (Some(value), None) => value.to_str().map(Some).map_err(|_| "is not ascii"),
                _ => Err("is there twice"),
            }
        };
        let site = one("sec-fetch-site").map_err(|_| "request has a bad `sec-fetch-site`")?;
        let origin = one("origin").map_err(|_| "request has a bad `origin`")?;
        let trusted = origin.is_some_and(|origin| self.trusted.iter().any(|it| origin.eq_ignore_ascii_case(it)));
        match (site, origin) {
            _ if trusted => Ok(()),
            (Some("same-origin" | "none"), _) | (None, None) => Ok(()),
            (Some(_), _) => Err("request comes from another site"),
            (None, Some(origin)) => match (origin_host(origin), ctx.host()) {
                (Some(origin), Some(host)) if same_host(origin, host) => Ok(()),
                _ => Err("request comes from another origin than the host that it is for"),
            },
        }
    }
}

impl Middleware for Csrf {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        match self.admit(&ctx) {
            Ok(()) => next.run(ctx).await,
            Err(reason) => {
                tracing::warn!(path = ctx.path(), reason, "a request from another site was refused");
                refusal(StatusCode::FORBIDDEN, reason)
            }
        }
    }

    fn check(&self, needs: &mut Requirements) {
        self.problems.iter().for_each(|problem| needs.problem(problem));
    }
}

/// Scheme and authority of a serialized origin (RFC 6454 §6.2); `null` has none.
fn origin_host(origin: &str) -> Option<(&str, &str)> {
    let (scheme, host) = origin.split_once("://")?;
    let valid = origin.parse::<Uri>().is_ok_and(|uri| uri.authority().is_some());
    let plain = !host.contains(['/', '@', '?', '#']) && !host.is_empty();
    (valid && plain).then_some((scheme, host))
}

/// Whether they name one host and port. The port of the scheme may be left out on either side (RFC 9110 §4.2.3).
fn same_host((scheme, origin): (&str, &str), host: &str) -> bool {
    let default = if scheme.eq_ignore_ascii_case("https") {
        ":443"
    } else {
        ":80"
    };
    let bare = |text: &str| text.strip_suffix(default).unwrap_or(text).to_ascii_lowercase();
    bare(origin) == bare(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_and_a_host() {
        for origin in [
            "null",
            "",
            "https://",
            "https://a/",
            "https://u@a",
            "a.example",
            "https://a?b",
            "https://a b",
        ] {
            assert_eq!(origin_host(origin), None, "{origin}");
        }
        assert_eq!(origin_host("https://a.example:8443"), Some(("https", "a.example:8443")));
    }

    #[test]
    fn hosts_are_compared_with_their_ports() {
        for (scheme, origin, host, same) in [
            ("https", "a.example", "A.example", true),
            ("https", "a.example", "a.example:443", true),
            ("http", "a.example:80", "a.example", true),
            ("https", "a.example", "a.example:80", false),
            ("https", "a.example:8443", "a.example", false),
            ("https", "a.example.evil", "a.example", false),
        ] {
            assert_eq!(same_host((scheme, origin), host), same, "{scheme} {origin} {host}");
        }
    }
}
