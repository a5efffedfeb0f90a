//! One runtime for each core: the threads, how they begin, and how they end.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyperlane_core::Service;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot};

use crate::accept::{Server, Source, accept_connections};
use crate::handle::spawn_boxed;
use crate::listener::{Gate, ListeningSocket};
use crate::shutdown::Working;
use crate::uring::Ring;
use crate::{Config, Listener, Runtime};

/// How long the kernel may take for connections that were cut.
const CUT: Duration = Duration::from_secs(1);

/// A thread that serves connections, as the others see it.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) runtime: Handle,
    /// `None`: the sockets belong to the runtime itself.
    pub(crate) ring: Option<Ring>,
    load: Arc<AtomicUsize>,
}

impl Core {
    pub(crate) fn new(runtime: Handle, ring: Option<Ring>) -> Self {
        Self {
            runtime,
            ring,
            load: Arc::default(),
        }
    }

    /// Counts a connection, until the guard is dropped.
    pub(crate) fn take_on(&self) -> Load {
        self.load.fetch_add(1, Ordering::Relaxed);
        Load(Arc::clone(&self.load))
    }
}

/// A connection in the count of its core.
#[derive(Debug)]
pub(crate) struct Load(Arc<AtomicUsize>);

impl Drop for Load {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The core that a new connection goes to: the one that has accepted it, unless another has clearly fewer. A few
/// connections are spread exactly; among many a small difference is cheaper than the way to another thread.
pub(crate) fn choose(cores: &[Core], accepted_by: usize) -> usize {
    let load = |core: &Core| core.load.load(Ordering::Relaxed);
    let least = cores.iter().enumerate().min_by_key(|(_, core)| load(core));
    match (cores.get(accepted_by), least) {
        (Some(own), Some((index, other))) if load(own) > load(other) + load(other) / 8 => index,
        _ => accepted_by,
    }
}

/// Starts the threads, and lets them accept from `listeners` once all of them are ready.
///
/// If this future is dropped, they end. `ring` makes the ring of a thread where one is wanted.
pub(crate) async fn start<S: Service>(
    listeners: Vec<Listener>,
    server: Server<S>,
    ring: fn() -> io::Result<Ring>,
) -> Result<(), ServeError> {
    let count = count(&server.config);
    let (ready, mut readiness) = mpsc::channel(count);
    let mut waiting = Vec::with_capacity(count);
    for number in 0..count {
        let failed = |source| ServeError::thread(number, count, source);
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let runtime = Owned(Some(runtime));
        let mut sockets = Vec::with_capacity(listeners.len());
        for listener in &listeners {
            let socket = listener.socket.try_clone().map_err(failed)?;
            sockets.push((socket, Arc::clone(&listener.gate)));
        }
        let (go, gone) = oneshot::channel();
        let beginning = Beginning {
            number,
            ring: (server.config.runtime == Runtime::IoUring).then_some(ring),
            ready: ready.clone(),
            go: gone,
            sockets,
            working: server.shutdown.working(),
        };
        std::thread::Builder::new()
            .name(format!("hyperlane-{number}"))
            .spawn(move || {
                if let Some(runtime) = &runtime.0 {
                    // Boxed: the runtime would compile it once for each kind of scheduler.
                    let serving: Pin<Box<dyn Future<Output = ()>>> = Box::pin(serve_core(beginning));
                    runtime.block_on(serving);
                }
                // What handlers have spawned ends here; blocking work that they began is not waited for.
                drop(runtime);
            })
            .map_err(failed)?;
        waiting.push(go);
    }
    drop(ready);
    let mut cores = Vec::with_capacity(count);
    let mut refused = None;
    while let Some(Ready { number, runtime, ring }) = readiness.recv().await {
        let ring = ring.transpose().unwrap_or_else(|error| {
            refused = Some(error);
            None
        });
        let place = cores.partition_point(|(other, _)| *other < number);
        cores.insert(place, (number, Core::new(runtime, ring)));
    }
    if let Some(reason) = refused {
        tracing::warn!(%reason, "no io_uring: serving with one runtime per core and the system's usual polling");
        // All or none: they share one socket, and the two ways want it set differently.
        cores.iter_mut().for_each(|(_, core)| core.ring = None);
    }
    let server = Arc::new(Server {
        cores: cores.into_iter().map(|(_, core)| core).collect(),
        ..server
    });
    for go in waiting {
        let started = Start {
            server: Arc::clone(&server),
            listening: server.shutdown.listening(),
        };
        if go.send(started).is_err() {
            tracing::error!("a thread of the server has ended before it began");
        }
    }
    Ok(())
}

/// A runtime that may be dropped anywhere: also inside of another one, where a thread for it could not be started.
struct Owned(Option<tokio::runtime::Runtime>);

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

fn count(config: &Config) -> usize {
    let count = config
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    count.max(1)
}

/// What a thread gets before it says that it is ready.
struct Beginning<S> {
    number: usize,
    ring: Option<fn() -> io::Result<Ring>>,
    ready: mpsc::Sender<Ready>,
    go: oneshot::Receiver<Start<S>>,
    sockets: Vec<(ListeningSocket, Arc<Gate>)>,
    working: Working,
}

struct Ready {
    number: usize,
    runtime: Handle,
    ring: Option<io::Result<Ring>>,
}

struct Start<S> {
    server: Arc<Server<S>>,
    listening: crate::shutdown::Listening,
}

/// The whole life of a thread: it accepts, serves, and stays until all that the server has promised is done.
async fn serve_core<S: Service>(beginning: Beginning<S>) {
    let Beginning {
        number,
        ring,
        ready,
        go,
        sockets,
        working,
    } = beginning;
    let ring = ring.map(|start| start());
    let runtime = Handle::current();
    let said = ready.send(Ready { number, runtime, ring }).await;
    drop(ready);
    let (Ok(()), Ok(Start { server, listening })) = (said, go.await) else {
        return;
    };
    let shutdown = Arc::clone(&server.shutdown);
    let ring = server.cores.get(number).and_then(|core| core.ring.clone());
    let mut loops = Vec::with_capacity(sockets.len());
    for (socket, gate) in sockets {
        match Source::new(socket, ring.as_ref()) {
            Ok(source) => loops.push(spawn_boxed(accept_connections(
                source,
                gate,
                Arc::clone(&server),
                number,
            ))),
            Err(error) => tracing::error!(
                %error, number, local = %gate.local,
                "a thread of the server can't accept connections"
            ),
        }
    }
    for accepting in loops {
        // It can't have panicked; and if it has, the others go on.
        let _ = accepting.await;
    }
    drop(listening);
    shutdown.quiet().await;
    if let Some(ring) = ring {
        // What the last responses have left in its buffers.
        tokio::select! {
            () = ring.settled() => {}
            () = shutdown.closing() => {
                ring.cut();
                let _ = tokio::time::timeout(CUT, ring.settled()).await;
            }
        }
    }
    drop(working);
}

/// A server could not begin to serve.
#[derive(Debug)]
pub struct ServeError {
    what: What,
    source: Box<dyn StdError + Send + Sync>,
}

/// What could not begin.
#[derive(Debug)]
enum What {
    Socket,
    /// Which one, of how many.
    Thread(usize, usize),
    #[cfg(all(unix, feature = "processes"))]
    Workers,
}

impl ServeError {
    fn thread(number: usize, count: usize, source: io::Error) -> Self {
        Self {
            what: What::Thread(number, count),
            source: source.into(),
        }
    }

