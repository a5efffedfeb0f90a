//! The accept loop: one task for each thread that serves, which takes connections as long as there is room, and never
//! ends by an error.

use std::io;
use std::net::{self, SocketAddr};
#[cfg(unix)]
use std::os::unix::net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyperlane_core::{ConnectionInfo, GrantLease, Service};
use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

use tracing::Instrument;

use crate::connection::{Place, connection};
use crate::cores::{Core, choose};
#[cfg(any(feature = "proxy-protocol", feature = "tls"))]
use crate::handshake::{Arrival, arrive};
use crate::listener::{Gate, ListeningSocket, Provenance};
use crate::shutdown::Shutdown;
use crate::transport::Socket;
use crate::uring::{self, Ring};
use crate::{Config, Transport};

/// How soon accept is tried again while the process is out of descriptors or memory; sooner where one of our own
/// connections ends.
const RETRY: Duration = Duration::from_millis(50);
/// How often such a lack is logged.
const LOG_EVERY: Duration = Duration::from_secs(5);

/// What all threads of a server share.
#[derive(Debug)]
pub(crate) struct Server<S> {
    pub(crate) service: Arc<S>,
    pub(crate) config: Arc<Config>,
    pub(crate) shutdown: Arc<Shutdown>,
    /// Room for connections.
    pub(crate) room: Arc<Semaphore>,
    /// Told when the last place is taken, where other processes accept from the same sockets.
    pub(crate) full: Notify,
    pub(crate) cores: Vec<Core>,
    /// Whether a successor has the sockets, and accepts from them.
    pub(crate) handed_over: Arc<AtomicBool>,
}

/// Accepts for core number `own` until the server drains; then takes what the kernel has accepted already, and stops
/// listening.
pub(crate) async fn accept_connections<S: Service>(
    mut source: Source,
    gate: Arc<Gate>,
    server: Arc<Server<S>>,
    own: usize,
) {
    let shutdown = &server.shutdown;
    let mut logged: Option<Instant> = None;
    while !shutdown.is_draining() {
        // What other processes could serve is left to them.
        let others = server.handed_over.load(Ordering::Acquire);
        let mut full = std::pin::pin!(server.full.notified());
        if others {
            // Enlisted before the look, so that the last place is not taken unheard.
            full.as_mut().enable();
            if server.room.available_permits() == 0 {
                source.pause();
                tokio::select! {
                    room = server.room.acquire() => drop(room),
                    () = shutdown.draining() => break,
                }
                // No second look: the place may be on its way to the next who waits here.
            }
        }
        let accepted = tokio::select! {
            accepted = source.accept() => accepted,
            () = full, if others => continue,
            () = shutdown.draining() => break,
        };
        match accepted {
            Ok((socket, peer)) => {
                let permit = match Arc::clone(&server.room).try_acquire_owned() {
                    Ok(permit) => {
                        if others && server.room.available_permits() == 0 {
                            server.full.notify_waiters();
                        }
                        Some(permit)
                    }
                    // This one waits here, and further ones in the kernel.
                    Err(_) => {
                        source.pause();
                        tokio::select! {
                            permit = Arc::clone(&server.room).acquire_owned() => permit.ok(),
                            () = shutdown.draining() => None,
                        }
                    }
                };
                server.serve(socket, peer, &gate, permit, own);
            }
            // That one connection is gone; the next one is not concerned.
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                if logged.is_none_or(|at| at.elapsed() >= LOG_EVERY) {
                    logged = Some(Instant::now());
                    let open = shutdown.connections();
                    tracing::warn!(
                        %error, open, local = %gate.local,
                        "can't accept connections now; trying again as descriptors come free"
                    );
                }
                tokio::select! {
                    () = sleep(RETRY) => {}
                    () = shutdown.connection_ended() => {}
                }
            }
        }
    }
    let handed_over = server.handed_over.load(Ordering::Acquire);
    #[cfg(unix)]
    if let Some(file) = &gate.file {
        match handed_over {
            true => file.keep(),
            // Before those that wait are taken, so that none comes behind the last look.
            false => file.remove(),
        }
    }
    // Clients whose connection the kernel has completed count as accepted: they are served as well, room or not. Where
    // others have the socket too, those will: a successor, or who is started next by the supervisor.
    let all = !handed_over && gate.provenance != Provenance::Supervisor;
    source
        .drain(all, |socket, peer| server.serve(socket, peer, &gate, None, own))
        .await;
}

