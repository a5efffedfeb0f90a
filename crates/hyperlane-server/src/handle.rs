//! The running server, as its owner sees it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyperlane_core::Service;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::accept::{Server, Source, accept_connections};
use crate::cores::{self, Core, ServeError};
#[cfg(all(unix, feature = "hand-over"))]
use crate::hand_over::{self, HandOverError, Heirlooms};
use crate::listener::NO_ADDRESS;
#[cfg(all(unix, feature = "processes"))]
use crate::processes::{self, Part};
use crate::shutdown::Shutdown;
use crate::uring::Ring;
use crate::{Config, Listener, LocalAddr, Runtime, supervisor};

/// Serves what comes in on one listener, or on several (a `Vec` of them), which share everything: the room for
/// connections, the service, and the end. The work is done in tasks of the current tokio runtime, or in threads of the
/// server's own where [`Config::runtime`] says so.
///
/// Where a supervisor waits for it (`NOTIFY_SOCKET` of systemd), or a server that is [handed
/// over](ServerHandle::hand_over), it is told that this one accepts connections now.
///
/// # Errors
///
/// [`ServeError`]: a thread can't be started, a socket can't be registered with the runtime, or there is no listener.
///
/// # Panics
///
/// Outside of a tokio runtime.
pub async fn serve<S: Service>(
    listeners: impl Into<Vec<Listener>>,
    service: Arc<S>,
    config: Config,
) -> Result<ServerHandle, ServeError> {
    let listeners = listeners.into();
    if listeners.is_empty() {
        let message = "there is no listener: give the server one";
        return Err(ServeError::socket(io::Error::new(io::ErrorKind::InvalidInput, message)));
    }
    let by_inheritance = listeners.iter().any(Listener::is_inherited);
    #[cfg(all(unix, feature = "processes"))]
    let worker = match &config.processes {
        Some(asked) => match processes::worker() {
            Some(worker) => Some(worker),
            None => {
                let asked = asked.clone();
                return Box::pin(processes::supervise(listeners, &config, asked)).await;
            }
        },
        None => None,
    };
    let handle = ServerHandle::new(&listeners, &config);
    #[cfg(all(unix, feature = "processes"))]
    if let Some(worker) = worker {
        handle.become_worker(worker, &listeners)?;
    }
    let config = Arc::new(config);
    let shutdown = Arc::clone(&handle.0.shutdown);
    let handed_over = Arc::clone(&handle.0.handed_over);
    #[cfg(feature = "http3")]
    let doors: Vec<_> = listeners
        .iter()
        .filter_map(|listener| listener.gate.door.clone())
        .collect();
    let mut server = Server {
        room: Arc::new(Semaphore::new(config.max_connections.min(Semaphore::MAX_PERMITS))),
        full: tokio::sync::Notify::new(),
        service,
        config,
        shutdown,
        cores: Vec::new(),
        handed_over,
    };
    #[cfg(feature = "http3")]
    let insides: Vec<_> = doors
        .iter()
        .map(|_| crate::h3::Inside {
            service: Arc::clone(&server.service),
            config: Arc::clone(&server.config),
            shutdown: Arc::clone(&server.shutdown),
            room: Arc::clone(&server.room),
        })
        .collect();
    if server.config.runtime == Runtime::Shared {
        server.cores.push(Core::new(Handle::current(), None));
        let server = Arc::new(server);
        let mut sources = Vec::with_capacity(listeners.len());
        for listener in listeners {
            let source = Source::new(listener.socket, None).map_err(ServeError::socket)?;
            sources.push((source, listener.gate));
        }
        for (source, gate) in sources {
            // Before the task runs, so that a shutdown right now waits for it.
            let listening = server.shutdown.listening();
            let server = Arc::clone(&server);
            spawn_boxed(async move {
                accept_connections(source, gate, server, 0).await;
                drop(listening);
            });
        }
    } else {
        cores::start(listeners, server, Ring::start).await?;
    }
    #[cfg(feature = "http3")]
    for (door, inside) in doors.into_iter().zip(insides) {
        door.open(inside);
    }
    supervisor::say_ready(by_inheritance);
    Ok(handle)
}

