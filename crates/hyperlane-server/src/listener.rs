//! Binding: from a host and a port to a socket that listens, or an error that says which and why not.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, lookup_host};

use crate::Config;

/// A socket that listens.
#[derive(Debug)]
pub struct Listener {
    pub(crate) socket: TcpListener,
    local_addr: SocketAddr,
}

impl Listener {
    /// The address that it listens on; with the real port where 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Takes over a socket that listens already.
    ///
    /// # Errors
    ///
    /// The socket has no address, or can't be made non-blocking.
    pub fn from_std(socket: std::net::TcpListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let socket = TcpListener::from_std(socket)?;
        let local_addr = socket.local_addr()?;
        Ok(Self { socket, local_addr })
    }
}

/// Listens on `host` and `port`. A name is looked up, and the first of its addresses that can be bound is taken; port
/// 0 lets the system choose.
///
/// # Errors
///
/// [`BindError`], which names host and port: the name is unknown, the port is taken or not allowed.
pub async fn bind(host: &str, port: u16, config: &Config) -> Result<Listener, BindError> {
    let failed = |source| BindError {
        host: host.to_owned(),
        port,
        source,
    };
    // `[::1]` is how an address with a port is written; a look-up wants it bare.
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host((bare, port)).await.map_err(failed)? {
        match listen(address, config) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

fn listen(address: SocketAddr, config: &Config) -> io::Result<Listener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // On Unix it lets a restarted server have its port back at once. On Windows it would let two servers share it.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    // Linux hands the option on to accepted connections; elsewhere accept sets it.
    #[cfg(target_os = "linux")]
    socket.set_tcp_nodelay(config.nodelay)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(config.backlog).unwrap_or(i32::MAX))?;
    Listener::from_std(socket.into())
}

/// A server could not listen where it was told to.
#[derive(Debug)]
pub struct BindError {
    host: String,
    port: u16,
    source: io::Error,
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, source } = self;
        write!(f, "can't listen on host {host}, port {port}: {source}")?;
        match source.kind() {
            io::ErrorKind::AddrInUse => {
                f.write_str("; stop the other program, or choose another port (0 takes a free one)")
            }
            io::ErrorKind::PermissionDenied => f.write_str("; ports below 1024 need a privilege, choose a higher one"),
            io::ErrorKind::AddrNotAvailable => f.write_str("; this machine has no such address"),
            _ => Ok(()),
        }
    }
}

impl StdError for BindError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_in_use_is_an_error_that_names_host_and_port() {
        let first = bind("127.0.0.1", 0, &Config::default()).await.expect("a free port");
        let port = first.local_addr().port();
        let error = bind("127.0.0.1", port, &Config::default())
            .await
            .expect_err("it is taken");
        let text = error.to_string();
        assert!(text.contains("127.0.0.1") && text.contains(&port.to_string()), "{text}");
    }

    #[tokio::test]
    async fn a_bracketed_address_is_understood() {
        match bind("[::1]", 0, &Config::default()).await {
            Ok(listener) => assert!(listener.local_addr().is_ipv6()),
            // A machine without IPv6 has no such address; the name must still have been read as one.
            Err(error) => assert!(error.to_string().contains("[::1]"), "{error}"),
        }
    }
}
