//! What is known of the connection that a request came on.

use std::net::SocketAddr;

/// The connection that a request came on; shared by all requests of the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// The peer's address; `None` for transports without one (a Unix socket, a connection in memory).
    pub peer_addr: Option<SocketAddr>,
    /// The address on which the connection was accepted.
    pub local_addr: Option<SocketAddr>,
}

impl ConnectionInfo {
    /// Describes a connection between two socket addresses.
    pub fn new(peer_addr: Option<SocketAddr>, local_addr: Option<SocketAddr>) -> Self {
        Self { peer_addr, local_addr }
    }
}
