//! The accept loop: one task for each thread that serves, which takes connections as long as there is room, and never
//! ends by an error.

use std::io;
use std::net::{self, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyperlane_core::{ConnectionInfo, GrantLease, Service};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

use crate::Config;
use crate::connection::{Place, connection};
use crate::cores::{Core, choose};
use crate::shutdown::Shutdown;
use crate::uring::{self, Ring};

/// How soon accept is tried again while the process is out of descriptors or memory; sooner where one of our own
/// connections ends.
const RETRY: Duration = Duration::from_millis(50);
/// How often such a lack is logged.
const LOG_EVERY: Duration = Duration::from_secs(5);

/// What all threads of a server share.
#[derive(Debug)]
pub(crate) struct Server<S> {
    pub(crate) local_addr: SocketAddr,
    pub(crate) service: Arc<S>,
    pub(crate) config: Arc<Config>,
    pub(crate) shutdown: Arc<Shutdown>,
    /// Room for connections.
    pub(crate) room: Arc<Semaphore>,
    pub(crate) cores: Vec<Core>,
}

/// Accepts for core number `own` until the server drains; then takes what the kernel has accepted already, and stops
/// listening.
pub(crate) async fn accept_connections<S: Service>(mut source: Source, server: Arc<Server<S>>, own: usize) {
    let shutdown = &server.shutdown;
    let mut logged: Option<Instant> = None;
    while !shutdown.is_draining() {
        let accepted = tokio::select! {
            accepted = source.accept() => accepted,
            () = shutdown.draining() => break,
        };
        match accepted {
            Ok((socket, peer)) => {
                let permit = match Arc::clone(&server.room).try_acquire_owned() {
                    Ok(permit) => Some(permit),
                    // This one waits here, and further ones in the kernel.
                    Err(_) => {
                        source.pause();
                        tokio::select! {
                            permit = Arc::clone(&server.room).acquire_owned() => permit.ok(),
                            () = shutdown.draining() => None,
                        }
                    }
                };
                server.serve(socket, peer, permit, own);
            }
            // That one connection is gone; the next one is not concerned.
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                if logged.is_none_or(|at| at.elapsed() >= LOG_EVERY) {
                    logged = Some(Instant::now());
                    let open = shutdown.connections();
                    tracing::warn!(%error, open, "can't accept connections now; trying again as descriptors come free");
                }
                tokio::select! {
                    () = sleep(RETRY) => {}
                    () = shutdown.connection_ended() => {}
                }
            }
        }
    }
    // Clients whose connection the kernel has completed count as accepted: they are served as well, room or not.
    source.drain(|socket, peer| server.serve(socket, peer, None, own)).await;
}

impl<S: Service> Server<S> {
    /// Begins to serve a connection, on the core that it is given to. One that can't be taken over is gone.
    fn serve(&self, socket: Accepted, peer: SocketAddr, permit: Option<OwnedSemaphorePermit>, own: usize) {
        #[cfg(not(target_os = "linux"))]
        socket.set_nodelay(self.config.nodelay);
        let number = choose(&self.cores, own);
        let Some(core) = self.cores.get(number) else {
            return;
        };
        let load = core.take_on();
        let place = Place { permit, load };
        let begun = match (socket, &core.ring) {
            (Accepted::Plain(socket), Some(ring)) if ring.is_running() => {
                ring.attach(socket).map(|io| self.spawn(io, peer, place, core))
            }
            // Without a ring, or with one that has ended: the runtime itself still serves.
            (Accepted::Plain(socket), _) => core.adopt(socket).map(|io| self.spawn(io, peer, place, core)),
            (Accepted::Tokio(socket), _) if number == own => {
                self.spawn(socket, peer, place, core);
                Ok(())
            }
            (Accepted::Tokio(socket), _) => socket
                .into_std()
                .and_then(|socket| core.adopt(socket))
                .map(|io| self.spawn(io, peer, place, core)),
        };
        if let Err(error) = begun {
            tracing::debug!(%error, "a connection was lost before it could be served");
        }
    }

    fn spawn<T: crate::Transport>(&self, io: T, peer: SocketAddr, place: Place, core: &Core) {
        let server = Arc::clone(&self.shutdown) as Arc<dyn GrantLease>;
        let info = ConnectionInfo::new(Some(peer), Some(self.local_addr)).served_by(server);
        let (service, config) = (Arc::clone(&self.service), Arc::clone(&self.config));
        let registration = self.shutdown.register();
        core.runtime.spawn(connection(
            io,
            Arc::new(info),
            service,
            config,
            registration,
            Some(place),
        ));
    }
}

impl Core {
    /// Takes over a socket to the runtime of this core.
    fn adopt(&self, socket: net::TcpStream) -> io::Result<TcpStream> {
        socket.set_nonblocking(true)?;
        let _here = self.runtime.enter();
        TcpStream::from_std(socket)
    }
}

/// Where connections come from.
#[derive(Debug)]
pub(crate) enum Source {
    Tokio(TcpListener),
    Ring(uring::Listener),
}

/// A connection that was accepted.
pub(crate) enum Accepted {
    /// By the runtime of this thread, to which it belongs already.
    Tokio(TcpStream),
    Plain(net::TcpStream),
}

#[cfg(not(target_os = "linux"))]
impl Accepted {
    fn set_nodelay(&self, nodelay: bool) {
        let _ = match self {
            Self::Tokio(socket) => socket.set_nodelay(nodelay),
            Self::Plain(socket) => socket.set_nodelay(nodelay),
        };
    }
}

impl Source {
    /// Accepts from `socket`, by the ring if there is one.
    pub(crate) fn new(socket: net::TcpListener, ring: Option<&Ring>) -> io::Result<Self> {
        match ring {
            Some(ring) => uring::Listener::new(ring, socket).map(Self::Ring),
            None => {
                socket.set_nonblocking(true)?;
                TcpListener::from_std(socket).map(Self::Tokio)
            }
        }
    }

    async fn accept(&mut self) -> io::Result<(Accepted, SocketAddr)> {
        match self {
            Self::Tokio(listener) => {
                let (socket, peer) = listener.accept().await?;
                Ok((Accepted::Tokio(socket), peer))
            }
            Self::Ring(listener) => {
                let (socket, peer) = listener.accept().await?;
                Ok((Accepted::Plain(socket), peer))
            }
        }
    }

    /// Sees to it that nothing is accepted before it is asked for.
    fn pause(&mut self) {
        match self {
            Self::Tokio(_) => {}
            Self::Ring(listener) => listener.pause(),
        }
    }

    /// Takes what the kernel has accepted, and stops listening. The kernel is asked directly, since the runtime may not
    /// have heard of the last ones yet.
    async fn drain(self, mut serve: impl FnMut(Accepted, SocketAddr)) {
        match self {
            Self::Tokio(listener) => {
                if let Ok(socket) = listener.into_std() {
                    drain(&socket, &mut serve);
                }
            }
            Self::Ring(mut listener) => {
                for socket in listener.stop().await {
                    if let Ok(peer) = socket.peer_addr() {
                        serve(Accepted::Plain(socket), peer);
                    }
                }
                if listener.socket().set_nonblocking(true).is_ok() {
                    drain(listener.socket(), &mut serve);
                }
            }
        }
    }
}

fn drain(socket: &net::TcpListener, serve: &mut impl FnMut(Accepted, SocketAddr)) {
    // From now on the kernel takes at most one more; the window in which one could be lost is as short as can be.
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(socket).listen(0);
    loop {
        match socket.accept() {
            Ok((socket, peer)) => serve(Accepted::Plain(socket), peer),
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
