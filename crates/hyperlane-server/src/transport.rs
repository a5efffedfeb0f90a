//! What a connection can run on.

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpStream;

/// A stream of bytes in both directions that can also be cut.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Prepares the transport to be thrown away together with what is still unsent, where it can: a client that does
    /// not read must not hold memory after its connection was given up.
    fn abandon(&mut self) {}
}

impl Transport for TcpStream {
    fn abandon(&mut self) {
        // With a linger time of zero, closing resets the connection. It can fail only where the peer was faster.
        let _ = socket2::SockRef::from(&*self).set_linger(Some(std::time::Duration::ZERO));
    }
}

#[cfg(unix)]
impl Transport for tokio::net::UnixStream {}

/// Whatever it is: for connections that have gone through a handshake, and for those that are rare.
impl Transport for Box<dyn Transport> {
    fn abandon(&mut self) {
        (**self).abandon();
    }
}

/// For tests and for services in one process.
impl Transport for DuplexStream {}
