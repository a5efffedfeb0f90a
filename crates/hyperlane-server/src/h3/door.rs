//! Where QUIC connections come in: the port of a listener, over UDP.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use hyperlane_core::{ConnectionInfo, GrantLease, Service, TlsInfo, TlsVersion};
use quinn::crypto::rustls::{HandshakeData, QuicServerConfig};
use quinn::{Endpoint, EndpointConfig, Incoming, ServerConfig, TokioRuntime};
use rustls::pki_types::CertificateDer;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::advertise;
use super::connection::{self, Shared};
use crate::shutdown::Shutdown;
use crate::tls::Live;
use crate::{Config, Tls};

/// How often a port that a predecessor still has is tried again.
const RETRY: Duration = Duration::from_millis(250);
/// What a handshake gets once the server drains, as over TCP.
const DRAIN_GRACE: Duration = Duration::from_secs(1);
/// How long the last packets of connections may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// The way in for HTTP/3, beside that of a TCP listener.
#[derive(Debug)]
pub(crate) struct Door {
    address: SocketAddr,
    only_v6: bool,
    tls: Tls,
    /// What the other versions' responses say of it.
    pub(crate) alternative: Option<HeaderValue>,
    /// Bound already; `None`: a predecessor still has the port.
    socket: Mutex<Option<UdpSocket>>,
}

/// What the server has inside.
#[derive(Debug)]
pub(crate) struct Inside<S> {
    pub(crate) service: Arc<S>,
    pub(crate) config: Arc<Config>,
    pub(crate) shutdown: Arc<Shutdown>,
    pub(crate) room: Arc<Semaphore>,
}

impl Door {
    /// Binds `address` over UDP. Where the TCP socket came from a `predecessor`, the port may still be taken: then it is
    /// tried again while the server runs.
    pub(crate) fn bind(
        address: SocketAddr,
        only_v6: bool,
        tls: Tls,
        predecessor: bool,
        config: &Config,
    ) -> io::Result<Self> {
        let socket = match bind(address, only_v6) {
            Ok(socket) => Some(socket),
            Err(error) if predecessor && error.kind() == io::ErrorKind::AddrInUse => None,
            Err(error) => {
                let message = format!("can't bind the port over UDP for HTTP/3: {error}");
                return Err(io::Error::new(error.kind(), message));
            }
        };
        Ok(Self {
            address,
            only_v6,
            tls,
            alternative: advertise::alternative(address.port(), config.http3.remembered_for),
            socket: Mutex::new(socket),
        })
    }

    /// Takes connections until the server drains. Call it in a runtime.
    pub(crate) fn open<S: Service>(self: Arc<Self>, inside: Inside<S>) {
        let listening = inside.shutdown.listening();
        // The last packets of connections are sent when these have ended.
        let working = inside.shutdown.working();
        let shutdown = Arc::clone(&inside.shutdown);
        tokio::spawn(async move {
            // Before the certificates are looked at: the port may be waited for, and they may change meanwhile.
            let reloads = self.tls.reloads();
            let endpoint = self.endpoint(&inside).await;
            if let Some(endpoint) = &endpoint {
                self.accept(endpoint, Arc::new(inside), reloads).await;
            }
            drop(listening);
            if let Some(endpoint) = endpoint {
                shutdown.quiet().await;
                let _ = timeout(FAREWELL, endpoint.wait_idle()).await;
            }
            drop(working);
        });
    }

    async fn endpoint<S>(&self, inside: &Inside<S>) -> Option<Endpoint> {
        let config = self.server_config(&inside.config)?;
        let socket = loop {
            let bound = self.socket.lock().unwrap_or_else(PoisonError::into_inner).take();
            match bound.map_or_else(|| bind(self.address, self.only_v6), Ok) {
                Ok(socket) => break socket,
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => {
                    tracing::error!(%error, local = %self.address, "there is no HTTP/3: its port can't be bound");
                    return None;
                }
            }
            tokio::select! {
                () = sleep(RETRY) => {}
                () = inside.shutdown.draining() => return None,
            }
        };
        let endpoint = Endpoint::new(EndpointConfig::default(), Some(config), socket, Arc::new(TokioRuntime));
        match endpoint {
            Ok(endpoint) => Some(endpoint),
            Err(error) => {
                tracing::error!(%error, local = %self.address, "there is no HTTP/3: its socket can't be used");
                None
            }
        }
    }