    pub(crate) fn socket(source: io::Error) -> Self {
        Self {
            what: What::Socket,
            source: source.into(),
        }
    }

    #[cfg(all(unix, feature = "processes"))]
    pub(crate) fn workers(source: crate::processes::WorkersFailed) -> Self {
        Self {
            what: What::Workers,
            source: source.into(),
        }
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = &self.source;
        match self.what {
            What::Thread(number, count) => write!(
                f,
                "can't start thread {} of {count} for the server: {source}; set fewer `threads`, or raise the limits of \
                 the process",
                number + 1
            ),
            What::Socket => write!(f, "can't accept connections: {source}"),
            #[cfg(all(unix, feature = "processes"))]
            What::Workers => write!(f, "can't serve with several processes: {source}"),
        }
    }
}

impl StdError for ServeError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.source)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Ready as ReadyFuture, ready};

    use hyperlane_core::{Request, Response};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::shutdown::Shutdown;

    struct Word;

    impl Service for Word {
        type Future = ReadyFuture<Response>;

        fn call(&self, _: Request) -> Self::Future {
            ready(Response::new("word"))
        }
    }

    #[tokio::test]
    async fn a_kernel_that_refuses_io_uring_leaves_the_usual_polling() {
        let listener = crate::bind("127.0.0.1", 0, &Config::default())
            .await
            .expect("a free port");
        let local_addr = listener.local_addr();
        let shutdown = Arc::new(Shutdown::default());
        let config = Config {
            runtime: Runtime::IoUring,
            threads: Some(2),
            ..Config::default()
        };
        let server = Server {
            service: Arc::new(Word),
            config: Arc::new(config),
            shutdown: Arc::clone(&shutdown),
            room: Arc::new(Semaphore::new(10)),
            full: tokio::sync::Notify::new(),
            cores: Vec::new(),
            handed_over: Arc::default(),
        };
        let refuse = || Err(io::ErrorKind::PermissionDenied.into());
        start(vec![listener], server, refuse)
            .await
            .expect("threads can be started");
        for _ in 0..4 {
            let mut client = TcpStream::connect(local_addr).await.expect("listening");
            let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
            client.write_all(request).await.expect("open");
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.expect("closed in order");
            assert!(answer.ends_with("word"), "{answer}");
        }
        shutdown.drain();
        shutdown.idle().await;
    }

    #[test]
    fn a_connection_goes_elsewhere_only_where_there_are_clearly_fewer() {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let cores: Vec<_> = (0..2).map(|_| Core::new(runtime.handle().clone(), None)).collect();
        assert_eq!(choose(&cores, 1), 1);
        let mut taken = vec![cores[1].take_on()];
        assert_eq!(choose(&cores, 1), 0);
        taken.extend((0..100).flat_map(|_| [cores[0].take_on(), cores[1].take_on()]));
        assert_eq!(choose(&cores, 1), 1);
        drop(taken);
        assert_eq!(choose(&cores, 1), 1);
    }
}
