//! Everything that streams, listeners and the task that drives the ring share, behind one lock.
//!
//! The lock is free nearly always: all of them run on one thread. It is there so that a stream may be moved to another
//! thread, as an upgraded connection may be. Only the ring's own thread talks to the kernel.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use slab::Slab;

use crate::kernel::{Event, Kernel};
use crate::listener::Acceptor;
use crate::socket::{LINGER, Socket};

/// Dropped streams that may still have something to send, at once; of more the oldest are reset. Whoever limits
/// connections has stopped counting these.
const LINGERING: usize = 4096;

/// Send buffers kept for reuse; about as many as are in use in one turn.
const SPARE_BUFFERS: usize = 256;
/// A send buffer that grew past this is freed instead of kept.
const SPARE_BYTES: usize = 16 * 1024;

#[derive(Clone, Debug)]
pub(crate) struct Shared(Arc<Mutex<State>>);

#[derive(Debug)]
pub(crate) struct State {
    /// `None` once the ring has ended.
    pub(crate) kernel: Option<Kernel>,
    pub(crate) sockets: Slab<Socket>,
    pub(crate) acceptors: Slab<Acceptor>,
    /// Sockets and acceptors that want something done.
    listed: Vec<Listed>,
    /// Sockets with bytes in the ring's buffers.
    unread: Vec<usize>,
    /// Dropped streams that have bytes to send, and until when they may.
    lingering: VecDeque<(Instant, usize, u64)>,
    pub(crate) spare: Vec<Vec<u8>>,
    generations: u64,
    /// The task that takes turns.
    pub(crate) driver: Option<Waker>,
    /// It knows that there is something to do.
    called: bool,
    /// Those who wait until no connection is left.
    pub(crate) until_empty: Vec<Waker>,
    /// Receive operations that found no buffer.
    pub(crate) buffers_exhausted: u64,
}

#[derive(Clone, Copy, Debug)]
enum Listed {
    Socket(usize),
    Acceptor(usize),
}

impl Shared {
    pub(crate) fn new(kernel: Kernel) -> Self {
        Self(Arc::new(Mutex::new(State {
            kernel: Some(kernel),
            sockets: Slab::new(),
            acceptors: Slab::new(),
            listed: Vec::new(),
            unread: Vec::new(),
            lingering: VecDeque::new(),
            spare: Vec::new(),
            generations: 0,
            driver: None,
            called: false,
            until_empty: Vec::new(),
            buffers_exhausted: 0,
        })))
    }

