//! The handler and its settings.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_core::future::BoxFuture;
use http::{HeaderName, HeaderValue};
use hyperlane_core::{InvalidHeader, Response};

use super::balance::Pool;
use super::fields::Forwarded;
use super::forward::forward;
use super::upstream::{Address, InvalidUpstream};
use crate::context::Context;
use crate::extract::Requirements;
use crate::handler::Handler;

/// A handler that passes requests on to another server, the upstream.
///
/// Register it for all methods with [`route`](crate::Server::route), or as the fallback. The server's limit on bodies
/// holds for what it passes on, too: raise it with [`Route::body_limit`](crate::Route::body_limit) where uploads are
/// large.
///
/// Connections to the upstream are kept and used again. A request that finds such a connection closed is sent once more
/// if nothing of it was sent, or if it is safe and has no body (RFC 9110 §9.2.1); no other is ever sent twice.
///
/// `Upgrade` is passed through, WebSocket and any other protocol but `h2c` and other versions of HTTP, which would lead
/// past what stands in front of the proxy.
///
/// ```no_run
/// use hyperlane::reverse_proxy::ReverseProxy;
/// use hyperlane::*;
/// use std::time::Duration;
///
/// # fn app() -> Result<Server, Error> {
/// let proxy = ReverseProxy::balanced(["http://10.0.0.1:9000", "http://10.0.0.2:9000"])?
///     .strip_prefix("/api")
///     .response_timeout(Duration::from_secs(10));
/// let server = Server::new();
/// server.route("/api/{*rest}", Route::new(proxy).body_limit(64 << 20));
/// # Ok(server) }
/// ```
#[derive(Clone)]
pub struct ReverseProxy {
    settings: Arc<Settings>,
    /// Made with the first request, when the settings are final.
    pool: Arc<OnceLock<Pool>>,
}

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) upstreams: Vec<Address>,
    pub(super) strip_prefix: Option<String>,
    pub(super) preserve_host: bool,
    pub(super) forwarded: Forwarded,
    pub(super) via: HeaderValue,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) connect_timeout: Duration,
    pub(super) response_timeout: Duration,
    pub(super) idle_timeout: Duration,
    pub(super) tunnel_idle_timeout: Duration,
    pub(super) response_head_limit: usize,
    pub(super) cool_down: Duration,
    #[cfg(feature = "reverse-proxy-tls")]
    pub(super) tls: Option<Arc<rustls::ClientConfig>>,
}

impl ReverseProxy {
    /// Passes requests on to one upstream: `http://host:port`, with a path before all others if need be,
    /// `unix:/path/of/socket`, or with the feature `reverse-proxy-tls` `https://host`.
    ///
    /// # Errors
    ///
    /// It is no such address.
    pub fn to(upstream: impl AsRef<str>) -> Result<Self, InvalidUpstream> {
        Self::balanced([upstream])
    }

    /// Passes requests on to several upstreams in turn.
    ///
    /// One that can't be reached is left out for [`cool_down`](Self::cool_down), and its request goes to the next one, as
    /// nothing was sent. When all are out, each is tried again.
    ///
    /// # Errors
    ///
    /// There is none, or one of them is no address as [`to`](Self::to) takes.
    pub fn balanced<I, U>(upstreams: I) -> Result<Self, InvalidUpstream>
    where
        I: IntoIterator<Item = U>,
        U: AsRef<str>,
    {
        let addresses = upstreams.into_iter().map(|upstream| Address::parse(upstream.as_ref()));
        let upstreams = addresses.collect::<Result<Vec<_>, _>>()?;
        if upstreams.is_empty() {
            return Err(InvalidUpstream::none());
        }
        Ok(Self {
            settings: Arc::new(Settings {
                upstreams,
                strip_prefix: None,
                preserve_host: false,
                forwarded: Forwarded::default(),
                via: HeaderValue::from_static("hyperlane"),
                headers: Vec::new(),
                connect_timeout: Duration::from_secs(5),
                response_timeout: Duration::from_secs(60),
                idle_timeout: Duration::from_secs(60),
                tunnel_idle_timeout: Duration::from_secs(3600),
                response_head_limit: 64 * 1024,
                cool_down: Duration::from_secs(10),
                #[cfg(feature = "reverse-proxy-tls")]
                tls: None,
            }),
            pool: Arc::default(),
        })
    }

    /// Takes this away from the front of the path, where it stands there segment by segment. Default: the path is passed
    /// on as it is.
    #[must_use]
    pub fn strip_prefix(self, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        self.change(|settings| settings.strip_prefix = Some(prefix))
    }

    /// Whether the upstream gets the client's `Host` instead of its own. Default: no, as the client's could lead to
    /// another site of the upstream. A WebSocket server that compares `Origin` with `Host` needs it.
    #[must_use]
    pub fn preserve_host(self, preserve: bool) -> Self {
        self.change(|settings| settings.preserve_host = preserve)
    }