impl<S: Service> Server<S> {
    /// Begins to serve a connection, on the core that it is given to. One that can't be taken over is gone.
    fn serve(
        &self,
        socket: Accepted,
        peer: Option<SocketAddr>,
        gate: &Arc<Gate>,
        permit: Option<OwnedSemaphorePermit>,
        own: usize,
    ) {
        #[cfg(not(target_os = "linux"))]
        socket.set_options(&self.config);
        let number = choose(&self.cores, own);
        let Some(core) = self.cores.get(number) else {
            return;
        };
        let load = core.take_on();
        let place = Place { permit, load };
        let begun = match (socket, &core.ring) {
            (Accepted::Plain(socket), Some(ring)) if ring.is_running() => {
                ring.attach(socket).map(|io| self.spawn(io, peer, gate, place, core))
            }
            // Without a ring, or with one that has ended: the runtime itself still serves.
            (socket, _) => socket
                .belong_to(core, number == own)
                .map(|io| self.spawn(io, peer, gate, place, core)),
        };
        if let Err(error) = begun {
            tracing::debug!(%error, "a connection was lost before it could be served");
        }
    }

    fn spawn<T: Transport>(&self, io: T, peer: Option<SocketAddr>, gate: &Arc<Gate>, place: Place, core: &Core) {
        let shutdown = Arc::clone(&self.shutdown) as Arc<dyn GrantLease>;
        let info = ConnectionInfo::new(peer, gate.local.tcp()).served_by(shutdown);
        let (service, config) = (Arc::clone(&self.service), Arc::clone(&self.config));
        let registration = self.shutdown.register();
        #[cfg(any(feature = "proxy-protocol", feature = "tls"))]
        if gate.has_handshake() {
            let arrival = Arrival {
                gate: Arc::clone(gate),
                info,
                service,
                config,
                registration,
                place,
            };
            return spawn(core, boxed(arrive(Box::new(io), arrival)), peer, gate);
        }
        let serving = connection(io, Arc::new(info), service, config, registration, Some(place));
        spawn(core, serving, peer, gate);
    }
}

/// Starts the task of a connection, in a span of its own if somebody listens to it.
fn spawn(core: &Core, serving: impl Future<Output = ()> + Send + 'static, peer: Option<SocketAddr>, gate: &Gate) {
    #[cfg(all(unix, feature = "processes"))]
    let worker = crate::processes::worker().map(crate::processes::Worker::number);
    #[cfg(not(all(unix, feature = "processes")))]
    let worker = None::<usize>;
    let span = tracing::debug_span!(
        "connection",
        worker,
        peer = peer.map(tracing::field::display),
        local = %gate.local,
        protocol = gate.protocol()
    );
    match span.is_disabled() {
        true => core.runtime.spawn(serving),
        false => core.runtime.spawn(boxed(serving.instrument(span))),
    };
}

/// For all but the most usual tasks: the runtime compiles a good deal for each type of them.
fn boxed(task: impl Future<Output = ()> + Send + 'static) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(task)
}

/// Where connections come from.
#[derive(Debug)]
pub(crate) enum Source {
    Tokio(TcpListener),
    Ring(uring::Listener),
    /// By the runtime also where there is a ring, which knows TCP alone.
    #[cfg(unix)]
    Unix(UnixListener),
}

/// A connection that was accepted.
enum Accepted {
    /// By the runtime of this thread, to which it belongs already.
    Tokio(TcpStream),
    Plain(net::TcpStream),
    /// By the runtime of this thread.
    #[cfg(unix)]
    Unix(UnixStream),
    #[cfg(unix)]
    PlainUnix(StdUnixStream),
}

