//! The settings of a server: every limit and time-out, with its reason and its default.

#[cfg(feature = "http2")]
mod http2;
#[cfg(feature = "http3")]
mod http3;
mod limits;
#[cfg(all(unix, feature = "processes"))]
mod processes;
mod sockets;

use std::fmt;
use std::future::{IntoFuture, Ready, ready};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyperlane_server::{Config, Listen, Runtime};

use crate::error::{Kind, Mistake};
use crate::forwarded::{ForwardedHeader, TrustedProxies};

const HOST: &str = "127.0.0.1";
const PORT: u16 = 8080;
const BLOCKING_WARNING: Duration = Duration::from_millis(500);

/// Where a server listens, and what it lets clients do.
///
/// Every limit and time-out holds by default; none has to be remembered. Setters may be chained and may be awaited, to
/// no effect. They return a reference: a chain is passed on as it is, and a configuration that is kept in a variable is
/// made first and set afterwards.
///
/// ```
/// use hyperlane::{Server, ServerConfig};
/// use std::time::Duration;
///
/// let server = Server::new();
/// server.config(ServerConfig::new().host("0.0.0.0").port(8080).body_limit(64 * 1024).idle_timeout(Duration::from_secs(15)));
/// ```
pub struct ServerConfig {
    settings: Mutex<Settings>,
}

#[derive(Clone, Debug)]
struct Settings {
    host: String,
    port: u16,
    /// Whether one of the two was set.
    by_host_and_port: bool,
    listen: Vec<Listen>,
    #[cfg(feature = "tls")]
    tls: Option<crate::Tls>,
    #[cfg(feature = "http3")]
    http3: bool,
    trusted_proxies: Vec<String>,
    forwarded_header: ForwardedHeader,
    blocking_warning: Option<Duration>,
    engine: Config,
}