    async fn accept<S: Service>(
        &self,
        endpoint: &Endpoint,
        inside: Arc<Inside<S>>,
        mut reloads: watch::Receiver<Option<Arc<Live>>>,
    ) {
        let unproven = Arc::new(AtomicUsize::new(0));
        loop {
            tokio::select! {
                incoming = endpoint.accept() => match incoming {
                    Some(incoming) => self.admit(incoming, &inside, &unproven),
                    None => return,
                },
                changed = reloads.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    if let Some(config) = self.server_config(&inside.config) {
                        endpoint.set_server_config(Some(config));
                    }
                }
                () = inside.shutdown.draining() => break,
            }
        }
        endpoint.set_server_config(None);
    }

    /// Begins to serve a client that knocks, or sends it away.
    fn admit<S: Service>(&self, incoming: Incoming, inside: &Arc<Inside<S>>, unproven: &Arc<AtomicUsize>) {
        let at_once = inside.config.http3.unproven_handshakes;
        if !incoming.remote_address_validated() && unproven.load(Ordering::Relaxed) >= at_once && incoming.may_retry() {
            let _ = incoming.retry();
            return;
        }
        let Ok(permit) = Arc::clone(&inside.room).try_acquire_owned() else {
            incoming.refuse();
            return;
        };
        let connecting = match incoming.accept() {
            Ok(connecting) => connecting,
            Err(error) => return tracing::debug!(%error, "a connection ended before it began"),
        };
        let registration = inside.shutdown.register();
        let handshake = Handshake::begin(unproven);
        let (inside, local) = (Arc::clone(inside), self.address);
        tokio::spawn(async move {
            let _places = (permit, registration);
            let shutdown = &inside.shutdown;
            let connected = tokio::select! {
                connected = timeout(inside.config.handshake_timeout, connecting) => connected.ok(),
                () = shutdown.closing() => None,
                () = async { shutdown.draining().await; sleep(DRAIN_GRACE).await } => None,
            };
            drop(handshake);
            let connection = match connected {
                Some(Ok(connection)) => connection,
                Some(Err(error)) => return tracing::debug!(%error, %local, "a connection ended before it began"),
                None => {
                    return tracing::debug!(%local, "a connection ended before it began: its handshake took too long");
                }
            };
            let shared = Shared {
                service: Arc::clone(&inside.service),
                info: describe(&connection, local, &inside.shutdown),
                config: Arc::clone(&inside.config),
            };
            connection::serve(connection, Arc::new(shared), Arc::clone(&inside.shutdown)).await;
        });
    }

    fn server_config(&self, config: &Config) -> Option<ServerConfig> {
        let live = self.tls.live();
        let crypto = live.map_err(|error| error.to_string()).and_then(|live| crypto(&live));
        match crypto {
            Ok(crypto) => {
                let mut server = ServerConfig::with_crypto(Arc::new(crypto));
                server.transport_config(Arc::new(config.http3.transport(config.idle_timeout)));
                Some(server)
            }
            Err(error) => {
                tracing::error!(error, local = %self.address, "there is no HTTP/3 with these certificates");
                None
            }
        }
    }
}

fn crypto(live: &Live) -> Result<QuicServerConfig, String> {
    QuicServerConfig::try_from(Arc::clone(&live.quic)).map_err(|error| error.to_string())
}

fn bind(address: SocketAddr, only_v6: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        let set = socket.set_only_v6(only_v6);
        if only_v6 {
            set?;
        }
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn describe(connection: &quinn::Connection, local: SocketAddr, shutdown: &Arc<Shutdown>) -> ConnectionInfo {
    let peer = connection.remote_address();
    // A client over IPv4 on a socket of IPv6 has the address that it knows.
    let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
    let server = Arc::clone(shutdown) as Arc<dyn GrantLease>;
    let mut info = ConnectionInfo::new(Some(peer), Some(local)).served_by(server);
    // QUIC does not tell which suite was agreed on.
    let mut tls = TlsInfo::new(TlsVersion::Tls13, "unknown");
    if let Some(data) = connection.handshake_data()
        && let Ok(data) = data.downcast::<HandshakeData>()
    {
        tls.alpn = data
            .protocol
            .map(|protocol| String::from_utf8_lossy(&protocol).into_owned().into());
        tls.server_name = data.server_name.map(|name| name.to_ascii_lowercase().into());
    }
    if let Some(identity) = connection.peer_identity()
        && let Ok(chain) = identity.downcast::<Vec<CertificateDer<'static>>>()
    {
        tls.client_certificates = chain
            .iter()
            .map(|certificate| Bytes::copy_from_slice(certificate))
            .collect();
    }
    info.tls = Some(Arc::new(tls));
    info
}

/// A handshake that has not ended.
struct Handshake(Arc<AtomicUsize>);

impl Handshake {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
