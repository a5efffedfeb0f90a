//! Headers by which browsers restrict what a page can do, or what can be done to it.

use http::header::{
    CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue};
use hyperlane_core::Response;

use super::{Middleware, Next};
use crate::context::Context;
use crate::extract::Requirements;

/// Sets headers that make browsers careful. What a handler set itself stays.
///
/// | header | default |
/// |---|---|
/// | `Content-Security-Policy` | `default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'; object-src 'none'` |
/// | `Strict-Transport-Security` (RFC 6797) | `max-age=31536000`, over TLS alone (§7.2) |
/// | `X-Content-Type-Options` | `nosniff` |
/// | `X-Frame-Options` (RFC 7034) | `SAMEORIGIN` |
/// | `Referrer-Policy` | `strict-origin-when-cross-origin` |
/// | `Cross-Origin-Opener-Policy` | `same-origin` |
/// | `Cross-Origin-Resource-Policy` | `same-origin` |
///
/// Whether a client speaks TLS is what [`Context::scheme`] says: where a proxy does that for this server, name it as a
/// [trusted one](crate::ServerConfig::trusted_proxies).
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::SecurityHeaders;
///
/// let headers = SecurityHeaders::new()
///     .set("content-security-policy", "default-src 'self'; img-src *")
///     .set("permissions-policy", "camera=(), microphone=()")
///     .remove("cross-origin-resource-policy");
/// # Server::new().middleware(headers);
/// ```
#[derive(Clone, Debug)]
pub struct SecurityHeaders {
    headers: Vec<(HeaderName, HeaderValue)>,
    /// What was given and can't be a header.
    problems: Vec<String>,
}

const POLICY: &str =
    "default-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'; object-src 'none'";

impl SecurityHeaders {
    /// The headers above.
    pub fn new() -> Self {
        let headers = [
            (CONTENT_SECURITY_POLICY, POLICY),
            (STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (X_FRAME_OPTIONS, "SAMEORIGIN"),
            (REFERRER_POLICY, "strict-origin-when-cross-origin"),
            (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
            (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        ];
        Self {
            headers: headers
                .into_iter()
                .map(|(name, value)| (name, HeaderValue::from_static(value)))
                .collect(),
            problems: Vec::new(),
        }
    }

    /// No headers, to be set one by one.
    pub fn none() -> Self {
        Self {
            headers: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Sets a header, instead of its default.
    ///
    /// What must not stand in a header is an error of [`Server::run`](crate::Server::run).
    #[must_use]
    pub fn set(self, name: &str, value: &str) -> Self {
        let mut this = self.remove(name);
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(key), Ok(value)) => this.headers.push((key, value)),
            _ => this.problems.push(format!(
                "`{name}: {value}` can't be a header: check it for spaces, line ends and non-ascii characters"
            )),
        }
        this
    }

    /// Leaves a header out.
    #[must_use]
    pub fn remove(mut self, name: &str) -> Self {
        self.headers.retain(|(key, _)| !key.as_str().eq_ignore_ascii_case(name));
        self
    }
}

impl Default for SecurityHeaders {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for SecurityHeaders {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        let secure = ctx.scheme() == "https";
        let mut response = next.run(ctx).await;
        let headers = response.headers_mut();
        for (name, value) in &self.headers {
            if !secure && *name == STRICT_TRANSPORT_SECURITY {
                continue;
            }
            headers.entry(name).or_insert_with(|| value.clone());
        }
        response
    }

    fn check(&self, needs: &mut Requirements) {
        self.problems.iter().for_each(|problem| needs.problem(problem));
    }
}
