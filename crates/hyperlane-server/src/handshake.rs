//! What comes on a connection before HTTP: the header of a proxy, then TLS. Connections of plain listeners never come
//! here.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyperlane_core::{ConnectionInfo, Service};
use tokio::time::{sleep, timeout};

use crate::connection::{Place, connection};
use crate::listener::Gate;
#[cfg(feature = "proxy-protocol")]
use crate::proxy_protocol::{self, Told};
use crate::shutdown::{Registration, Shutdown};
use crate::{Config, Transport};

/// What a handshake gets once the server drains: its client has connected before, and is at it.
const DRAIN_GRACE: Duration = Duration::from_secs(1);

/// A connection that has not begun yet.
pub(crate) struct Arrival<S> {
    pub(crate) gate: Arc<Gate>,
    pub(crate) info: ConnectionInfo,
    pub(crate) service: Arc<S>,
    pub(crate) config: Arc<Config>,
    pub(crate) registration: Registration,
    pub(crate) place: Place,
}

/// Does what the listener asks for before HTTP, then serves the connection to its end.
///
/// The transport is behind a pointer so that there is one copy of the engine for whatever is below; what a read or a
/// write costs by that is lost beside the rest.
pub(crate) async fn arrive<S: Service>(io: Box<dyn Transport>, arrival: Arrival<S>) {
    let Arrival {
        gate,
        info,
        service,
        config,
        registration,
        place,
    } = arrival;
    let peer = info.peer_addr;
    // In a box of its own, so that it takes no room once the connection has begun.
    let shutdown = Arc::clone(registration.shutdown());
    let met = Box::pin(meet(io, &gate, info, &config, &shutdown)).await;
    match met {
        Ok(Met::Plain(io, info)) => {
            connection(io, Arc::new(info), service, config, registration, Some(place)).await;
        }
        #[cfg(feature = "http3")]
        Ok(Met::Tls(io, info))
            if let Some(alternative) = gate.door.as_ref().and_then(|door| door.alternative.clone()) =>
        {
            let service = Arc::new(crate::h3::Advertising::new(service, alternative));
            connection(io, Arc::new(info), service, config, registration, Some(place)).await;
        }
        #[cfg(feature = "tls")]
        Ok(Met::Tls(io, info)) => connection(io, Arc::new(info), service, config, registration, Some(place)).await,
        Err(error) => tracing::debug!(%error, ?peer, local = %gate.local, "a connection ended before it began"),
    }
}

/// A connection that speaks HTTP now.
enum Met {
    Plain(Box<dyn Transport>, ConnectionInfo),
    #[cfg(feature = "tls")]
    Tls(crate::tls::TlsStream<Box<dyn Transport>>, ConnectionInfo),
}

/// The handshake within its time.
async fn meet(
    io: Box<dyn Transport>,
    gate: &Gate,
    info: ConnectionInfo,
    config: &Config,
    shutdown: &Shutdown,
) -> io::Result<Met> {
    let late = || io::Error::new(io::ErrorKind::TimedOut, "the handshake took too long");
    let in_time = timeout(config.handshake_timeout, steps(io, gate, info, config));
    tokio::select! {
        biased;
        () = shutdown.closing() => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the server ends")),
        met = in_time => met.map_err(|_| late())?,
        () = async { shutdown.draining().await; sleep(DRAIN_GRACE).await } => Err(late()),
    }
}

#[cfg_attr(
    not(all(feature = "proxy-protocol", feature = "tls")),
    allow(unused_mut, unused_variables, reason = "each step uses something else")
)]
async fn steps(mut io: Box<dyn Transport>, gate: &Gate, mut info: ConnectionInfo, config: &Config) -> io::Result<Met> {
    #[cfg(feature = "proxy-protocol")]
    if let Some(protocol) = &gate.proxy_protocol {
        if !protocol.trusts(info.peer_addr) {
            let message = "the peer is not among the proxies of this listener";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
        let (told, rest) = proxy_protocol::read(io, config.proxy_header_limit).await?;
        if let Told::Client(client) = told {
            info.proxy_addr = info.peer_addr.replace(client);
        }
        io = rest;
    }
    #[cfg(feature = "tls")]
    if let Some(tls) = &gate.tls {
        let stream = tls.accept(io).await?;
        info.tls = Some(stream.info());
        return Ok(Met::Tls(stream, info));
    }
    Ok(Met::Plain(io, info))
}
