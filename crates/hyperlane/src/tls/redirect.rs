//! From `http` to `https`.

use http::StatusCode;
use http::uri::Authority;
use hyperlane_core::{IntoResponse, Response};

use crate::context::Context;
use crate::middleware::{Middleware, Next};
use crate::response::{Problem, Redirect};

/// The port that `https` has where none is written (RFC 9110 §4.2.2).
const HTTPS: u16 = 443;

/// Sends clients that came without TLS to the same page with it: 308, so that methods and bodies are kept
/// (RFC 9110 §15.4.9). Those that came with TLS, to this server or to a
/// [trusted proxy](crate::ServerConfig::trusted_proxies) before it, pass.
///
/// The host that the client named is kept, and so are path and query. A request that names no usable host is answered
/// 400. Whoever lets shared caches stand before the server should give its [`hosts`](Self::hosts), since the header
/// `Host` is up to the client.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::tls::RedirectToHttps;
///
/// let server = Server::new();
/// server.middleware(RedirectToHttps::new().port(8443).hosts(["example.org", "www.example.org"]));
/// ```
#[derive(Clone, Debug)]
pub struct RedirectToHttps {
    port: u16,
    hosts: Option<Vec<String>>,
}

impl RedirectToHttps {
    /// To port 443, on whatever host the client named.
    pub fn new() -> Self {
        Self {
            port: HTTPS,
            hosts: None,
        }
    }

    /// The port to which clients are sent. Default: 443.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The hosts that exist, without ports; requests for others are answered 400. Default: all.
    #[must_use]
    pub fn hosts<H: Into<String>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        self.hosts = Some(hosts.into_iter().map(Into::into).collect());
        self
    }

    fn target(&self, ctx: &Context) -> Option<String> {
        let authority: Authority = ctx.host()?.parse().ok()?;
        let host = authority.host();
        // Names and passwords are no part of the target of a request (RFC 9110 §4.2.4).
        if host.is_empty() || authority.as_str().contains('@') || !host.bytes().all(is_of_host) {
            return None;
        }
        if let Some(hosts) = &self.hosts
            && !hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
        {
            return None;
        }
        let mut target = format!("https://{host}");
        if self.port != HTTPS {
            target.push_str(&format!(":{}", self.port));
        }
        // `OPTIONS *` asks about the server, which has no other place than its root.
        target.push_str(if ctx.path() == "*" { "/" } else { ctx.path() });
        if let Some(query) = ctx.query_string() {
            target.push('?');
            target.push_str(query);
        }
        Some(target)
    }
}

impl Default for RedirectToHttps {
    fn default() -> Self {
        Self::new()
    }
}

impl Middleware for RedirectToHttps {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        if ctx.scheme() == "https" {
            return next.run(ctx).await;
        }
        match self.target(&ctx) {
            Some(target) => Redirect::permanent(target).into_response(),
            None => Problem::new(StatusCode::BAD_REQUEST)
                .with_detail("this server is reached by https: name one of its hosts")
                .into_response(),
        }
    }
}

/// What stands in names and in addresses (RFC 3986 §3.2.2); of what else is allowed there no host is made.
fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'[' | b']' | b':')
}
