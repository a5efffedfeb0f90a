//! The accept loop: one task that takes connections as long as there is room, and never ends by an error.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyperlane_core::{ConnectionInfo, Service};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

use crate::connection::connection;
use crate::shutdown::Shutdown;
use crate::{Config, Listener};

/// How soon accept is tried again while the process is out of descriptors or memory; sooner where one of our own
/// connections ends.
const RETRY: Duration = Duration::from_millis(50);
/// How often such a lack is logged.
const LOG_EVERY: Duration = Duration::from_secs(5);

/// Accepts until the server drains; then takes what the kernel has accepted already, and stops listening.
pub(crate) async fn accept_connections<S: Service>(
    listener: Listener,
    service: Arc<S>,
    config: Arc<Config>,
    shutdown: Arc<Shutdown>,
) {
    let local_addr = listener.local_addr();
    let room = Arc::new(Semaphore::new(config.max_connections.min(Semaphore::MAX_PERMITS)));
    let spawn = |stream: TcpStream, peer, permit: Option<OwnedSemaphorePermit>| {
        #[cfg(not(target_os = "linux"))]
        let _ = stream.set_nodelay(config.nodelay);
        let info = ConnectionInfo::new(Some(peer), Some(local_addr));
        let (service, config) = (Arc::clone(&service), Arc::clone(&config));
        tokio::spawn(connection(
            stream,
            Arc::new(info),
            service,
            config,
            shutdown.register(),
            permit,
        ));
    };
    let mut logged: Option<Instant> = None;
    while !shutdown.is_draining() {
        let permit = tokio::select! {
            permit = Arc::clone(&room).acquire_owned() => permit.expect("the semaphore is never closed"),
            () = shutdown.draining() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.socket.accept() => accepted,
            () = shutdown.draining() => break,
        };
        match accepted {
            Ok((stream, peer)) => spawn(stream, peer, Some(permit)),
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
    // Clients whose connection the kernel has completed count as accepted: they are served as well, room or not. The
    // kernel is asked directly, since the runtime may not have heard of the last ones yet.
    let Ok(socket) = listener.socket.into_std() else {
        return;
    };
    // From now on the kernel takes at most one more; the window in which one could be lost is as short as can be.
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(&socket).listen(0);
    loop {
        match socket.accept().and_then(|(stream, peer)| Ok((from_std(stream)?, peer))) {
            Ok((stream, peer)) => spawn(stream, peer, None),
            Err(error) if concerns_one_connection(&error) => {}
            Err(_) => break,
        }
    }
}

fn from_std(stream: std::net::TcpStream) -> io::Result<TcpStream> {
    stream.set_nonblocking(true)?;
    TcpStream::from_std(stream)
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
