//! Where a server listens, how its sockets are set, and which proxies stand before it.

use std::fmt::Display;
use std::time::Duration;

use hyperlane_server::Listen;

use super::ServerConfig;
use crate::forwarded::ForwardedHeader;

impl ServerConfig {
    /// The address or host name to listen on. Default: `127.0.0.1`, which only this machine reaches: to be reached
    /// from outside, say so with `0.0.0.0` or `::`.
    pub fn host(&self, host: impl Into<String>) -> &Self {
        let host = host.into();
        self.set(|settings| {
            settings.host = host;
            settings.by_host_and_port = true;
        })
    }

    /// The TCP port to listen on. Default: 8080. With 0 the system chooses a free one, which
    /// [`ServerHandle::local_addr`](crate::ServerHandle::local_addr) tells.
    pub fn port(&self, port: u16) -> &Self {
        self.set(|settings| {
            settings.port = port;
            settings.by_host_and_port = true;
        })
    }

    /// Listens on one more address: a text, or a [`Listen`] with options. Where there is one, [host](Self::host) and
    /// [port](Self::port) are listened on only if one of them was set.
    ///
    /// | text | what |
    /// |---|---|
    /// | `127.0.0.1:80`, `localhost:80` | TCP |
    /// | `[::]:80` | TCP, over IPv6 and IPv4 |
    /// | `unix:/run/app.sock`, `unix:@name` | a Unix socket, in the file system or in the abstract namespace of Linux |
    /// | `fd:http`, `fd:3` | sockets that the process was started with, by name (systemd) or number |
    ///
    /// A text that is none of these is an error of [`run`](crate::Server::run). All addresses serve the same, and share
    /// [the room for connections](Self::max_connections).
    ///
    /// ```
    /// use hyperlane::{Listen, Server, ServerConfig};
    ///
    /// let server = Server::new();
    /// server.config(
    ///     ServerConfig::new()
    ///         .listen("[::]:8080")
    ///         .listen(Listen::unix("/run/app.sock").mode(0o660))
    ///         .listen(Listen::tcp("10.0.0.5", 8081).proxy_protocol(["10.0.0.0/24"])),
    /// );
    /// ```
    pub fn listen(&self, listen: impl Into<Listen>) -> &Self {
        let listen = listen.into();
        self.set(|settings| settings.listen.push(listen))
    }

    /// Speaks TLS on all addresses for which nothing else was said: not on a [`Listen`] with a certificate of its own,
    /// or [without](Listen::without_tls). Default: no TLS.
    #[cfg(feature = "tls")]
    pub fn tls(&self, tls: crate::Tls) -> &Self {
        self.set(|settings| settings.tls = Some(tls))
    }

    /// The proxies that are believed when they say, in the headers `Forwarded` (RFC 7239) or `X-Forwarded-For`,
    /// `-Proto` and `-Host`, for whom they ask. Default: none, so that nobody can claim an address that is not his:
    /// [`Context::client_ip`](crate::Context::client_ip) is then the peer's own.
    ///
    /// They are addresses, networks as `10.0.0.0/8`, and `unix:` for all who connect over a Unix socket; something else
    /// is an error of [`run`](crate::Server::run).
    ///
    /// ```
    /// use hyperlane::{Server, ServerConfig};
    ///
    /// let server = Server::new();
    /// server.config(ServerConfig::new().trusted_proxies(["10.0.0.0/8", "2001:db8::7"]));
    /// ```
    pub fn trusted_proxies<I>(&self, proxies: I) -> &Self
    where
        I: IntoIterator,
        I::Item: Display,
    {
        let proxies: Vec<_> = proxies.into_iter().map(|proxy| proxy.to_string()).collect();
        self.set(|settings| settings.trusted_proxies = proxies)
    }

    /// Which headers the [trusted proxies](Self::trusted_proxies) write. Default: [`ForwardedHeader::Either`].
    pub fn forwarded_header(&self, header: ForwardedHeader) -> &Self {
        self.set(|settings| settings.forwarded_header = header)
    }

    /// The longest time for all that comes before HTTP: the header of a proxy and the TLS handshake, together. Default:
    /// 10 s, several round trips of a bad connection.
    ///
    /// Afterwards the connection is closed.
    pub fn handshake_timeout(&self, timeout: Duration) -> &Self {
        self.set(|settings| settings.engine.handshake_timeout = timeout)
    }

    /// The most bytes of a header of the PROXY protocol. Default: 4,096: addresses take less than 250, and the rest is
    /// room for what proxies say about certificates.
    ///
    /// A longer one closes the connection.
    pub fn proxy_header_limit(&self, bytes: usize) -> &Self {
        self.set(|settings| settings.engine.proxy_header_limit = bytes)
    }

    /// The longest time that a successor may take to serve, when this server is
    /// [handed over](crate::ServerHandle::hand_over). Default: 60 s, since a program may have much to load at its start.
    ///
    /// Then it is stopped, and this server goes on.
    pub fn hand_over_timeout(&self, timeout: Duration) -> &Self {
        self.set(|settings| settings.engine.hand_over_timeout = timeout)
    }

    /// The silence after which the kernel asks whether a TCP peer is still there; one that does not answer for a further
    /// minute is gone. Default: 60 s; `None` turns it off.
    ///
    /// A quiet event stream, WebSocket or slow handler would never hear otherwise that its client has vanished, and
    /// routers on the way forget connections that are silent for some minutes.
    pub fn tcp_keepalive(&self, silence: impl Into<Option<Duration>>) -> &Self {
        let silence = silence.into();
        self.set(|settings| settings.engine.tcp_keepalive = silence)
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
}