impl Accepted {
    /// The same for the runtime of `core`, where it `is_there` unless the system accepted it.
    fn belong_to(self, core: &Core, is_there: bool) -> io::Result<Socket> {
        match self {
            Self::Tokio(socket) if is_there => Ok(Socket::Tcp(socket)),
            Self::Tokio(socket) => Socket::adopt(socket.into_std()?, &core.runtime),
            Self::Plain(socket) => Socket::adopt(socket, &core.runtime),
            #[cfg(unix)]
            Self::Unix(socket) if is_there => Ok(Socket::Unix(socket)),
            #[cfg(unix)]
            Self::Unix(socket) => Socket::adopt_unix(socket.into_std()?, &core.runtime),
            #[cfg(unix)]
            Self::PlainUnix(socket) => Socket::adopt_unix(socket, &core.runtime),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn set_options(&self, config: &Config) {
        match self {
            Self::Tokio(socket) => crate::listener::set_options(&socket.into(), config),
            Self::Plain(socket) => crate::listener::set_options(&socket.into(), config),
            #[cfg(unix)]
            Self::Unix(_) | Self::PlainUnix(_) => {}
        }
    }
}

impl Source {
    /// Accepts from `socket`, by the ring if there is one for it.
    pub(crate) fn new(socket: ListeningSocket, ring: Option<&Ring>) -> io::Result<Self> {
        match (socket, ring) {
            (ListeningSocket::Tcp(socket), Some(ring)) => uring::Listener::new(ring, socket).map(Self::Ring),
            (ListeningSocket::Tcp(socket), None) => {
                socket.set_nonblocking(true)?;
                TcpListener::from_std(socket).map(Self::Tokio)
            }
            #[cfg(unix)]
            (ListeningSocket::Unix(socket), _) => {
                socket.set_nonblocking(true)?;
                UnixListener::from_std(socket).map(Self::Unix)
            }
        }
    }

    /// The next connection, and its peer; a client over IPv4 on an IPv6 socket with the address that it knows.
    async fn accept(&mut self) -> io::Result<(Accepted, Option<SocketAddr>)> {
        match self {
            Self::Tokio(listener) => {
                let (socket, peer) = listener.accept().await?;
                Ok((Accepted::Tokio(socket), Some(canonical(peer))))
            }
            Self::Ring(listener) => {
                let (socket, peer) = listener.accept().await?;
                Ok((Accepted::Plain(socket), Some(canonical(peer))))
            }
            #[cfg(unix)]
            Self::Unix(listener) => {
                let (socket, _) = listener.accept().await?;
                Ok((Accepted::Unix(socket), None))
            }
        }
    }

    /// Sees to it that nothing is accepted before it is asked for.
    fn pause(&mut self) {
        if let Self::Ring(listener) = self {
            listener.pause();
        }
    }

    /// Stops listening. Before that it takes what the kernel has accepted, if that is `all` ours. The kernel is asked
    /// directly, since the runtime may not have heard of the last ones yet.
    async fn drain(self, all: bool, mut serve: impl FnMut(Accepted, Option<SocketAddr>)) {
        match self {
            Self::Tokio(listener) => {
                if all && let Ok(socket) = listener.into_std() {
                    drain_tcp(&socket, &mut serve);
                }
            }
            Self::Ring(mut listener) => {
                for socket in listener.stop().await {
                    if let Ok(peer) = socket.peer_addr() {
                        serve(Accepted::Plain(socket), Some(canonical(peer)));
                    }
                }
                if all && listener.socket().set_nonblocking(true).is_ok() {
                    drain_tcp(listener.socket(), &mut serve);
                }
            }
            #[cfg(unix)]
            Self::Unix(listener) => {
                if all && let Ok(socket) = listener.into_std() {
                    drain_unix(&socket, &mut serve);
                }
            }
        }
    }
}

fn canonical(peer: SocketAddr) -> SocketAddr {
    match peer {
        SocketAddr::V4(_) => peer,
        SocketAddr::V6(v6) => match v6.ip().to_ipv4_mapped() {
            Some(v4) => SocketAddr::from((v4, v6.port())),
            None => peer,
        },
    }
}

fn drain_tcp(socket: &net::TcpListener, serve: &mut impl FnMut(Accepted, Option<SocketAddr>)) {
    // From now on the kernel takes at most one more; the window in which one could be lost is as short as can be.
    // Not in a worker: the socket may be another server's, where the supervisor has died before a hand-over was over.
    // Where it is not, the supervisor has done so.
    #[cfg(target_os = "linux")]
    {
        #[cfg(feature = "processes")]
        let is_ours = crate::processes::worker().is_none();
        #[cfg(not(feature = "processes"))]
        let is_ours = true;
        if is_ours {
            let _ = socket2::SockRef::from(socket).listen(0);
        }
    }
    drain(
        || {
            socket
                .accept()
                .map(|(socket, peer)| (Accepted::Plain(socket), Some(canonical(peer))))
        },
        serve,
    );
}

#[cfg(unix)]
fn drain_unix(socket: &StdUnixListener, serve: &mut impl FnMut(Accepted, Option<SocketAddr>)) {
    drain(
        || socket.accept().map(|(socket, _)| (Accepted::PlainUnix(socket), None)),
        serve,
    );
}

fn drain(
    accept: impl Fn() -> io::Result<(Accepted, Option<SocketAddr>)>,
    serve: &mut impl FnMut(Accepted, Option<SocketAddr>),
) {
    loop {
        match accept() {
            Ok((socket, peer)) => serve(socket, peer),
            Err(error) if concerns_one_connection(&error) => {}
            Err(_) => break,
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