/// Spawns one of the few tasks that a server has for itself. All of them are one type for the runtime, which compiles a
/// good deal for each type of task.
pub(crate) fn spawn_boxed(task: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
    let task: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(task);
    tokio::spawn(task)
}

/// A running server. It goes on when all its handles are dropped; a handle is for waiting and for stopping.
#[derive(Clone, Debug)]
pub struct ServerHandle(pub(crate) Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    local_addrs: Vec<LocalAddr>,
    pub(crate) deadline: Duration,
    pub(crate) shutdown: Arc<Shutdown>,
    stopping: AtomicBool,
    /// Whether other processes accept from the same sockets: a successor, or the workers beside this one.
    pub(crate) handed_over: Arc<AtomicBool>,
    /// What a successor gets.
    #[cfg(all(unix, feature = "hand-over"))]
    heirlooms: Heirlooms,
    /// What this process is, where several serve.
    #[cfg(all(unix, feature = "processes"))]
    pub(crate) part: std::sync::OnceLock<Part>,
    ended: watch::Sender<bool>,
}

impl ServerHandle {
    /// Of a server that does not serve yet.
    pub(crate) fn new(listeners: &[Listener], config: &Config) -> Self {
        let mut local_addrs: Vec<LocalAddr> = Vec::with_capacity(listeners.len());
        for listener in listeners {
            // Several queues of one address are one place for clients.
            if listener.local().tcp().is_none() || !local_addrs.contains(listener.local()) {
                local_addrs.push(listener.local().clone());
            }
        }
        let (ended, _) = watch::channel(false);
        let handed_over = Arc::new(AtomicBool::new(false));
        Self(Arc::new(Shared {
            local_addrs,
            deadline: config.shutdown_deadline,
            shutdown: Arc::new(Shutdown::default()),
            stopping: AtomicBool::new(false),
            #[cfg(all(unix, feature = "hand-over"))]
            heirlooms: Heirlooms::of(listeners, config, &handed_over),
            handed_over,
            #[cfg(all(unix, feature = "processes"))]
            part: std::sync::OnceLock::new(),
            ended,
        }))
    }

    /// The first TCP address that the server listens on; with the real port where port 0 was asked for. A server that
    /// has Unix sockets alone has none: `0.0.0.0:0`.
    pub fn local_addr(&self) -> SocketAddr {
        let mut over_tcp = self.0.local_addrs.iter().filter_map(LocalAddr::tcp);
        over_tcp.next().unwrap_or(NO_ADDRESS)
    }

    /// Everything that the server listens on, in the order of its listeners.
    pub fn local_addrs(&self) -> &[LocalAddr] {
        &self.0.local_addrs
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
        self.waiting().await;
    }

