//! What a connection has to send, and the end of its side.

use std::io;

use super::{Progress, SEND_LIMIT, Shutdown, Socket};

/// What a write has come to.
pub(crate) enum Written {
    Bytes(usize),
    /// There is no room; the ring will tell.
    Full,
}

impl Socket {
    pub(crate) fn check_writable(&self) -> io::Result<()> {
        match self.send_error {
            Some(code) => Err(io::Error::from_raw_os_error(code)),
            None if self.shutdown != Shutdown::No => Err(io::ErrorKind::BrokenPipe.into()),
            None => Ok(()),
        }
    }

    /// Takes bytes to be sent later, as many as there is room for.
    pub(crate) fn enqueue(&mut self, slices: &[io::IoSlice<'_>], spare: &mut Vec<Vec<u8>>) -> Written {
        let mut taken = 0;
        if self.queue.capacity() == 0 && self.unsent < SEND_LIMIT {
            self.queue = spare.pop().unwrap_or_default();
        }
        for slice in slices {
            let n = slice.len().min(SEND_LIMIT.saturating_sub(self.unsent));
            self.queue.extend_from_slice(&slice[..n]);
            self.unsent += n;
            taken += n;
        }
        if taken == 0 {
            Written::Full
        } else {
            Written::Bytes(taken)
        }
    }

    /// Whether nothing is ahead of a large write.
    pub(crate) fn is_sent(&self) -> bool {
        self.unsent == 0
    }

    /// Asks to be told when there is room in the socket. Returns whether the ring has something to do for it.
    pub(crate) fn watch(&mut self) -> bool {
        self.watch = true;
        self.watching == Progress::None
    }

    pub(crate) fn writable(&mut self) {
        self.watching = Progress::None;
        self.watch = false;
    }

    /// Notes that a send has ended. Returns its memory, for reuse.
    pub(crate) fn sent(&mut self, mut data: Vec<u8>, sent: io::Result<usize>) -> Vec<u8> {
        self.sending = Progress::None;
        match sent {
            // What was given up is not sent, though a part of it was before it could be cancelled.
            Ok(_) if self.abandoned => {
                self.queue = Vec::new();
                self.unsent = 0;
            }
            Ok(n) => {
                self.unsent -= n.min(data.len());
                if n < data.len() {
                    data.drain(..n);
                    data.append(&mut self.queue);
                    std::mem::swap(&mut data, &mut self.queue);
                }
            }
            Err(error) => {
                self.send_error = Some(error.raw_os_error().unwrap_or_default());
                self.queue = Vec::new();
                self.unsent = 0;
            }
        }
        self.end_if_sent();
        data.clear();
        data
    }

    /// Ends our side, once all is sent.
    pub(crate) fn end(&mut self) {
        if self.shutdown == Shutdown::No {
            self.shutdown = Shutdown::Wanted;
            self.send_now();
            self.end_if_sent();
        }
    }

    /// Sends what is queued without the ring, so that the end of our side follows directly: a client that is told of
    /// the end shall see it before it sends something more, which would be answered by a reset.
    fn send_now(&mut self) {
        if self.sending == Progress::None
            && !self.queue.is_empty()
            && let Ok(n) = self.send(&[io::IoSlice::new(&self.queue)])
        {
            self.unsent -= n;
            self.queue.drain(..n);
        }
    }

    /// Sends to the socket as much as there is room for.
    pub(crate) fn send(&self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        const FLAGS: i32 = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        loop {
            match socket2::SockRef::from(&self.io).send_vectored_with_flags(slices, FLAGS) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                sent => return sent,
            }
        }
    }

    pub(super) fn end_if_sent(&mut self) {
        if self.shutdown == Shutdown::Wanted && self.unsent == 0 {
            self.shutdown = Shutdown::Done;
            // It can fail only where the peer was faster.
            let _ = self.io.shutdown(std::net::Shutdown::Write);
        }
    }
}
