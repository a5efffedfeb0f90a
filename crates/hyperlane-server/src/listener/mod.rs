//! Listening: from an [`Address`] to a socket, or an error that says which and why not. The first step of the walk.
//!
//! [`Listen`] is what is asked for, a [`Listener`] what came of it: `tcp.rs` and `unix.rs` bind, `inherited.rs` takes
//! over what the process was started with.

mod address;
mod error;
#[cfg(all(unix, feature = "hand-over"))]
pub(crate) mod inherited;
mod listen;
#[cfg(all(unix, feature = "processes"))]
mod queues;
mod tcp;
#[cfg(unix)]
mod unix;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

pub use address::{Address, AddressError};
pub use error::BindError;
pub use listen::{Listen, bind};
#[cfg(not(target_os = "linux"))]
pub(crate) use tcp::set_options;
#[cfg(unix)]
pub(crate) use unix::SocketFile;

#[cfg(feature = "proxy-protocol")]
use crate::proxy_protocol::ProxyProtocol;

/// A socket that listens.
#[derive(Debug)]
pub struct Listener {
    pub(crate) socket: ListeningSocket,
    pub(crate) gate: Arc<Gate>,
    /// Under which name it is handed on to a successor.
    #[cfg_attr(
        not(feature = "hand-over"),
        expect(dead_code, reason = "for sockets that are handed over")
    )]
    pub(crate) name: String,
}

/// The socket of a [`Listener`], which does not block.
#[derive(Debug)]
pub(crate) enum ListeningSocket {
    Tcp(std::net::TcpListener),
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixListener),
}

/// What is true of all connections that one listener brings.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) local: LocalAddr,
    /// `None`: no header is expected.
    #[cfg(feature = "proxy-protocol")]
    pub(crate) proxy_protocol: Option<ProxyProtocol>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<crate::Tls>,
    /// The way in for HTTP/3.
    #[cfg(feature = "http3")]
    pub(crate) door: Option<Arc<crate::h3::Door>>,
    /// The file that a Unix socket has, if it is ours.
    #[cfg(unix)]
    pub(crate) file: Option<SocketFile>,
    pub(crate) provenance: Provenance,
}

/// Who else has the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provenance {
    /// Nobody.
    Own,
    /// Nobody any more: a predecessor has handed it over.
    #[cfg_attr(
        not(feature = "hand-over"),
        expect(dead_code, reason = "for sockets that are handed over")
    )]
    HandedOver,
    /// A supervisor has opened it, and keeps it for the time when this server has ended.
    Supervisor,
}

impl Listener {
    /// The address that it listens on; with the real port where 0 was asked for. A Unix socket has none: `0.0.0.0:0`.
    pub fn local_addr(&self) -> SocketAddr {
        self.gate.local.tcp().unwrap_or(NO_ADDRESS)
    }

    /// Where it listens, whatever it is.
    pub fn local(&self) -> &LocalAddr {
        &self.gate.local
    }

    /// Takes over a TCP socket that listens already.
    ///
    /// # Errors
    ///
    /// The socket has no address, or can't be made non-blocking.
    pub fn from_std(socket: std::net::TcpListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let gate = Gate::new(LocalAddr::Tcp(address));
        Ok(Self::new(ListeningSocket::Tcp(socket), gate, &Address::from(address)))
    }

    /// Takes over a Unix socket that listens already. Its file stays when the server ends.
    ///
    /// # Errors
    ///
    /// The socket has no address, or can't be made non-blocking.
    #[cfg(unix)]
    pub fn from_std_unix(socket: std::os::unix::net::UnixListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let path = socket.local_addr()?.as_pathname().map(PathBuf::from);
        let gate = Gate::new(LocalAddr::Unix(path.clone()));
        let address = Address::Unix(path.unwrap_or_default());
        Ok(Self::new(ListeningSocket::Unix(socket), gate, &address))
    }

    /// Whether the process was started with the socket.
    pub(crate) fn is_inherited(&self) -> bool {
        self.gate.provenance != Provenance::Own
    }

    fn new(socket: ListeningSocket, gate: Gate, asked: &Address) -> Self {
        Self {
            socket,
            gate: Arc::new(gate),
            name: asked.name(),
        }
    }
}

/// So that one listener is given where several may be.
impl From<Listener> for Vec<Listener> {
    fn from(listener: Listener) -> Self {
        vec![listener]
    }
}

impl Gate {
    pub(crate) fn new(local: LocalAddr) -> Self {
        Self {
            local,
            #[cfg(feature = "proxy-protocol")]
            proxy_protocol: None,
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "http3")]
            door: None,
            #[cfg(unix)]
            file: None,
            provenance: Provenance::Own,
        }
    }

    /// What is spoken, for logs.
    pub(crate) fn protocol(&self) -> &'static str {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            return "https";
        }
        "http"
    }

    /// Whether something comes before HTTP.
    #[cfg(any(feature = "proxy-protocol", feature = "tls"))]
    pub(crate) fn has_handshake(&self) -> bool {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            return true;
        }
        #[cfg(feature = "proxy-protocol")]
        if self.proxy_protocol.is_some() {
            return true;
        }
        false
    }
}

impl ListeningSocket {
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        match self {
            Self::Tcp(socket) => socket.try_clone().map(Self::Tcp),
            #[cfg(unix)]
            Self::Unix(socket) => socket.try_clone().map(Self::Unix),
        }
    }
}

#[cfg(all(unix, feature = "hand-over"))]
impl From<ListeningSocket> for std::os::fd::OwnedFd {
    fn from(socket: ListeningSocket) -> Self {
        match socket {
            ListeningSocket::Tcp(socket) => socket.into(),
            ListeningSocket::Unix(socket) => socket.into(),
        }
    }
}

/// What stands for the address of a socket that has none.
pub(crate) const NO_ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

/// Where a server really listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LocalAddr {
    /// Over TCP, with the real port.
    Tcp(SocketAddr),
    /// A Unix socket. `None`: it has no path that could be written.
    Unix(Option<PathBuf>),
}

impl LocalAddr {
    /// The address of a TCP socket.
    pub fn tcp(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) => None,
        }
    }
}

impl fmt::Display for LocalAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(Some(path)) => write!(f, "unix:{}", path.display()),
            Self::Unix(None) => f.write_str("unix:"),
        }
    }
}
