//! Buffers for reuse by each thread: a connection holds one only while there are bytes in it.

use std::cell::RefCell;

/// What a fresh buffer can hold: a usual head, or a batch of pipelined ones.
pub(crate) const BUFFER_BYTES: usize = 8 * 1024;
/// A buffer that grew past this is freed instead of kept. What one write gathers fits in it.
const KEPT_BYTES: usize = 128 * 1024;
/// Buffers kept by a thread: as many as its connections use at once in one turn of the loop, and some.
const KEPT_BUFFERS: usize = 64;

thread_local! {
    static BUFFERS: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer with room.
pub(crate) fn take() -> Vec<u8> {
    BUFFERS
        .try_with(|buffers| buffers.borrow_mut().pop())
        .ok()
        .flatten()
        .unwrap_or_else(|| Vec::with_capacity(BUFFER_BYTES))
}

/// Gives a buffer back; what it holds is forgotten.
pub(crate) fn give(mut buffer: Vec<u8>) {
    if buffer.capacity() == 0 || buffer.capacity() > KEPT_BYTES {
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
