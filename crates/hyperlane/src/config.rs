//! The settings of a server: every limit and time-out, with its reason and its default.

use std::fmt;
use std::future::{IntoFuture, Ready, ready};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyperlane_server::{Config, Runtime};

use crate::error::{Kind, Mistake};

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
    blocking_warning: Option<Duration>,
    engine: Config,
}

impl ServerConfig {
    /// The default settings.
    pub fn new() -> Self {
        let settings = Settings {
            host: HOST.to_owned(),
            port: PORT,
            blocking_warning: Some(BLOCKING_WARNING),
            engine: Config::default(),
        };
        Self {
            settings: Mutex::new(settings),
        }
    }

    /// The address or host name to listen on. Default: `127.0.0.1`, which only this machine reaches: to be reached
    /// from outside, say so with `0.0.0.0` or `::`.
    pub fn host(&self, host: impl Into<String>) -> &Self {
        let host = host.into();
        self.set(|settings| settings.host = host)
    }

    /// The TCP port to listen on. Default: 8080. With 0 the system chooses a free one, which
    /// [`ServerHandle::local_addr`](crate::ServerHandle::local_addr) tells.
    pub fn port(&self, port: u16) -> &Self {
        self.set(|settings| settings.port = port)
    }

    /// The most bytes of a request line. Default: 8,192, the least that RFC 9112 §3 recommends to support.
    ///
    /// A longer one is answered 414, and the connection is closed.
    pub fn request_line_limit(&self, bytes: usize) -> &Self {
        self.set(|settings| settings.engine.request_line_limit = bytes)
    }

    /// The most bytes of a request line and headers together. Default: 16,384: what browsers send with many cookies
    /// fits, and a connection can't be made to hold more.
    ///
    /// A longer head is answered 431, and the connection is closed.
    pub fn head_limit(&self, bytes: usize) -> &Self {
        self.set(|settings| settings.engine.head_limit = bytes)
    }

    /// The most header fields of a request. Default: 100, several times what browsers send.
    ///
    /// More are answered 431, and the connection is closed.
    pub fn header_count_limit(&self, fields: usize) -> &Self {
        self.set(|settings| settings.engine.header_count_limit = fields)
    }

    /// The most bytes of a request body. Default: 2,097,152 (2 MiB): bodies are often kept in memory, so that large
    /// ones must be asked for.
    ///
    /// A longer one is answered 413, before it is sent where its length is announced.
    pub fn body_limit(&self, bytes: u64) -> &Self {
        self.set(|settings| settings.engine.body_limit = bytes)
    }

    /// The longest time from the first byte of a head to its last. Default: 10 s. It does not start again with each
    /// byte, so that a client that drips bytes can't hold a connection for longer.
    ///
    /// A slower client is answered 408, and the connection is closed.
    pub fn head_timeout(&self, timeout: Duration) -> &Self {
        self.set(|settings| settings.engine.head_timeout = timeout)
    }

    /// The longest wait for the first byte of a request, the first or the next. Default: 60 s: browsers return within
    /// it, and dead peers do not pile up.
    ///
    /// Afterwards the connection is closed without an answer: there is nothing to answer.
    pub fn idle_timeout(&self, timeout: Duration) -> &Self {
        self.set(|settings| settings.engine.idle_timeout = timeout)
    }

    /// The longest time without a byte while a handler waits for a request's body. Default: 30 s.
    ///
    /// A slower client is answered 408, and the connection is closed.
    pub fn body_timeout(&self, timeout: Duration) -> &Self {
        self.set(|settings| settings.engine.body_timeout = timeout)
    }

    /// The least average rate of a request body, in bytes a second, while a handler waits for it. Default: 240, slower
    /// than any modem; 0 turns it off. It is judged after the [grace](Self::body_rate_grace).
    ///
    /// A slower client is answered 408, and the connection is closed.
    pub fn body_min_rate(&self, bytes_per_second: u32) -> &Self {
        self.set(|settings| settings.engine.body_min_rate = bytes_per_second)
    }

    /// The time for which [`body_min_rate`](Self::body_min_rate) is not judged yet. Default: 5 s, so that one lost
    /// packet fails nobody.
    pub fn body_rate_grace(&self, grace: Duration) -> &Self {
        self.set(|settings| settings.engine.body_rate_grace = grace)
    }

    /// The longest time without progress in writing a response. Default: 30 s: a client that does not read must not
    /// hold what waits for it in memory.
    ///
    /// Afterwards the connection is reset, and a handler that is streaming gets an error from
    /// [`send_body`](crate::Context::send_body).
    pub fn write_timeout(&self, timeout: Duration) -> &Self {
        self.set(|settings| settings.engine.write_timeout = timeout)
    }

    /// The longest time in which a handler must begin to answer. Default: none, since only the application knows what
    /// is long.
    ///
    /// A slower handler is dropped, and the client is answered 503.
    pub fn handler_timeout(&self, timeout: Duration) -> &Self {
        self.set(|settings| settings.engine.handler_timeout = Some(timeout))
    }

    /// How long a handler may keep its thread, between two `.await`s, before a warning names its route. Default: 500 ms;
    /// `None` turns it off.
    ///
    /// Such a handler keeps all connections of its thread waiting: what computes or blocks belongs into
    /// [`Context::spawn_blocking`](crate::Context::spawn_blocking).
    pub fn blocking_warning(&self, limit: impl Into<Option<Duration>>) -> &Self {
        let limit = limit.into();
        self.set(|settings| settings.blocking_warning = limit)
    }

    /// The most connections at once. Default: 65,536, about 200 MiB of idle connections.
    ///
    /// Further ones wait in the kernel until one ends.
    pub fn max_connections(&self, connections: usize) -> &Self {
        self.set(|settings| settings.engine.max_connections = connections)
    }

    /// The most bytes of an unread request body that are thrown away to keep a connection. Default: 65,536, about
    /// what a new connection costs.
    ///
    /// With more to come the connection is closed behind the answer.
    pub fn drain_limit(&self, bytes: u64) -> &Self {
        self.set(|settings| settings.engine.drain_limit = bytes)
    }

    /// The time for what is in progress once a shutdown began. Default: 10 s, what most supervisors grant.
    ///
    /// Requests that are not done then are cut.
    pub fn shutdown_deadline(&self, deadline: Duration) -> &Self {
        self.set(|settings| settings.engine.shutdown_deadline = deadline)
    }

    /// The most connections that the kernel holds ready to be accepted. Default: 4,096; the kernel may cap it.
    ///
    /// Further clients see a slow connect, or a refused one.
    pub fn backlog(&self, connections: u32) -> &Self {
        self.set(|settings| settings.engine.backlog = connections)
    }

    /// Whether small writes are sent at once (`TCP_NODELAY`). Default: true: the engine gathers writes by itself, so
    /// that waiting would only add latency.
    pub fn nodelay(&self, nodelay: bool) -> &Self {
        self.set(|settings| settings.engine.nodelay = nodelay)
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

    /// Host, port and the engine's part.
    pub(crate) fn parts(&self) -> (String, u16, Config) {
        let settings = self.lock();
        (settings.host.clone(), settings.port, settings.engine.clone())
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