    /// Nothing panics halfway under the lock, so a poisoned one holds a sound state.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(crate) fn insert(&mut self, io: std::net::TcpStream) -> usize {
        self.generations += 1;
        self.sockets.insert(Socket::new(io, self.generations))
    }

    /// Sees to it that a socket has its turn.
    pub(crate) fn list(&mut self, key: usize) {
        if let Some(socket) = self.sockets.get_mut(key)
            && !socket.listed
        {
            socket.listed = true;
            self.listed.push(Listed::Socket(key));
            self.call();
        }
    }

    /// Sees to it that a listener has its turn.
    pub(crate) fn list_acceptor(&mut self, key: usize) {
        if let Some(acceptor) = self.acceptors.get_mut(key)
            && !acceptor.listed
        {
            acceptor.listed = true;
            self.listed.push(Listed::Acceptor(key));
            self.call();
        }
    }

    /// The driver is a task: to wake it means to put it behind those that are ready, and runs nothing here.
    fn call(&mut self) {
        if !self.called {
            self.called = true;
            if let Some(driver) = &self.driver {
                driver.wake_by_ref();
            }
        }
    }

    /// Whether the driver has to come again by itself.
    pub(crate) fn has_work(&mut self) -> bool {
        !self.listed.is_empty() || self.kernel.as_mut().is_some_and(Kernel::has_unsubmitted)
    }

    /// When the next lingering connection has to be given up.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.lingering.front().map(|(deadline, ..)| *deadline)
    }

    /// A stream was dropped.
    pub(crate) fn leave(&mut self, key: usize) {
        let Self { kernel, sockets, .. } = self;
        let Some(kernel) = kernel else {
            // The ring has ended: nobody else closes it.
            sockets.try_remove(key);
            return;
        };
        let Some(socket) = sockets.get_mut(key) else {
            return;
        };
        if socket.leave(kernel) {
            self.remove(key);
            return;
        }
        if !socket.is_sent() {
            let generation = socket.generation;
            self.lingering.push_back((Instant::now() + LINGER, key, generation));
            self.limit_lingering();
        }
        self.list(key);
    }

    fn limit_lingering(&mut self) {
        if self.lingering.len() <= LINGERING {
            return;
        }
        let Self { sockets, lingering, .. } = self;
        lingering.retain(|(_, key, generation)| {
            sockets
                .get(*key)
                .is_some_and(|socket| socket.generation == *generation && !socket.is_sent())
        });
        while self.lingering.len() > LINGERING
            && let Some((_, key, _)) = self.lingering.pop_front()
        {
            self.cut(key);
        }
    }

    fn remove(&mut self, key: usize) {
        self.sockets.try_remove(key);
        if self.sockets.is_empty() {
            // Each is a task's own waker: waking runs nothing here.
            self.until_empty.drain(..).for_each(Waker::wake);
        }
    }

    /// Hands over all that was gathered, and notes all that has come. `wakers` are to be woken without the lock.
    pub(crate) fn turn(&mut self, wakers: &mut Vec<Waker>) -> io::Result<()> {
        self.called = false;
        self.give_up_lingering();
        let Self {
            kernel: Some(kernel),
            sockets,
            acceptors,
            listed,
            unread,
            ..
        } = self
        else {
            return Ok(());
        };
        for key in unread.drain(..) {
            if let Some(socket) = sockets.get_mut(key) {
                socket.set_aside(kernel);
            }
        }
        for listed in listed.drain(..) {
            match listed {
                Listed::Socket(key) => {
                    if let Some(socket) = sockets.get_mut(key) {
                        socket.listed = false;
                        socket.submit(kernel, key)?;
                        if socket.is_over() {
                            sockets.remove(key);
                        }
                    }
                }
                Listed::Acceptor(key) => {
                    if let Some(acceptor) = acceptors.get_mut(key) {
                        acceptor.listed = false;
                        acceptor.submit(kernel, key)?;
                    }
                }
            }
        }
        if sockets.is_empty() {
            wakers.append(&mut self.until_empty);
        }
        kernel.silence(true);
        let submitted = kernel.submit();
        while let Some(event) = self.kernel.as_mut().and_then(Kernel::next_event) {
            self.note(event, wakers);
        }
        if self.kernel.as_mut().is_some_and(|kernel| kernel.silence(false)) {
            self.call();
        }
        submitted
    }

    fn note(&mut self, event: Event, wakers: &mut Vec<Waker>) {
        let Some(kernel) = &mut self.kernel else {
            return;
        };
        match event {
            Event::Received { key, received, more } => {
                let Some(socket) = self.sockets.get_mut(key) else {
                    return;
                };
                self.buffers_exhausted += u64::from(received.is_err() && !more && !socket.is_dropped());
                let held = socket.holds_buffers();
                let look_again = socket.received(kernel, received, more);
                if !held && socket.holds_buffers() {
                    self.unread.push(key);
                }
                if socket.is_readable() {
                    wakers.extend(socket.reader.take());
                }
                if socket.is_over() {
                    self.remove(key);
                } else if look_again {
                    self.list(key);
                }
            }
            Event::Sent { key, data, sent } => {
                let Some(socket) = self.sockets.get_mut(key) else {
                    return;
                };
                let failed = sent.is_err();
                let spare = socket.sent(data, sent);
                if self.spare.len() < SPARE_BUFFERS && spare.capacity() <= SPARE_BYTES {
                    self.spare.push(spare);
                }
                wakers.extend(socket.writer.take());
                if failed {
                    wakers.extend(socket.reader.take());
                }
                if socket.is_over() {
                    self.remove(key);
                } else if !socket.is_idle() {
                    self.list(key);
                }
            }
            Event::Writable { key } => {
                let Some(socket) = self.sockets.get_mut(key) else {
                    return;
                };
                socket.writable();
                wakers.extend(socket.writer.take());
                if socket.is_over() {
                    self.remove(key);
                }
            }
            Event::Readable { key } => {
                let Some(socket) = self.sockets.get_mut(key) else {
                    return;
                };
                socket.readable();
                wakers.extend(socket.reader.take());
                if socket.is_over() {
                    self.remove(key);
                } else if socket.is_dropped() {
                    self.list(key);
                }
            }
            Event::Accepted { key, accepted, more } => {
                if let Some(acceptor) = self.acceptors.get_mut(key) {
                    acceptor.accepted(accepted, more);
                    wakers.extend(acceptor.waker.take());
                    if acceptor.is_over() {
                        self.acceptors.remove(key);
                    } else if acceptor.has_work() {
                        self.list_acceptor(key);
                    }
                }
            }
        }
    }

    fn give_up_lingering(&mut self) {
        while let Some((deadline, key, generation)) = self.lingering.front().copied() {
            let sent = self
                .sockets
                .get(key)
                .is_none_or(|socket| socket.generation != generation || socket.is_sent());
            if !sent && deadline > Instant::now() {
                return;
            }
            self.lingering.pop_front();
            if !sent {
                self.cut(key);
            }
        }
    }

    /// Resets a connection whose stream was dropped.
    fn cut(&mut self, key: usize) {
        let Self { kernel, sockets, .. } = self;
        if let (Some(kernel), Some(socket)) = (kernel, sockets.get_mut(key)) {
            socket.abandon();
            if socket.leave(kernel) {
                self.remove(key);
            } else {
                self.list(key);
            }
        }
    }

    /// Resets all connections whose streams were dropped and that still have something to send.
    pub(crate) fn cut_lingering(&mut self) {
        let keys: Vec<_> = self.lingering.drain(..).collect();
        for (_, key, generation) in keys {
            let lingers = |socket: &Socket| socket.generation == generation && socket.is_dropped();
            if self.sockets.get(key).is_some_and(lingers) {
                self.cut(key);
            }
        }
    }

    /// The ring ends; whatever streams are left fail from now on. The wakers are to be woken without the lock.
    pub(crate) fn end(&mut self) -> (Option<Kernel>, Vec<Waker>) {
        let mut wakers = std::mem::take(&mut self.until_empty);
        for (_, socket) in &mut self.sockets {
            wakers.extend(socket.reader.take());
            wakers.extend(socket.writer.take());
        }
        for (_, acceptor) in &mut self.acceptors {
            wakers.extend(acceptor.waker.take());
        }
        self.driver = None;
        // Nobody else closes what still had something to send.
        self.sockets.retain(|_, socket| !socket.is_dropped());
        (self.kernel.take(), wakers)
    }
}

/// What a stream or listener gets when the ring has ended before it.
pub(crate) fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the runtime of this connection has ended")
}
