//! What the ring keeps for one connection.

mod sending;

use std::io;
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::task::Waker;
use std::time::Duration;

use tokio::io::ReadBuf;

pub(crate) use sending::Written;

use crate::inbox::Inbox;
use crate::kernel::{Filled, Kernel, Operation, Place, receive_now};

/// Bytes of small writes that wait to be sent on one connection; beyond it a write pends. 65,536: what a socket's own
/// buffer takes before it grows.
pub const SEND_LIMIT: usize = 64 * 1024;
/// Bytes received on one connection and not read, at which receiving stops. 65,536. What the kernel has handed over by
/// then still arrives, some buffers more.
pub const RECEIVE_LIMIT: usize = 64 * 1024;
/// How long a dropped stream still sends what was written to it, 30 s; then the connection is reset.
pub const LINGER: Duration = Duration::from_secs(30);

/// Sends after which the kernel keeps the socket at hand: that costs two calls a connection, which has to last.
const KEPT_AFTER: u8 = 8;

/// Bytes that come in one turn, from which on it pays to receive without the ring's small buffers.
const MUCH: usize = 32 * 1024;
/// Bytes that come with one call, below which the ring does it again.
const LITTLE: usize = 4 * 1024;

/// A connection, its unread bytes and its unsent ones.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) io: TcpStream,
    /// Tells this connection from others that had the same key.
    pub(crate) generation: u64,
    inbox: Inbox,
    receiving: Progress,
    /// Much comes: it is received without the ring, which then only tells when there is something.
    bulk: bool,
    polling: Progress,
    /// Somebody wants to read.
    wanted: bool,
    ended: bool,
    receive_error: Option<io::Error>,
    pub(crate) reader: Option<Waker>,
    /// To be sent once the send in flight is done.
    queue: Vec<u8>,
    sending: Progress,
    /// Sends that went through the ring, as far as it matters.
    sends: u8,
    /// Where the kernel keeps the socket at hand.
    place: Option<Place>,
    /// Bytes in `queue` and in flight.
    unsent: usize,
    send_error: Option<i32>,
    pub(crate) writer: Option<Waker>,
    /// The ring tells when there is room for a large write.
    watching: Progress,
    watch: bool,
    shutdown: Shutdown,
    /// The stream is gone: only what it left behind is to be done.
    dropped: bool,
    /// What is unsent shall not be sent any more.
    abandoned: bool,
    /// It is on the list of those that want something done.
    pub(crate) listed: bool,
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Progress {
    #[default]
    None,
    InFlight,
    /// And its end was asked for.
    Cancelled,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shutdown {
    #[default]
    No,
    /// Once all is sent.
    Wanted,
    Done,
}

impl Socket {
    pub(crate) fn new(io: TcpStream, generation: u64) -> Self {
        Self {
            io,
            generation,
            inbox: Inbox::default(),
            receiving: Progress::None,
            bulk: false,
            polling: Progress::None,
            wanted: false,
            ended: false,
            receive_error: None,
            reader: None,
            queue: Vec::new(),
            sending: Progress::None,
            sends: 0,
            place: None,
            unsent: 0,
            send_error: None,
            writer: None,
            watching: Progress::None,
            watch: false,
            shutdown: Shutdown::No,
            dropped: false,
            abandoned: false,
            listed: false,
        }
    }

    /// Copies what was received, as far as there is room. `None`: nothing is there, and it is not the end.
    pub(crate) fn read(&mut self, kernel: &mut Kernel, room: &mut ReadBuf<'_>) -> Option<io::Result<()>> {
        if self.inbox.read(kernel, room) {
            return Some(Ok(()));
        }
        match self.receive_error.take() {
            Some(error) => Some(Err(error)),
            None if self.ended => Some(Ok(())),
            None if self.reads_directly() => self.read_now(room),
            None => None,
        }
    }

    /// Whether a read goes to the socket itself.
    pub(crate) fn reads_directly(&self) -> bool {
        self.bulk && self.inbox.unread() == 0 && self.receiving == Progress::None && self.polling == Progress::None
    }

    fn read_now(&mut self, room: &mut ReadBuf<'_>) -> Option<io::Result<()>> {
        match receive_now(self.io.as_fd(), room) {
            Ok(n) => {
                self.ended = n == 0;
                self.bulk = n >= LITTLE;
                Some(Ok(()))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// There is something to receive.
    pub(crate) fn readable(&mut self) {
        self.polling = Progress::None;
    }

    /// Says that somebody waits for bytes. Returns whether the ring has something to do for it.
    pub(crate) fn want(&mut self) -> bool {
        self.wanted = true;
        self.receiving == Progress::None && self.polling == Progress::None && self.can_receive()
    }

    fn can_receive(&self) -> bool {
        self.wanted
            && !self.ended
            && !self.dropped
            && self.receive_error.is_none()
            && self.inbox.unread() < RECEIVE_LIMIT
    }

    /// Whether receiving was stopped and may go on.
    pub(crate) fn may_resume(&self) -> bool {
        self.receiving == Progress::None && self.can_receive() && !self.bulk
    }

    /// Moves what nobody has read out of the ring's buffers, which others need.
    pub(crate) fn set_aside(&mut self, kernel: &mut Kernel) {
        self.inbox.set_aside(kernel);
    }

    /// Notes what has come. Returns whether it has to be looked at again.
    pub(crate) fn received(&mut self, kernel: &mut Kernel, received: io::Result<Option<Filled>>, more: bool) -> bool {
        if !more {
            self.receiving = Progress::None;
        }
        match received {
            Ok(Some(filled)) if self.dropped => kernel.give_back(filled),
            Ok(Some(filled)) => self.inbox.put(filled),
            Ok(None) => self.ended = true,
            Err(error) if is_pause(&error) => {}
            Err(error) => self.receive_error = Some(error),
        }
        if more && self.inbox.unread() >= MUCH {
            self.bulk = true;
        }
        !more || self.bulk || self.inbox.unread() >= RECEIVE_LIMIT
    }

    /// Whether bytes lie in the ring's buffers.
    pub(crate) fn holds_buffers(&self) -> bool {
        self.inbox.holds_buffers()
    }

    /// Whether a reader would find something.
    pub(crate) fn is_readable(&self) -> bool {
        self.inbox.unread() > 0 || self.ended || self.receive_error.is_some() || self.reads_directly()
    }

    /// Bytes received and not read.
    pub(crate) fn unread(&self) -> usize {
        self.inbox.unread()
    }

    /// Makes sure that closing resets the connection, and that nothing more is sent.
    pub(crate) fn abandon(&mut self) {
        self.abandoned = true;
        let _ = socket2::SockRef::from(&self.io).set_linger(Some(Duration::ZERO));
    }

    /// The stream is gone. Returns whether all is done with it.
    pub(crate) fn leave(&mut self, kernel: &mut Kernel) -> bool {
        self.dropped = true;
        self.reader = None;
        self.writer = None;
        self.inbox.clear(kernel);
        if self.abandoned {
            self.forget_queue();
        }
        self.is_over()
    }

    /// Whether the ring has nothing to do for it.
    pub(crate) fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.shutdown != Shutdown::Wanted && !self.dropped
    }

    pub(crate) fn is_dropped(&self) -> bool {
        self.dropped
    }

    /// Whether nothing of it is in flight and nobody will ask for it again.
    pub(crate) fn is_over(&self) -> bool {
        self.dropped
            && self.receiving == Progress::None
            && self.sending == Progress::None
            && self.watching == Progress::None
            && self.polling == Progress::None
            && self.place.is_none()
            && self.queue.is_empty()
    }

    fn forget_queue(&mut self) {
        self.unsent -= self.queue.len();
        self.queue = Vec::new();
    }

    /// Hands over to the ring what this connection wants done.
    pub(crate) fn submit(&mut self, kernel: &mut Kernel, key: usize) -> io::Result<()> {
        let resume = self.may_resume();
        let fd = self.io.as_fd();
        if self.sending == Progress::None && !self.queue.is_empty() {
            self.sends = self.sends.saturating_add(1);
            if self.sends == KEPT_AFTER {
                self.place = kernel.keep(fd);
            }
            kernel.send(fd, self.place.as_ref(), key, std::mem::take(&mut self.queue))?;
            self.sending = Progress::InFlight;
        }
        if self.dropped {
            // A send finds the socket by its place when it is handed over, which is later.
            if self.sending == Progress::None
                && let Some(place) = self.place.take()
            {
                // Before Linux 6.13 the kernel may keep the file for the sends of others, and the peer shall not wait for
                // these. A reset comes with the close.
                if !self.abandoned {
                    let _ = self.io.shutdown(std::net::Shutdown::Both);
                }
                kernel.let_go(place);
            }
            if self.receiving == Progress::InFlight {
                kernel.cancel(key, Operation::Receive)?;
                self.receiving = Progress::Cancelled;
            }
            if self.polling == Progress::InFlight {
                kernel.cancel(key, Operation::Readable)?;
                self.polling = Progress::Cancelled;
            }
            if self.watching == Progress::InFlight {
                kernel.cancel(key, Operation::Writable)?;
                self.watching = Progress::Cancelled;
            }
            if self.abandoned && self.sending == Progress::InFlight {
                kernel.cancel(key, Operation::Send)?;
                self.sending = Progress::Cancelled;
            }
        } else {
            if resume {
                kernel.receive(fd, key)?;
                self.receiving = Progress::InFlight;
            } else if self.reads_directly() && self.reader.is_some() && self.can_receive() {
                kernel.readable(fd, key)?;
                self.polling = Progress::InFlight;
            } else if self.receiving == Progress::InFlight && (self.bulk || self.inbox.unread() >= RECEIVE_LIMIT) {
                kernel.cancel(key, Operation::Receive)?;
                self.receiving = Progress::Cancelled;
            }
            if self.watch && self.watching == Progress::None {
                kernel.writable(fd, key)?;
                self.watching = Progress::InFlight;
            }
        }
        self.end_if_sent();
        Ok(())
    }
}

/// Whether receiving only has to be begun again: the buffers were used up for a moment (`ENOBUFS`), or we have asked
/// for its end (`ECANCELED`).
fn is_pause(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOBUFS | libc::ECANCELED))
}
