//! Buffers for reuse by each thread: a socket holds one only while there are bytes in it.

use std::cell::RefCell;

/// What a fresh buffer can hold: a batch of small messages, or one of 16 KiB, as many senders cut theirs, with its head.
pub(super) const BUFFER_BYTES: usize = 32 * 1024;
/// A buffer that grew past this is freed instead of kept.
const KEPT_BYTES: usize = 128 * 1024;
/// As many as the sockets of a thread use in one turn of its loop, and some.
const KEPT_BUFFERS: usize = 32;

thread_local! {
    static BUFFERS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer with room.
pub(super) fn take() -> Vec<u8> {
    let kept = BUFFERS.try_with(|buffers| buffers.borrow_mut().pop()).ok().flatten();
    kept.unwrap_or_else(|| Vec::with_capacity(BUFFER_BYTES))
}

/// Gives back what a buffer was; what it holds is forgotten.
pub(super) fn give(mut buffer: Vec<u8>) {
    if buffer.capacity() < BUFFER_BYTES || buffer.capacity() > KEPT_BYTES {
        return;
    }
    buffer.clear();
    // While a thread ends its pool may be gone already: then the buffer is simply freed.
    let _ = BUFFERS.try_with(|buffers| {
        let mut buffers = buffers.borrow_mut();
        if buffers.len() < KEPT_BUFFERS {
            buffers.push(buffer);
        }
    });
}
