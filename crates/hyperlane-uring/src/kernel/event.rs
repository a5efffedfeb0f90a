//! What is asked of the kernel, and what it tells.

use std::io;
use std::os::fd::OwnedFd;

use super::Filled;

/// What an operation was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Operation {
    Receive,
    Send,
    Accept,
    Writable,
    Cancel,
    Readable,
}

/// What has come of an operation; `key` is the number that was given with it.
#[derive(Debug)]
pub(crate) enum Event {
    /// Bytes (`None`: the peer has ended its side). `more`: the operation goes on.
    Received {
        key: usize,
        received: io::Result<Option<Filled>>,
        more: bool,
    },
    /// How many bytes of `data` were sent.
    Sent {
        key: usize,
        data: Vec<u8>,
        sent: io::Result<usize>,
    },
    Accepted {
        key: usize,
        accepted: io::Result<OwnedFd>,
        more: bool,
    },
    Writable {
        key: usize,
    },
    Readable {
        key: usize,
    },
}

/// What the kernel gives back with the outcome of an operation.
pub(super) fn token(key: usize, operation: Operation) -> u64 {
    (key as u64) << 3 | operation as u64
}

/// The opposite of [`token`].
pub(super) fn parts(token: u64) -> (usize, Option<Operation>) {
    let all = [
        Operation::Receive,
        Operation::Send,
        Operation::Accept,
        Operation::Writable,
        Operation::Cancel,
        Operation::Readable,
    ];
    let operation = all.get((token & 7) as usize).copied();
    ((token >> 3) as usize, operation)
}