impl ServerConfig {
    /// The default settings.
    pub fn new() -> Self {
        let settings = Settings {
            host: HOST.to_owned(),
            port: PORT,
            by_host_and_port: false,
            listen: Vec::new(),
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "http3")]
            http3: false,
            trusted_proxies: Vec::new(),
            forwarded_header: ForwardedHeader::default(),
            blocking_warning: Some(BLOCKING_WARNING),
            engine: Config::default(),
        };
        Self {
            settings: Mutex::new(settings),
        }
    }

    /// What serves the connections. Default: [`Runtime::Shared`], the tokio runtime in which the server is run.
    ///
    /// [`Runtime::PerCore`] and [`Runtime::IoUring`] start threads of the server's own, which end with it. A thread
    /// that can't be started is an error of [`run`](crate::Server::run). Where there is no `io_uring`, the reason is
    /// logged and the server runs as with [`Runtime::PerCore`].
    pub fn runtime(&self, runtime: Runtime) -> &Self {
        self.set(|settings| settings.engine.runtime = runtime)
    }

    /// The number of threads of [`Runtime::PerCore`] and [`Runtime::IoUring`]. Default: as many as the process has
    /// cores. [`Runtime::Shared`] has none of its own.
    pub fn threads(&self, threads: usize) -> &Self {
        self.set(|settings| settings.engine.threads = Some(threads))
    }

    /// The engine's part.
    pub(crate) fn engine(&self) -> Config {
        self.lock().engine.clone()
    }

    /// Where to listen: on host and port if they were set or there is nothing else, then on all others.
    pub(crate) fn listeners(&self) -> Vec<Listen> {
        let settings = self.lock();
        let mut listeners = Vec::with_capacity(settings.listen.len() + 1);
        if settings.listen.is_empty() || settings.by_host_and_port {
            listeners.push(Listen::tcp(settings.host.as_str(), settings.port));
        }
        listeners.extend(settings.listen.iter().cloned());
        #[cfg(feature = "tls")]
        if let Some(tls) = &settings.tls {
            listeners = listeners.into_iter().map(|listen| listen.tls_by_default(tls)).collect();
        }
        #[cfg(feature = "http3")]
        if settings.http3 {
            listeners = listeners.into_iter().map(Listen::http3_by_default).collect();
        }
        listeners
    }

    /// `None`: nobody is trusted. What is wrong with them is among the [problems](Self::problems).
    pub(crate) fn proxies(&self) -> Option<TrustedProxies> {
        let settings = self.lock();
        let proxies = TrustedProxies::parse(&settings.trusted_proxies, settings.forwarded_header);
        proxies.ok().filter(|_| !settings.trusted_proxies.is_empty())
    }

    pub(crate) fn blocking_limit(&self) -> Option<Duration> {
        self.lock().blocking_warning
    }

    /// What no request could pass.
    pub(crate) fn problems(&self) -> Vec<Mistake> {
        let settings = self.lock();
        let engine = &settings.engine;
        let zeros = [
            ("request_line_limit", engine.request_line_limit == 0),
            ("head_limit", engine.head_limit == 0),
            ("header_count_limit", engine.header_count_limit == 0),
            ("head_timeout", engine.head_timeout.is_zero()),
            ("idle_timeout", engine.idle_timeout.is_zero()),
            ("body_timeout", engine.body_timeout.is_zero()),
            ("write_timeout", engine.write_timeout.is_zero()),
            (
                "handler_timeout",
                engine.handler_timeout.is_some_and(|timeout| timeout.is_zero()),
            ),
            ("blocking_warning", settings.blocking_warning == Some(Duration::ZERO)),
            ("max_connections", engine.max_connections == 0),
            ("backlog", engine.backlog == 0),
            ("handshake_timeout", engine.handshake_timeout.is_zero()),
            ("hand_over_timeout", engine.hand_over_timeout.is_zero()),
            ("proxy_header_limit", engine.proxy_header_limit == 0),
            ("tcp_keepalive", engine.tcp_keepalive == Some(Duration::ZERO)),
            ("threads", engine.threads == Some(0)),
        ];
        let mut problems: Vec<_> = zeros
            .into_iter()
            .filter(|(_, zero)| *zero)
            .map(|(name, _)| {
                Mistake::new(
                    Kind::Config,
                    format!("setting `{name}` is 0, with which no request could be served: raise it"),
                )
            })
            .collect();
        if settings.host.is_empty() {
            problems.push(Mistake::new(
                Kind::Config,
                "setting `host` is empty: write `127.0.0.1`, or `0.0.0.0` for all",
            ));
        }
        for error in settings.listen.iter().filter_map(|listen| listen.check().err()) {
            let message = format!("setting `listen`: {error}");
            problems.push(Mistake::new(Kind::Config, message).with_source(error));
        }
        #[cfg(all(unix, feature = "processes"))]
        problems.extend(processes::mistakes(engine.processes.as_ref()));
        #[cfg(feature = "http2")]
        problems.extend(http2::mistakes(&engine.http2));
        #[cfg(feature = "http3")]
        problems.extend(http3::mistakes(&engine.http3));
        if let Err(error) = TrustedProxies::parse(&settings.trusted_proxies, settings.forwarded_header) {
            problems.push(Mistake::new(
                Kind::Config,
                format!("setting `trusted_proxies`: {error}"),
            ));
        }
        problems
    }

    fn set(&self, change: impl FnOnce(&mut Settings)) -> &Self {
        change(&mut self.lock());
        self
    }

    /// No code panics while it holds the lock, so a poisoned one holds sound settings.
    fn lock(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for ServerConfig {
    fn clone(&self) -> Self {
        Self {
            settings: Mutex::new(self.lock().clone()),
        }
    }
}

/// So that a chain of setters, which yields a reference, can be passed where a configuration is wanted.
impl From<&Self> for ServerConfig {
    fn from(config: &Self) -> Self {
        config.clone()
    }
}

impl fmt::Debug for ServerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lock().fmt(f)
    }
}

impl IntoFuture for ServerConfig {
    type Output = Self;
    type IntoFuture = Ready<Self>;

    fn into_future(self) -> Ready<Self> {
        ready(self)
    }
}

impl<'a> IntoFuture for &'a ServerConfig {
    type Output = &'a ServerConfig;
    type IntoFuture = Ready<&'a ServerConfig>;

    fn into_future(self) -> Ready<&'a ServerConfig> {
        ready(self)
    }
}