    /// What becomes of `Forwarded`, `X-Forwarded-*` and `X-Real-IP`. Default: [`Forwarded::Replace`].
    #[must_use]
    pub fn forwarded(self, policy: Forwarded) -> Self {
        self.change(|settings| settings.forwarded = policy)
    }

    /// The name of this proxy in `Via`. Default: `hyperlane`, which tells nothing of the inside.
    ///
    /// # Panics
    ///
    /// It is no token and no host (RFC 9110 §7.6.3).
    #[must_use]
    #[track_caller]
    pub fn via(self, name: &str) -> Self {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:[]".contains(&byte);
        assert!(
            !name.is_empty() && name.bytes().all(allowed),
            "{name:?} can't stand in `via`: give a token or a host"
        );
        self.change(|settings| {
            if let Ok(name) = HeaderValue::try_from(name) {
                settings.via = name;
            }
        })
    }

    /// Sets a header of all requests to the upstream, instead of what the client sent: a secret between the two, for
    /// example. It can't be taken out by what a client sends.
    ///
    /// # Errors
    ///
    /// Name or value must not go on the wire, or the field is one that frames messages.
    pub fn request_header<N, V>(self, name: N, value: V) -> Result<Self, InvalidHeader>
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
        N::Error: Into<http::Error>,
        V::Error: Into<http::Error>,
    {
        let (name, value) = InvalidHeader::check(name, value)?;
        if super::fields::is_of_the_connection(&name) || name == http::header::CONTENT_LENGTH {
            return Err(InvalidHeader::other(format!("`{name}` is the proxy's own to set")));
        }
        Ok(self.change(|settings| {
            settings.headers.retain(|(other, _)| *other != name);
            settings.headers.push((name, value));
        }))
    }

    /// Time to reach the upstream, with look-up and TLS; then 504. Default: 5 seconds, a few retries of a lost packet.
    #[must_use]
    pub fn connect_timeout(self, limit: Duration) -> Self {
        self.change(|settings| settings.connect_timeout = limit)
    }

    /// Time for which the upstream may keep the client waiting until its response begins, from the beginning or from the
    /// last piece of a body that it took; then 504. How long the client takes to send its body does not count: that has
    /// limits of its own. Default: 60 seconds.
    #[must_use]
    pub fn response_timeout(self, limit: Duration) -> Self {
        self.change(|settings| settings.response_timeout = limit)
    }

    /// Time between two pieces of the upstream's body, while the client waits for them; then the response is broken off.
    /// Default: 60 seconds; event streams are kept alive by their server more often than that.
    #[must_use]
    pub fn idle_timeout(self, limit: Duration) -> Self {
        self.change(|settings| settings.idle_timeout = limit)
    }

    /// Time without a byte in either direction after which an upgraded connection is closed. Default: an hour, so that
    /// quiet protocols live on and dead peers do not pile up.
    #[must_use]
    pub fn tunnel_idle_timeout(self, limit: Duration) -> Self {
        self.change(|settings| settings.tunnel_idle_timeout = limit)
    }

    /// Bytes of the head of a response, at least 8,192; a larger one is answered 502. Default: 65,536, several times what
    /// servers send.
    #[must_use]
    pub fn response_head_limit(self, bytes: usize) -> Self {
        self.change(|settings| settings.response_head_limit = bytes.max(8192))
    }

    /// How long an upstream that could not be reached is left out, where there are several. Default: 10 seconds.
    #[must_use]
    pub fn cool_down(self, time: Duration) -> Self {
        self.change(|settings| settings.cool_down = time)
    }

    /// What TLS to upstreams trusts and offers. Default: the certificates that the system trusts.
    #[cfg(feature = "reverse-proxy-tls")]
    #[must_use]
    pub fn tls_config(self, config: Arc<rustls::ClientConfig>) -> Self {
        self.change(|settings| settings.tls = Some(config))
    }

    fn change(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self.pool = Arc::default();
        self
    }
}

/// Tells a proxy from plain handlers.
#[derive(Debug)]
pub struct ProxyArgs(());

#[diagnostic::do_not_recommend]
impl Handler<ProxyArgs> for ReverseProxy {
    fn call(&self, ctx: Context) -> BoxFuture<'static, Response> {
        let Self { settings, pool } = self.clone();
        Box::pin(async move {
            let pool = pool.get_or_init(|| Pool::new(&settings));
            forward(&settings, pool, &ctx).await
        })
    }

    fn check(_: &mut Requirements) {}
}

/// What is passed on is not known here.
#[cfg(feature = "openapi")]
impl crate::openapi::DescribeHandler<ProxyArgs> for ReverseProxy {
    fn describe_handler(operation: crate::openapi::Operation) -> crate::openapi::Operation {
        operation
    }
}

impl fmt::Debug for ReverseProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReverseProxy")
            .field("upstreams", &self.settings.upstreams)
            .field("strip_prefix", &self.settings.strip_prefix)
            .finish_non_exhaustive()
    }
}
