//! What is known of the connection that a request came on.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The connection that a request came on; shared by all requests of the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// The peer's address; `None` for transports without one (a Unix socket, a connection in memory).
    pub peer_addr: Option<SocketAddr>,
    /// The address on which the connection was accepted.
    pub local_addr: Option<SocketAddr>,
    server: ServedBy,
}

impl ConnectionInfo {
    /// Describes a connection between two socket addresses.
    pub fn new(peer_addr: Option<SocketAddr>, local_addr: Option<SocketAddr>) -> Self {
        Self {
            peer_addr,
            local_addr,
            server: ServedBy::default(),
        }
    }

    /// The same, of a server that can be asked to wait. For engines.
    #[must_use]
    pub fn served_by(mut self, server: Arc<dyn GrantLease>) -> Self {
        self.server = ServedBy(Some(server));
        self
    }

    /// Asks the server to wait with its end for work that goes on when the connection is gone. `None` where no server
    /// stands behind the connection, as in a test.
    pub fn lease(&self) -> Option<Lease> {
        self.server.0.clone().map(GrantLease::grant)
    }
}

/// A server that waits, while it shuts down, for those that hold a [`Lease`].
pub trait GrantLease: fmt::Debug + Send + Sync + 'static {
    /// Grants one.
    fn grant(self: Arc<Self>) -> Lease;
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
