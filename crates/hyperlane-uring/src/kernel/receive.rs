//! Receiving without the ring.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use tokio::io::ReadBuf;

/// Receives what is there, without waiting, to where it is wanted. 0 bytes: the peer has ended its side.
pub(crate) fn receive_now(fd: BorrowedFd<'_>, room: &mut ReadBuf<'_>) -> io::Result<usize> {
    loop {
        // SAFETY: the kernel writes at most as many bytes as the slice has, and all that it says to have written are
        // initialized; none is made uninitialized.
        let received = unsafe {
            let unfilled = room.unfilled_mut();
            let length = unfilled.len();
            libc::recv(fd.as_raw_fd(), unfilled.as_mut_ptr().cast(), length, libc::MSG_DONTWAIT)
        };
        match usize::try_from(received) {
            Ok(n) => {
                // SAFETY: as above.
                unsafe { room.assume_init(n) };
                room.advance(n);
                return Ok(n);
            }
            Err(_) => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => {}
                error => return Err(error),
            },
        }
    }
}
