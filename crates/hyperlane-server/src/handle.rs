//! The running server, as its owner sees it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyperlane_core::Service;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::accept::{Server, Source, accept_connections};
use crate::cores::{self, Core, ServeError};
use crate::shutdown::Shutdown;
use crate::uring::Ring;
use crate::{Config, Listener, Runtime};

/// Serves what comes in on `listener`. The work is done in tasks of the current tokio runtime, or in threads of the
/// server's own where [`Config::runtime`] says so.
///
/// # Errors
///
/// [`ServeError`]: a thread can't be started. Without threads of its own it can't fail.
///
/// # Panics
///
/// Outside of a tokio runtime.
pub async fn serve<S: Service>(
    listener: Listener,
    service: Arc<S>,
    config: Config,
) -> Result<ServerHandle, ServeError> {
    let config = Arc::new(config);
    let shutdown = Arc::new(Shutdown::default());
    let (ended, _) = watch::channel(false);
    let shared = Arc::new(Shared {
        local_addr: listener.local_addr(),
        deadline: config.shutdown_deadline,
        shutdown: Arc::clone(&shutdown),
        stopping: AtomicBool::new(false),
        ended,
    });
    let mut server = Server {
        local_addr: listener.local_addr(),
        room: Arc::new(Semaphore::new(config.max_connections.min(Semaphore::MAX_PERMITS))),
        service,
        config,
        shutdown,
        cores: Vec::new(),
    };
    if server.config.runtime == Runtime::Shared {
        server.cores.push(Core::new(Handle::current(), None));
        // Before the task runs, so that a shutdown right now waits for it.
        let listening = server.shutdown.listening();
        tokio::spawn(async move {
            accept_connections(Source::Tokio(listener.socket), Arc::new(server), 0).await;
            drop(listening);
        });
    } else {
        cores::start(listener.socket, server, Ring::start).await?;
    }
    Ok(ServerHandle(shared))
}

/// A running server. It goes on when all its handles are dropped; a handle is for waiting and for stopping.
#[derive(Clone, Debug)]
pub struct ServerHandle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    local_addr: SocketAddr,
    deadline: Duration,
    shutdown: Arc<Shutdown>,
    stopping: AtomicBool,
    ended: watch::Sender<bool>,
}

impl ServerHandle {
    /// The address that the server listens on; with the real port where port 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.0.local_addr
    }

    /// Connections that are open now.
    pub fn connections(&self) -> usize {
        self.0.shutdown.connections()
    }

    /// Waits until the server has ended.
    ///
    /// While somebody waits here, SIGINT (Ctrl-C) and SIGTERM begin a graceful [`shutdown`](Self::shutdown), and a
    /// second one ends it at once.
    ///
    /// # Cancel safety
    ///
    /// The server goes on when this future is dropped; but once waited here, the two signals no longer end the
    /// process by themselves.
    pub async fn wait(&self) {
        tokio::select! {
            () = self.ended() => return,
            () = stop_signal() => {
                tracing::info!(deadline = ?self.0.deadline, "stop signal: finishing what is in hand");
                self.begin_shutdown(self.0.deadline);
            }
        }
        tokio::select! {
            () = self.ended() => {}
            () = stop_signal() => {
                tracing::warn!("second stop signal: closing all connections");
                self.0.shutdown.close();
                self.ended().await;
            }
        }
    }

    /// Ends the server gracefully, within the deadline of its configuration.
    ///
    /// No new connection is accepted; connections that wait for a request are closed; requests in hand are answered,
    /// with `Connection: close`; streams go on until the deadline. What is not done then is cut. Returns when all is
    /// over.
    ///
    /// # Cancel safety
    ///
    /// A shutdown that has begun goes on when this future is dropped.
    pub async fn shutdown(&self) {
        self.shutdown_within(self.0.deadline).await;
    }

    /// Ends the server gracefully as [`shutdown`](Self::shutdown) does, within `deadline`. Only the first call sets
    /// the deadline; later ones wait along.
    pub async fn shutdown_within(&self, deadline: Duration) {
        self.begin_shutdown(deadline);
        self.ended().await;
    }

    fn begin_shutdown(&self, deadline: Duration) {
        self.0.shutdown.drain();
        if self.0.stopping.swap(true, Ordering::AcqRel) {
            return;
        }
        let shared = Arc::clone(&self.0);
        tokio::spawn(async move {
            if timeout(deadline, shared.shutdown.idle()).await.is_err() {
                let open = shared.shutdown.connections();
                tracing::warn!(open, ?deadline, "shutdown deadline is over: cutting what is still open");
                shared.shutdown.close();
                shared.shutdown.idle().await;
            }
            shared.ended.send_replace(true);
        });
    }

    async fn ended(&self) {
        let mut ended = self.0.ended.subscribe();
        // The sender lives in `self`, so the wait can't fail.
        let _ = ended.wait_for(|ended| *ended).await;
    }
}

#[cfg(unix)]
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};

    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        tracing::warn!("can't listen for SIGINT and SIGTERM: they will end the process at once");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn stop_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
