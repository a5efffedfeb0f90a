//! What is known of the connection that a request came on.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, StatusCode};

use crate::interim::InterimQueue;
use crate::{Interim, TlsInfo};

/// The connection that a request came on; shared by all requests of the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// The peer's address; `None` for transports without one (a Unix socket, a connection in memory). Where a trusted
    /// proxy told by the PROXY protocol for whom it connects, it is that client's.
    pub peer_addr: Option<SocketAddr>,
    /// The socket's own peer, where [`peer_addr`](Self::peer_addr) was told by it: the proxy.
    pub proxy_addr: Option<SocketAddr>,
    /// The address on which the connection was accepted.
    pub local_addr: Option<SocketAddr>,
    /// What the TLS handshake agreed on; `None` on a connection without TLS.
    pub tls: Option<Arc<TlsInfo>>,
    server: ServedBy,
    interim: InterimQueue,
}

impl ConnectionInfo {
    /// Describes a connection between two socket addresses.
    pub fn new(peer_addr: Option<SocketAddr>, local_addr: Option<SocketAddr>) -> Self {
        Self {
            peer_addr,
            proxy_addr: None,
            local_addr,
            tls: None,
            server: ServedBy::default(),
            interim: InterimQueue::default(),
        }
    }

    /// The same, of a server that can be asked to wait. For engines.
    #[must_use]
    pub fn served_by(mut self, server: Arc<dyn GrantLease>) -> Self {
        self.server = ServedBy(Some(server));
        self
    }

    /// Sends an interim response (RFC 9110 §15.2), as 103 Early Hints is, before the response to the request in hand.
    /// The engine writes it when it next looks after the handler. Returns whether it was taken: `status` is 1xx, but
    /// not 100 or 101, and not many wait already.
    ///
    /// To be called while the handler runs, and not for HTTP/1.0, which has no such responses. Over HTTP/2 each request
    /// has a description of its own, so that this concerns the right one.
    ///
    /// ```
    /// use http::{HeaderMap, StatusCode};
    /// use hyperlane_core::ConnectionInfo;
    ///
    /// let connection = ConnectionInfo::default();
    /// assert!(connection.send_interim(StatusCode::EARLY_HINTS, HeaderMap::new()));
    /// assert!(!connection.send_interim(StatusCode::OK, HeaderMap::new()));
    /// assert_eq!(connection.take_interim().map(|waiting| waiting.len()), Some(1));
    /// ```
    pub fn send_interim(&self, status: StatusCode, headers: HeaderMap) -> bool {
        self.interim.push(Interim { status, headers })
    }

    /// Takes the interim responses that wait, if any do. For engines.
    #[inline]
    pub fn take_interim(&self) -> Option<Vec<Interim>> {
        self.interim.take()
    }

    /// Asks the server to wait with its end for work that goes on when the connection is gone. `None` where no server
    /// stands behind the connection, as in a test.
    pub fn lease(&self) -> Option<Lease> {
        self.server.0.clone().map(GrantLease::grant)
    }

    /// Waits until the server begins to shut down: then what would go on for as long as its client likes (an event
    /// stream, a WebSocket) ends by itself, so that nobody has to wait for the deadline. `None` where no server stands
    /// behind the connection, as in a test.
    pub fn draining(&self) -> Option<Draining> {
        self.server.0.clone().map(GrantLease::watch)
    }
}

/// A server that waits, while it shuts down, for those that hold a [`Lease`].
pub trait GrantLease: fmt::Debug + Send + Sync + 'static {
    /// Grants one.
    fn grant(self: Arc<Self>) -> Lease;

    /// Tells when its shutdown begins, at once where it has begun.
    fn watch(self: Arc<Self>) -> Draining;
}

/// Ends when the server begins to shut down. The server does not wait for who holds one.
pub struct Draining(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Draining {
    /// Ends with `begin`. For engines.
    pub fn new(begin: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Box::pin(begin))
    }
}

impl Future for Draining {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Draining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Draining")
    }
}

/// While it is held, a graceful shutdown waits, even past its deadline: who holds one polls it. Awaited, it ends when the server waits no longer:
/// then what goes on must end.
pub struct Lease(Pin<Box<dyn Future<Output = ()> + Send>>);

impl Lease {
    /// A lease that ends with `end`, and is given back when that future is dropped. For engines.
    pub fn new(end: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Box::pin(end))
    }
}

impl Future for Lease {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lease")
    }
}

/// The server behind a connection. It makes no difference between two descriptions of one connection.
#[derive(Clone, Debug, Default)]
struct ServedBy(Option<Arc<dyn GrantLease>>);

impl PartialEq for ServedBy {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for ServedBy {}
