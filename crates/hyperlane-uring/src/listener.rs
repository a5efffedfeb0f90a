//! Accepting connections.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::task::{Context, Poll, Waker};

use crate::Ring;
use crate::kernel::{Kernel, Operation};
use crate::state::{Shared, ended};

/// Connections that are accepted before somebody asks for them; then accepting pauses.
const AHEAD: usize = 64;

/// A listening socket whose connections are accepted by the ring.
#[derive(Debug)]
pub struct Listener {
    shared: Shared,
    key: usize,
    /// A second descriptor of the same socket.
    socket: TcpListener,
}

impl Listener {
    /// Accepts what comes in on `socket`.
    ///
    /// # Errors
    ///
    /// There is no descriptor left for a second one of the socket, or the ring has ended.
    pub fn new(ring: &Ring, socket: TcpListener) -> io::Result<Self> {
        // The ring waits only on a socket that would block.
        socket.set_nonblocking(false)?;
        let shared = ring.shared().clone();
        let acceptor = Acceptor::new(socket.try_clone()?);
        let mut state = shared.lock();
        if state.kernel.is_none() {
            return Err(ended());
        }
        let key = state.acceptors.insert(acceptor);
        drop(state);
        Ok(Self { shared, key, socket })
    }

    /// The next connection and its peer; to be given to [`Ring::attach`], of this ring or of another.
    ///
    /// # Errors
    ///
    /// Those of `accept(2)`, like too many open files. The next call tries again.
    ///
    /// # Cancel safety
    ///
    /// No connection is lost when the future is dropped: it stays for the next call.
    pub async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    /// As [`accept`](Self::accept).
    pub fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let mut state = self.shared.lock();
        if state.kernel.is_none() {
            return Poll::Ready(Err(ended()));
        }
        let Some(acceptor) = state.acceptors.get_mut(self.key) else {
            return Poll::Ready(Err(ended()));
        };
        if let Some(socket) = acceptor.queue.pop_front() {
            drop(state);
            let socket = TcpStream::from(socket);
            return Poll::Ready(socket.peer_addr().map(|peer| (socket, peer)).map_err(gone));
        }
        if let Some(error) = acceptor.error.take() {
            return Poll::Ready(Err(error));
        }
        acceptor.waker = Some(cx.waker().clone());
        acceptor.wanted = true;
        if acceptor.has_work() {
            state.list_acceptor(self.key);
        }
        Poll::Pending
    }

    /// Stops accepting until [`accept`](Self::accept) is called again. Connections that the ring has accepted by the
    /// time that the kernel hears of it are kept for that.
    pub fn pause(&mut self) {
        let mut state = self.shared.lock();
        if let Some(acceptor) = state.acceptors.get_mut(self.key) {
            acceptor.wanted = false;
            if acceptor.has_work() {
                state.list_acceptor(self.key);
            }
        }
    }

    /// Stops accepting, and waits until the kernel has. Returns the connections that were accepted and not asked for;
    /// further ones stay with the [`socket`](Self::socket).
    pub async fn stop(&mut self) -> Vec<TcpStream> {
        self.pause();
        poll_fn(|cx| {
            let mut state = self.shared.lock();
            let ended = state.kernel.is_none();
            let Some(acceptor) = state.acceptors.get_mut(self.key) else {
                return Poll::Ready(Vec::new());
            };
            if acceptor.accepting != Accepting::No && !ended {
                acceptor.waker = Some(cx.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(acceptor.queue.drain(..).map(TcpStream::from).collect())
        })
        .await
    }

    /// The socket itself.
    pub fn socket(&self) -> &TcpListener {
        &self.socket
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let ended = state.kernel.is_none();
        if let Some(acceptor) = state.acceptors.get_mut(self.key) {
            acceptor.dropped = true;
            acceptor.wanted = false;
            if ended || acceptor.is_over() {
                state.acceptors.remove(self.key);
            } else {
                state.list_acceptor(self.key);
            }
        }
    }
}

/// What the ring keeps for a listener.
#[derive(Debug)]
pub(crate) struct Acceptor {
    socket: TcpListener,
    queue: VecDeque<OwnedFd>,
    error: Option<io::Error>,
    accepting: Accepting,
    /// Somebody waits for connections.
    wanted: bool,
    dropped: bool,
    pub(crate) waker: Option<Waker>,
    pub(crate) listed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accepting {
    No,
    InFlight,
    Cancelled,
}

impl Acceptor {
    fn new(socket: TcpListener) -> Self {
        Self {
            socket,
            queue: VecDeque::new(),
            error: None,
            accepting: Accepting::No,
            wanted: false,
            dropped: false,
            waker: None,
            listed: false,
        }
    }

    /// Whether what the ring does is not what is wanted.
    pub(crate) fn has_work(&self) -> bool {
        let wanted = self.wanted && !self.dropped && self.queue.len() < AHEAD;
        match self.accepting {
            Accepting::No => wanted && self.error.is_none(),
            Accepting::InFlight => !wanted,
            Accepting::Cancelled => false,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.dropped && self.accepting == Accepting::No
    }

    pub(crate) fn submit(&mut self, kernel: &mut Kernel, key: usize) -> io::Result<()> {
        if self.has_work() {
            if self.accepting == Accepting::No {
                kernel.accept(self.socket.as_fd(), key)?;
                self.accepting = Accepting::InFlight;
            } else {
                kernel.cancel(key, Operation::Accept)?;
                self.accepting = Accepting::Cancelled;
            }
        }
        Ok(())
    }

    pub(crate) fn accepted(&mut self, accepted: io::Result<OwnedFd>, more: bool) {
        match accepted {
            Ok(socket) => self.queue.push_back(socket),
            Err(error) if error.raw_os_error() == Some(libc::ECANCELED) => {}
            Err(error) => self.error = Some(error),
        }
        if !more {
            self.accepting = Accepting::No;
        }
        // Who waits asks again, and so says whether more is wanted.
    }
}

/// A peer that has gone before it could be asked for: an error of that one connection.
fn gone(error: io::Error) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, error)
}
