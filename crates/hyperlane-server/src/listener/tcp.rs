//! TCP sockets, with the options that must be set before they listen.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::lookup_host;

use super::{Gate, ListeningSocket, LocalAddr};
use crate::Config;

/// How often a silent peer is asked, and how many answers may be missing before it counts as gone.
const PROBE_INTERVAL: Duration = Duration::from_secs(15);
const PROBES: u32 = 4;

/// Options of one listener.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TcpOptions {
    pub(super) reuse_port: bool,
    pub(super) only_v6: bool,
}

/// Listens on the first address of `host` that can be bound.
pub(super) async fn bind(
    host: &str,
    port: u16,
    options: TcpOptions,
    config: &Config,
) -> io::Result<(ListeningSocket, Gate)> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host((host, port)).await? {
        match listen(address, options, config).and_then(adopt) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The first address of `host` on which nobody else has the port: `port`, or one that the system chooses where it is 0.
#[cfg(all(unix, feature = "processes"))]
pub(super) async fn free_address(host: &str, port: u16, options: TcpOptions) -> io::Result<SocketAddr> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host((host, port)).await? {
        let free = open(address, options).and_then(|socket| {
            socket.bind(&address.into())?;
            socket.local_addr()
        });
        match free.map(|address| address.as_socket()) {
            Ok(bound) => return Ok(bound.unwrap_or(address)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

pub(super) fn listen(address: SocketAddr, options: TcpOptions, config: &Config) -> io::Result<TcpListener> {
    let socket = open(address, options)?;
    // Linux hands options on to accepted connections; elsewhere accept sets them.
    #[cfg(target_os = "linux")]
    set_options(&SockRef::from(&socket), config);
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(config.backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}

/// A socket with the options that must be set before it is bound.
fn open(address: SocketAddr, options: TcpOptions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // On Unix it lets a restarted server have its port back at once. On Windows it would let two servers share it.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if options.reuse_port {
        share_port(&socket)?;
    }
    if address.is_ipv6() {
        // Said in both cases: what holds otherwise is a setting of the machine. A system that knows no dual stack
        // serves IPv6 alone.
        let set = socket.set_only_v6(options.only_v6);
        if options.only_v6 {
            set?;
        }
    }
    Ok(socket)
}

/// What is known of a socket that listens.
pub(super) fn adopt(socket: TcpListener) -> io::Result<(ListeningSocket, Gate)> {
    socket.set_nonblocking(true)?;
    let local = LocalAddr::Tcp(socket.local_addr()?);
    Ok((ListeningSocket::Tcp(socket), Gate::new(local)))
}

/// As [`adopt`], of one that somebody else has opened, who has not set our options.
#[cfg(all(unix, feature = "hand-over"))]
pub(super) fn adopt_foreign(socket: TcpListener, config: &Config) -> io::Result<(ListeningSocket, Gate)> {
    if cfg!(target_os = "linux") {
        set_options(&SockRef::from(&socket), config);
    }
    // Not made non-blocking before it is accepted from: that holds for all processes that have it, and a ring of another
    // one could not wait on it, for good if this one died before it serves.
    let local = LocalAddr::Tcp(socket.local_addr()?);
    Ok((ListeningSocket::Tcp(socket), Gate::new(local)))
}

/// Options of connections. They are for comfort: a system that does not know one still serves.
pub(crate) fn set_options(socket: &SockRef<'_>, config: &Config) {
    let _ = socket.set_tcp_nodelay(config.nodelay);
    match config.tcp_keepalive {
        Some(silence) => {
            let keepalive = TcpKeepalive::new().with_time(silence);
            #[cfg(any(target_os = "linux", target_os = "macos", target_os = "freebsd", windows))]
            let keepalive = keepalive.with_interval(PROBE_INTERVAL).with_retries(PROBES);
            let _ = socket.set_tcp_keepalive(&keepalive);
        }
        None => {
            let _ = socket.set_keepalive(false);
        }
    }
}

#[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))))]
fn share_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(all(unix, not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin")))))]
fn share_port(_: &Socket) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "this system can't share a port between sockets: leave `reuse_port` out",
    ))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn accepted_connections_have_the_options_of_their_listener() {
        for (nodelay, keepalive) in [(true, Some(Duration::from_secs(60))), (false, None)] {
            let config = Config {
                nodelay,
                tcp_keepalive: keepalive,
                ..Config::default()
            };
            let bound = bind("127.0.0.1", 0, TcpOptions::default(), &config).await;
            let Ok((ListeningSocket::Tcp(listener), _)) = bound else {
                panic!("a free port");
            };
            listener.set_nonblocking(false).expect("a socket");
            let _client = std::net::TcpStream::connect(listener.local_addr().expect("bound")).expect("listening");
            let (accepted, _) = listener.accept().expect("connected");
            let socket = SockRef::from(&accepted);
            assert_eq!(socket.tcp_nodelay().expect("an option"), nodelay);
            assert_eq!(socket.keepalive().expect("an option"), keepalive.is_some());
            if let Some(silence) = keepalive {
                assert_eq!(socket.tcp_keepalive_time().expect("an option"), silence);
                assert_eq!(socket.tcp_keepalive_retries().expect("an option"), PROBES);
            }
        }
    }
}
