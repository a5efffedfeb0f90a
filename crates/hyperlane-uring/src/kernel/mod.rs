//! The ring itself, and the one module with unsafe code: what the kernel is told to read or write stays where it is
//! until the kernel has said that it is done.
//!
//! Three kinds of memory are shared with the kernel. The two queues belong to the `io-uring` crate. Bytes to be sent
//! are moved in here with the operation and moved out with its completion. Bytes received lie in the buffers that
//! [`Buffers`] owns; a [`Filled`] stands for the part of one that the kernel has handed over, and it is given back by
//! value.
#![allow(unsafe_code)]

mod buffers;
mod event;
mod receive;

use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

use io_uring::types::{CancelBuilder, Fd, Fixed, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

pub(crate) use buffers::Filled;
pub(crate) use event::{Event, Operation};
pub(crate) use receive::receive_now;

use buffers::{BUFFERS, Buffers};
use event::{parts, token};

/// Operations that are submitted with one call; more make a second call necessary.
const SUBMISSIONS: u32 = 512;
/// Completions that the kernel can note before it has to keep them elsewhere.
const COMPLETIONS: u32 = 4096;
const GROUP: u16 = 0;
/// Sockets that the kernel keeps at hand; not more than a process may usually have open.
const PLACES: u32 = 1024;
/// How long the end of a ring may take. Cancelling takes microseconds; afterwards memory is leaked instead of freed.
const END: Duration = Duration::from_secs(1);

/// A send to a peer that has gone is an error and no signal, and it completes when all is sent.
const SEND_FLAGS: i32 = libc::MSG_NOSIGNAL | libc::MSG_WAITALL;
/// No `SOCK_NONBLOCK`, with which the ring would fail where it should wait.
const ACCEPT_FLAGS: i32 = libc::SOCK_CLOEXEC;

/// An instance of `io_uring` with its buffers.
///
/// Its methods are for the thread that made it: the kernel refuses others.
pub(crate) struct Kernel {
    ring: ManuallyDrop<IoUring>,
    buffers: ManuallyDrop<Buffers>,
    /// By key, the bytes of the send that is in flight.
    sends: ManuallyDrop<Vec<Option<Vec<u8>>>>,
    /// Places for sockets that the kernel keeps at hand, free ones.
    places: Vec<Place>,
    /// Operations in flight that use memory of ours.
    in_flight: usize,
}

impl Kernel {
    /// # Errors
    ///
    /// The kernel has no `io_uring`, or an older one than is needed (6.0), or refuses it to this process.
    pub(crate) fn new() -> io::Result<Self> {
        let ring = Self::setup()?;
        let mut probe = io_uring::Probe::new();
        ring.submitter().register_probe(&mut probe)?;
        // It came with the multishot receive, which can't be asked for.
        if !probe.is_supported(opcode::SendZc::CODE) {
            let message = "io_uring of this kernel has no multishot receive, which came with Linux 6.0";
            return Err(io::Error::new(io::ErrorKind::Unsupported, message));
        }
        let mut buffers = Buffers::new();
        // SAFETY: `buffers` owns the entries, `BUFFERS` of them and aligned to a page, until it is dropped; that is
        // after the ring has ended (`Drop`), or never.
        unsafe {
            ring.submitter()
                .register_buf_ring_with_flags(buffers.address(), BUFFERS, GROUP, 0)?;
        }
        buffers.give_all();
        // Without them, each send looks its socket up.
        let places = match ring.submitter().register_files_sparse(PLACES) {
            Ok(()) => (0..PLACES).map(Place).collect(),
            Err(_) => Vec::new(),
        };
        Ok(Self {
            ring: ManuallyDrop::new(ring),
            buffers: ManuallyDrop::new(buffers),
            sends: ManuallyDrop::default(),
            places,
            in_flight: 0,
        })
    }

    /// The best that this kernel offers: completions are worked on when we ask for them (6.1), or at least not by an
    /// interrupt of whatever the thread is doing (5.19).
    fn setup() -> io::Result<IoUring> {
        let deferred = IoUring::builder()
            .setup_cqsize(COMPLETIONS)
            .setup_submit_all()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_taskrun_flag()
            .build(SUBMISSIONS);
        match deferred {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => IoUring::builder()
                .setup_cqsize(COMPLETIONS)
                .setup_submit_all()
                .setup_coop_taskrun()
                .setup_taskrun_flag()
                .build(SUBMISSIONS),
            made => made,
        }
    }

    /// A descriptor that becomes readable whenever there is something new to reap, watched by the current runtime.
    ///
    /// It is an `eventfd`, since the ring's own descriptor does not tell of what the kernel has put off until it is
    /// asked (`IORING_SETUP_DEFER_TASKRUN`).
    pub(crate) fn watched(&self) -> io::Result<AsyncFd<OwnedFd>> {
        // SAFETY: the call takes no memory; a descriptor that it returns belongs to nobody else.
        let descriptor = unsafe {
            match libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) {
                -1 => return Err(io::Error::last_os_error()),
                fd => OwnedFd::from_raw_fd(fd),
            }
        };
        self.ring.submitter().register_eventfd(descriptor.as_raw_fd())?;
        // SAFETY: what is handed over owns its descriptor, which stays open and the same until it is dropped.
        unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }.map_err(io::Error::from)
    }

    /// Whether the kernel shall not tell of what comes, because it is asked anyway. Returns whether something has come
    /// that it has not told of.
    pub(crate) fn silence(&mut self, silent: bool) -> bool {
        // Switching it on and looking must not change places with the kernel's noting and looking. Only on x86 are
        // the kernel's two steps in order for sure; elsewhere it tells more than is needed.
        if !cfg!(target_arch = "x86_64") {
            return false;
        }
        let mut completion = self.ring.completion();
        if silent {
            completion.disable_eventfd();
            return false;
        }
        completion.enable_eventfd();
        fence(Ordering::SeqCst);
        completion.sync();
        let pending = !completion.is_empty();
        drop(completion);
        let submission = self.ring.submission();
        // What did not fit is handed over only by a call for it.
        pending || submission.taskrun() || submission.cq_overflow()
    }

    fn fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the ring, and with it its descriptor, lives as long as `self`.
        unsafe { BorrowedFd::borrow_raw(self.ring.as_raw_fd()) }
    }

    /// Receives again and again, until an event says that it does not go on.
    pub(crate) fn receive(&mut self, fd: BorrowedFd<'_>, key: usize) -> io::Result<()> {
        let entry = opcode::RecvMulti::new(Fd(fd.as_raw_fd()), GROUP).build();
        // SAFETY: the kernel writes only to buffers that `self.buffers` has given it; they live until nothing is in
        // flight.
        unsafe { self.push(entry, key, Operation::Receive)? };
        self.in_flight += 1;
        Ok(())
    }

    /// Sends all of `data`, which comes back with the event.
    ///
    /// # Panics
    ///
    /// A send with the same key is in flight.
    pub(crate) fn send(
        &mut self,
        fd: BorrowedFd<'_>,
        place: Option<&Place>,
        key: usize,
        data: Vec<u8>,
    ) -> io::Result<()> {
        if self.sends.len() <= key {
            self.sends.resize_with(key + 1, || None);
        }
        assert!(self.sends[key].is_none(), "one send at a time");
        let len = u32::try_from(data.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let send = match place {
            Some(place) => opcode::Send::new(Fixed(place.0), data.as_ptr(), len),
            None => opcode::Send::new(Fd(fd.as_raw_fd()), data.as_ptr(), len),
        };
        let entry = send.flags(SEND_FLAGS).build();
        // SAFETY: the bytes belong to `self.sends` from here on, which moves the vector but not what it points to,
        // and gives it out again when the kernel has said that it is done. If that never comes it is leaked.
        unsafe { self.push(entry, key, Operation::Send)? };
        self.sends[key] = Some(data);
        self.in_flight += 1;
        Ok(())
    }

    /// Accepts again and again, until an event says that it does not go on.
    pub(crate) fn accept(&mut self, fd: BorrowedFd<'_>, key: usize) -> io::Result<()> {
        let entry = opcode::AcceptMulti::new(Fd(fd.as_raw_fd())).flags(ACCEPT_FLAGS).build();
        // SAFETY: the operation is given no memory.
        unsafe { self.push(entry, key, Operation::Accept) }
    }

    /// Tells when there is room to send.
    pub(crate) fn writable(&mut self, fd: BorrowedFd<'_>, key: usize) -> io::Result<()> {
        let entry = opcode::PollAdd::new(Fd(fd.as_raw_fd()), libc::POLLOUT as u32).build();
        // SAFETY: the operation is given no memory.
        unsafe { self.push(entry, key, Operation::Writable) }
    }

    /// Tells when there is something to receive.
    pub(crate) fn readable(&mut self, fd: BorrowedFd<'_>, key: usize) -> io::Result<()> {
        let entry = opcode::PollAdd::new(Fd(fd.as_raw_fd()), libc::POLLIN as u32).build();
        // SAFETY: the operation is given no memory.
        unsafe { self.push(entry, key, Operation::Readable) }
    }

    /// Asks for the end of an operation; its event is still to come, as cancelled if nothing else.
    pub(crate) fn cancel(&mut self, key: usize, operation: Operation) -> io::Result<()> {
        let entry = opcode::AsyncCancel::new(token(key, operation)).build();
        // SAFETY: the operation is given no memory.
        unsafe { self.push(entry.flags(squeue::Flags::SKIP_SUCCESS), key, Operation::Cancel) }
    }

    /// Has the kernel keep a socket at hand, if there is a place. It stays open until the place is given back.
    pub(crate) fn keep(&mut self, fd: BorrowedFd<'_>) -> Option<Place> {
        let place = self.places.pop()?;
        match self.ring.submitter().register_files_update(place.0, &[fd.as_raw_fd()]) {
            Ok(_) => Some(place),
            Err(_) => {
                self.places.push(place);
                None
            }
        }
    }

    /// The kernel need not keep a socket any more.
    pub(crate) fn let_go(&mut self, place: Place) {
        if self.ring.submitter().register_files_update(place.0, &[-1]).is_ok() {
            self.places.push(place);
        }
    }

    /// Hands over what was pushed, and lets the kernel finish what it has put off.
    pub(crate) fn submit(&mut self) -> io::Result<()> {
        let submission = self.ring.submission();
        let nothing = submission.is_empty() && !submission.taskrun() && !submission.cq_overflow();
        drop(submission);
        if nothing {
            return Ok(());
        }
        match self.ring.submit() {
            // Busy: completions have to be reaped first.
            Err(error) if !is_transient(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether something is left to submit, since the kernel had no room for it.
    pub(crate) fn has_unsubmitted(&mut self) -> bool {
        !self.ring.submission().is_empty()
    }

    /// The next event, if there is one.
    pub(crate) fn next_event(&mut self) -> Option<Event> {
        loop {
            let completion = self.ring.completion().next()?;
            if let Some(event) = self.event(&completion) {
                return Some(event);
            }
        }
    }

    fn event(&mut self, completion: &cqueue::Entry) -> Option<Event> {
        let (key, operation) = parts(completion.user_data());
        let more = cqueue::more(completion.flags());
        let result = completion.result();
        let outcome = usize::try_from(result).map_err(|_| io::Error::from_raw_os_error(result.wrapping_neg()));
        match operation {
            Some(Operation::Receive) => {
                self.in_flight -= usize::from(!more);
                let length = outcome.as_ref().map_or(0, |length| *length);
                // SAFETY: by naming it here the kernel hands this buffer over.
                let filled = cqueue::buffer_select(completion.flags()).map(|id| unsafe { Filled::new(id, length) });
                let received = match (outcome, filled) {
                    (Ok(0), Some(empty)) => {
                        self.buffers.give(empty);
                        Ok(None)
                    }
                    (Ok(_), filled) => Ok(filled),
                    (Err(error), filled) => {
                        if let Some(unused) = filled {
                            self.buffers.give(unused);
                        }
                        Err(error)
                    }
                };
                Some(Event::Received { key, received, more })
            }
            Some(Operation::Send) => {
                self.in_flight -= 1;
                let data = self.sends.get_mut(key)?.take()?;
                Some(Event::Sent {
                    key,
                    data,
                    sent: outcome,
                })
            }
            Some(Operation::Accept) => {
                let accepted = outcome.map(|_| {
                    // SAFETY: a descriptor that the kernel has just made for this operation belongs to nobody else.
                    unsafe { OwnedFd::from_raw_fd(result) }
                });
                Some(Event::Accepted { key, accepted, more })
            }
            Some(Operation::Writable) => Some(Event::Writable { key }),
            Some(Operation::Readable) => Some(Event::Readable { key }),
            Some(Operation::Cancel) | None => None,
        }
    }

    /// What was received.
    pub(crate) fn bytes(&self, filled: &Filled) -> &[u8] {
        self.buffers.bytes(filled)
    }

    /// Gives a buffer back to the kernel.
    pub(crate) fn give_back(&mut self, filled: Filled) {
        self.buffers.give(filled);
    }

    /// # Safety
    ///
    /// The memory that `entry` names stays valid until the operation has ended.
    unsafe fn push(&mut self, entry: squeue::Entry, key: usize, operation: Operation) -> io::Result<()> {
        let entry = entry.user_data(token(key, operation));
        loop {
            // SAFETY: as promised by the caller.
            if unsafe { self.ring.submission().push(&entry) }.is_ok() {
                return Ok(());
            }
            match self.ring.submit() {
                Err(error) if !is_transient(&error) => return Err(error),
                Err(_) => std::thread::yield_now(),
                Ok(_) => {}
            }
        }
    }
}

/// A place for a socket that the kernel keeps at hand.
#[derive(Debug)]
pub(crate) struct Place(u32);

impl Drop for Kernel {
    fn drop(&mut self) {
        let deadline = Instant::now() + END;
        while self.in_flight > 0 && Instant::now() < deadline {
            let all = CancelBuilder::any();
            let timeout = Timespec::from(END);
            if self.ring.submit().is_err() || self.ring.submitter().register_sync_cancel(Some(timeout), all).is_err() {
                // Nothing was left to cancel, or this is not the ring's thread.
                let _ = self.ring.submit();
            }
            let before = self.in_flight;
            while self.next_event().is_some() {}
            if self.in_flight == before {
                std::thread::yield_now();
            }
        }
        // Connections that were accepted and not asked for are closed.
        while self.next_event().is_some() {}
        // SAFETY: none of the fields is used afterwards.
        unsafe {
            // Closed first: from then on no new operation begins.
            ManuallyDrop::drop(&mut self.ring);
            if self.in_flight == 0 {
                ManuallyDrop::drop(&mut self.sends);
                ManuallyDrop::drop(&mut self.buffers);
            }
            // Otherwise the kernel may still use the memory: it is leaked.
        }
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernel")
            .field("fd", &self.fd())
            .field("in_flight", &self.in_flight)
            .finish_non_exhaustive()
    }
}

fn is_transient(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Interrupted
            | io::ErrorKind::ResourceBusy
            | io::ErrorKind::WouldBlock
            | io::ErrorKind::OutOfMemory
    )
}
