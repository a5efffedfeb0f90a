//! The ring of a thread, and the task that drives it.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::unix::AsyncFd;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::Stream;
use crate::kernel::Kernel;
use crate::state::{Shared, ended};

/// A ring that belongs to a current-thread runtime of tokio. Clones are handles of the same ring.
///
/// It ends with the runtime: streams that are left then fail. [`settled`](Self::settled) waits until none is.
#[derive(Clone)]
pub struct Ring {
    shared: Shared,
}

impl Ring {
    /// Makes a ring for the current runtime, and spawns the task that drives it.
    ///
    /// # Errors
    ///
    /// The kernel has no `io_uring` or one older than Linux 6.0, or refuses it to this process (`EPERM`, `ENOSYS`); or
    /// the current runtime is not a current-thread one.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, or in one without I/O or time.
    pub fn start() -> io::Result<Self> {
        if Handle::current().runtime_flavor() != RuntimeFlavor::CurrentThread {
            let message = "a ring belongs to one thread: start it in a current-thread runtime";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let kernel = Kernel::new()?;
        let readable = kernel.watched()?;
        let shared = Shared::new(kernel);
        tokio::spawn(Driver {
            shared: shared.clone(),
            readable,
            deadline: None,
            wakers: Vec::new(),
        });
        Ok(Self { shared })
    }

    /// Whether it has not ended.
    pub fn is_running(&self) -> bool {
        self.shared.lock().kernel.is_some()
    }

    /// Takes over a connected socket.
    ///
    /// # Errors
    ///
    /// The ring has ended, or the socket is not one that can be waited for.
    pub fn attach(&self, socket: TcpStream) -> io::Result<Stream> {
        // With `O_NONBLOCK` an operation of the ring would fail where it has to wait.
        socket.set_nonblocking(false)?;
        let mut state = self.shared.lock();
        if state.kernel.is_none() {
            return Err(ended());
        }
        let key = state.insert(socket);
        drop(state);
        Ok(Stream::new(self.shared.clone(), key))
    }

    /// Waits until no connection is left: every stream is dropped, and what it left behind is sent.
    pub async fn settled(&self) {
        poll_fn(|cx| {
            let mut state = self.shared.lock();
            if state.sockets.is_empty() || state.kernel.is_none() {
                return Poll::Ready(());
            }
            state.until_empty.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Resets the connections whose streams were dropped and that still have something to send.
    pub fn cut(&self) {
        self.shared.lock().cut_lingering();
    }

    /// What the ring holds now.
    pub fn stats(&self) -> RingStats {
        let state = self.shared.lock();
        RingStats {
            connections: state.sockets.len(),
            unread: state.sockets.iter().map(|(_, socket)| socket.unread()).sum(),
            buffers_exhausted: state.buffers_exhausted,
        }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// Figures of a [`Ring`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingStats {
    /// Connections that are open, or closed and not done yet.
    pub connections: usize,
    /// Bytes that were received and not read.
    pub unread: usize,
    /// How often receiving had to begin again, chiefly because more had come than there are buffers for in one turn.
    pub buffers_exhausted: u64,
}

/// The task that talks to the kernel. A turn hands over what was gathered and takes what has come.
struct Driver {
    shared: Shared,
    /// The ring's descriptor: readable while something has come.
    readable: AsyncFd<OwnedFd>,
    /// When a lingering connection has to be given up.
    deadline: Option<Pin<Box<Sleep>>>,
    wakers: Vec<Waker>,
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        // What comes after it was cleared makes it ready again.
        while let Poll::Ready(ready) = this.readable.poll_read_ready(cx) {
            match ready {
                Ok(mut guard) => guard.clear_ready(),
                // The runtime ends.
                Err(_) => return Poll::Ready(()),
            }
        }
        let mut state = this.shared.lock();
        if state.driver.is_none() {
            state.driver = Some(cx.waker().clone());
        }
        let turned = state.turn(&mut this.wakers);
        let again = state.has_work();
        let deadline = state.next_deadline();
        drop(state);
        this.wakers.drain(..).for_each(Waker::wake);
        if turned.is_err() {
            return Poll::Ready(());
        }
        if again {
            // Behind the tasks that were just woken, which will have more to hand over.
            cx.waker().wake_by_ref();
        }
        this.poll_deadline(cx, deadline);
        Poll::Pending
    }
}

impl Driver {
    fn poll_deadline(&mut self, cx: &mut Context<'_>, deadline: Option<std::time::Instant>) {
        let Some(deadline) = deadline.map(Instant::from_std) else {
            self.deadline = None;
            return;
        };
        let sleep = self.deadline.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() != deadline {
            sleep.as_mut().reset(deadline);
        }
        if sleep.as_mut().poll(cx).is_ready() {
            cx.waker().wake_by_ref();
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let (kernel, wakers) = self.shared.lock().end();
        // Without the lock: it waits for the kernel.
        drop(kernel);
        wakers.into_iter().for_each(Waker::wake);
    }
}