    /// Boxed, so that it is compiled here, and not into each program's `main`.
    fn waiting(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.wait_here())
    }

    async fn wait_here(&self) {
        #[cfg(all(unix, feature = "processes"))]
        if self.is_worker() {
            // It hears of signals from its supervisor.
            return self.ended().await;
        }
        tokio::select! {
            () = self.ended() => return,
            () = stop_signal() => {
                tracing::info!(deadline = ?self.0.deadline, "stop signal: finishing what is in hand");
                supervisor::say_stopping();
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
    /// with `Connection: close`; streams go on until the deadline, but event streams
    /// and WebSockets, which would never end, are ended at once. What is not done then is cut. Returns when all is
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

    /// Replaces this server by a program that takes over its listening sockets, without a client noticing: `command`
    /// is started with them, and once it serves, this server ends gracefully as by [`shutdown`](Self::shutdown).
    /// Returns when this one has ended; the successor is then on its own.
    ///
    /// The successor is a program with a server as this one, usually a newer version of the same: where it listens on
    /// an address that this server has, written the same way, it gets the open socket instead of a new one. So no
    /// connection is refused, and none is lost that waits to be accepted. Sockets that it does not want any more are
    /// closed; at least one it has to take. How it gets them is the protocol of systemd (`LISTEN_FDS`, with the addresses
    /// as names).
    ///
    /// A program with several servers hands [all of them](Self::hand_over_all) over at once.
    ///
    /// It has to run on the same [`Runtime`] if one of the two is [`Runtime::IoUring`], as the two kinds want the sockets
    /// set differently. Where systemd watches over the program, it is told which process is the main one now
    /// (`NotifyAccess=main` or `all`).
    ///
    /// ```no_run
    /// # async fn example(handle: hyperlane_server::ServerHandle) -> Result<(), Box<dyn std::error::Error>> {
    /// // By its name: where a newer program was installed under it, that is the one that is started.
    /// let mut arguments = std::env::args_os();
    /// let mut successor = tokio::process::Command::new(arguments.next().unwrap_or_default());
    /// successor.args(arguments);
    /// handle.hand_over(successor).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`HandOverError`]: the program can't be started, it ended before it served, it took longer than
    /// [`Config::hand_over_timeout`], or this server is ending already. It is stopped then, and this server goes on.
    ///
    /// # Cancel safety
    ///
    /// If this future is dropped before the successor serves, it is stopped and this server goes on. Afterwards the
    /// shutdown goes on.
    #[cfg(all(unix, feature = "hand-over"))]
    pub async fn hand_over(&self, command: tokio::process::Command) -> Result<(), HandOverError> {
        Self::hand_over_all(std::slice::from_ref(self), command).await
    }

    /// Replaces all servers of a program at once, as [`hand_over`](Self::hand_over) does with one. The successor has
    /// as many, and each of them at least one of the old addresses.
    ///
    /// # Errors
    ///
    /// As [`hand_over`](Self::hand_over).
    ///
    /// # Cancel safety
    ///
    /// As [`hand_over`](Self::hand_over).
    #[cfg(all(unix, feature = "hand-over"))]
    pub async fn hand_over_all(servers: &[Self], command: tokio::process::Command) -> Result<(), HandOverError> {
        if servers.is_empty() {
            return Err(HandOverError::nothing());
        }
        #[cfg(feature = "processes")]
        if servers.iter().any(Self::is_worker) {
            return Err(HandOverError::worker());
        }
        if servers.iter().any(|server| server.0.stopping.load(Ordering::Acquire)) {
            return Err(HandOverError::ending());
        }
        let heirlooms: Vec<_> = servers.iter().map(|server| &server.0.heirlooms).collect();
        let successor = hand_over::give(&heirlooms, command).await?;
        tracing::info!(successor, "a successor serves: finishing what is in hand");
        supervisor::say_main_process(successor);
        for server in servers {
            server.begin_shutdown(server.0.deadline);
        }
        for server in servers {
            server.ended().await;
        }
        Ok(())
    }

    pub(crate) fn begin_shutdown(&self, deadline: Duration) {
        // A socket listens until its last descriptor is closed.
        #[cfg(all(unix, feature = "hand-over"))]
        self.0.heirlooms.drop_all();
        self.0.shutdown.drain();
        if self.0.stopping.swap(true, Ordering::AcqRel) {
            return;
        }
        let shared = Arc::clone(&self.0);
        spawn_boxed(async move {
            if timeout(deadline, shared.shutdown.idle()).await.is_err() {
                let open = shared.shutdown.connections();
                tracing::warn!(open, ?deadline, "shutdown deadline is over: cutting what is still open");
                shared.shutdown.close();
                shared.shutdown.idle().await;
            }
            shared.ended.send_replace(true);
        });
    }

    pub(crate) async fn ended(&self) {
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
