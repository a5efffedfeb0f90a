//! Every limit and time-out of the engine, each with its default and its reason.

use std::time::Duration;

use hyperlane_proto::{ChunkLimits, HeadLimits};

use crate::Runtime;

/// The engine's settings. All of them hold by default; none has to be remembered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Bytes of a request line; a longer one is answered 414 and the connection closes. Default: 8,192, which
    /// RFC 9112 §3 recommends as the least to support.
    pub request_line_limit: usize,
    /// Bytes of a whole head; a longer one is answered 431 and the connection closes. Default: 16,384: what
    /// browsers send with many cookies fits, and a connection can't be made to hold more.
    pub head_limit: usize,
    /// Fields of a head; more are answered 431 and the connection closes. Default: 100, several times what browsers
    /// send.
    pub header_count_limit: usize,
    /// Bytes of a request body; a longer one is answered 413, at once where its length is announced. Default:
    /// 2,097,152 (2 MiB): bodies are often kept in memory, so large ones must be asked for.
    pub body_limit: u64,
    /// Time from the first byte of a head to its last; afterwards 408 and close. Default: 10 s. It does not start
    /// again with each byte, so a client that drips does not hold a connection for longer.
    pub head_timeout: Duration,
    /// Time that a connection may wait for the first byte of a request, the first one or the next; then it is
    /// closed without a word. Default: 60 s: browsers return within it, and dead peers do not pile up.
    pub idle_timeout: Duration,
    /// Time without a byte while a handler waits for the body; then 408 and close. Default: 30 s.
    pub body_timeout: Duration,
    /// Least average rate of a request body, in bytes a second, while a handler waits for it; slower ones are
    /// answered 408. Default: 240 after a grace of 5 s, slower than any modem, and 0 turns it off.
    pub body_min_rate: u32,
    /// Time for which [`body_min_rate`](Self::body_min_rate) is not yet judged. Default: 5 s.
    pub body_rate_grace: Duration,
    /// Time without progress in writing a response; then the connection is reset. Default: 30 s: a client that does
    /// not read must not hold what waits for it in memory.
    pub write_timeout: Duration,
    /// Time in which a handler must begin to answer; afterwards it is dropped and 503 is sent. Default: none, since
    /// only the application knows what is long.
    pub handler_timeout: Option<Duration>,
    /// Connections at once; further ones wait in the kernel's backlog until one ends. Default: 65,536, about 200 MiB
    /// of idle connections.
    pub max_connections: usize,
    /// Bytes of an unread request body that are read and thrown away to keep a connection; more close it. Default:
    /// 65,536: about what a new connection costs.
    pub drain_limit: u64,
    /// Time for what is in progress once a shutdown began; what is not done then is cut. Default: 10 s.
    pub shutdown_deadline: Duration,
    /// Connections that the kernel holds ready for accept. Default: 4,096 (the kernel may cap it).
    pub backlog: u32,
    /// Whether small writes are sent at once (`TCP_NODELAY`). Default: true: the engine gathers writes by itself, so
    /// that waiting would only add latency.
    pub nodelay: bool,
    /// Silence after which the kernel asks whether a TCP peer is still there (`SO_KEEPALIVE`); a peer that does not
    /// answer for a further minute is gone. Default: 60 s: most waiting has time-outs of its own, but a quiet
    /// event stream, WebSocket or slow handler would never hear that its client has vanished, and the routers in
    /// between forget connections that are silent for some minutes. `None` turns it off.
    pub tcp_keepalive: Option<Duration>,
    /// Time for all that comes before HTTP, together: the header of a proxy and the TLS handshake; then the connection
    /// is closed. Default: 10 s, as for a head: several round trips of a bad connection.
    pub handshake_timeout: Duration,
    /// Bytes of a header of the PROXY protocol; a longer one closes the connection. Default: 4,096: addresses take
    /// less than 250, and the rest is room for what proxies say about certificates.
    pub proxy_header_limit: usize,
    /// Time for a successor to say that it serves, when this server is [handed over](crate::ServerHandle); then it is
    /// stopped, and this server goes on. Default: 60 s: a program that loads much at its start needs some.
    pub hand_over_timeout: Duration,
    /// What HTTP/2 has beyond HTTP/1.1. Default: see there.
    #[cfg(feature = "http2")]
    pub http2: crate::Http2Config,
    /// Limits of HTTP/3 alone. Default: [`Http3Config::default`](crate::Http3Config::default).
    #[cfg(feature = "http3")]
    pub http3: crate::Http3Config,
    /// How many processes serve; the limits hold for each of them. Default: `None`, this process alone.
    #[cfg(all(unix, feature = "processes"))]
    pub processes: Option<crate::processes::Processes>,
    /// What serves the connections. Default: [`Runtime::Shared`], the tokio runtime that the server is started in.
    pub runtime: Runtime,
    /// Threads of [`Runtime::PerCore`] and [`Runtime::IoUring`]. Default: none set, which means as many as the
    /// process has cores.
    pub threads: Option<usize>,
}

impl Default for Config {
    fn default() -> Self {
        let head = HeadLimits::default();
        Self {
            request_line_limit: head.request_line_bytes,
            head_limit: head.head_bytes,
            header_count_limit: head.header_count,
            body_limit: 2 * 1024 * 1024,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(30),
            body_min_rate: 240,
            body_rate_grace: Duration::from_secs(5),
            write_timeout: Duration::from_secs(30),
            handler_timeout: None,
            max_connections: 65_536,
            drain_limit: 64 * 1024,
            shutdown_deadline: Duration::from_secs(10),
            backlog: 4096,
            nodelay: true,
            tcp_keepalive: Some(Duration::from_secs(60)),
            handshake_timeout: Duration::from_secs(10),
            proxy_header_limit: 4096,
            hand_over_timeout: Duration::from_secs(60),
            #[cfg(feature = "http2")]
            http2: crate::Http2Config::default(),
            #[cfg(feature = "http3")]
            http3: crate::Http3Config::default(),
            #[cfg(all(unix, feature = "processes"))]
            processes: None,
            runtime: Runtime::default(),
            threads: None,
        }
    }
}

impl Config {
    pub(crate) fn head_limits(&self) -> HeadLimits {
        HeadLimits {
            request_line_bytes: self.request_line_limit,
            head_bytes: self.head_limit,
            header_count: self.header_count_limit,
        }
    }

    pub(crate) fn chunk_limits() -> ChunkLimits {
        ChunkLimits::default()
    }
}
