//! The memory that the kernel fills with what it receives, and how it goes to and fro.

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::types::BufRingEntry;

/// Buffers for received bytes: what can arrive between two turns. A power of two.
pub(super) const BUFFERS: u16 = 512;
/// Bytes of a buffer: a usual request, or a segment or two of a body.
const BUFFER_BYTES: usize = 4096;
/// The largest page of any Linux: the ring of buffers has to begin with one.
const PAGE: usize = 64 * 1024;

/// Bytes that were received and not used yet, in a buffer of the ring's.
#[derive(Debug)]
pub(crate) struct Filled {
    id: u16,
    start: usize,
    end: usize,
}

impl Filled {
    /// # Safety
    ///
    /// The kernel has handed over the buffer `id`, and nobody else has been told so.
    pub(super) unsafe fn new(id: u16, length: usize) -> Self {
        Self {
            id: id % BUFFERS,
            start: 0,
            // Not more than was offered, whatever the kernel says.
            end: length.min(BUFFER_BYTES),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    /// Marks the first `n` bytes as used.
    pub(crate) fn advance(&mut self, n: usize) {
        self.start = self.end.min(self.start.saturating_add(n));
    }
}

/// Memory that the kernel fills with what it receives.
pub(super) struct Buffers {
    /// The ring of buffers that are offered to the kernel.
    entries: NonNull<BufRingEntry>,
    /// `BUFFERS` times `BUFFER_BYTES`.
    memory: NonNull<u8>,
    tail: u16,
}

// SAFETY: the memory is owned, and reached only through `&self` and `&mut self`.
unsafe impl Send for Buffers {}

impl Buffers {
    pub(super) fn new() -> Self {
        Self {
            entries: allocate(Self::entries_layout()).cast(),
            memory: allocate(Self::memory_layout()),
            tail: 0,
        }
    }

    /// Where the ring of buffers lies: `BUFFERS` entries, aligned to a page, as long as `self` lives.
    pub(super) fn address(&self) -> u64 {
        self.entries.as_ptr() as u64
    }

    fn entries_layout() -> Layout {
        Layout::array::<BufRingEntry>(usize::from(BUFFERS))
            .and_then(|layout| layout.align_to(PAGE))
            .expect("far less than half of the address space")
    }

    fn memory_layout() -> Layout {
        Layout::from_size_align(usize::from(BUFFERS) * BUFFER_BYTES, PAGE)
            .expect("far less than half of the address space")
    }

    pub(super) fn bytes(&self, filled: &Filled) -> &[u8] {
        // SAFETY: the range lies within the memory (`id` is below `BUFFERS`, `end` at most `BUFFER_BYTES`), which was zeroed at first and is owned. The kernel does not
        // write to it: it has handed this buffer over and not got it back, since that takes the `Filled`.
        unsafe {
            let first = self
                .memory
                .add(usize::from(filled.id % BUFFERS) * BUFFER_BYTES + filled.start);
            std::slice::from_raw_parts(first.as_ptr(), filled.len())
        }
    }

    /// Offers all buffers to the kernel, for the first time.
    pub(super) fn give_all(&mut self) {
        for id in 0..BUFFERS {
            self.offer(id);
        }
    }

    /// Gives a buffer back to the kernel.
    #[expect(clippy::needless_pass_by_value, reason = "what is given back can't be read any more")]
    pub(super) fn give(&mut self, filled: Filled) {
        self.offer(filled.id);
    }

    fn offer(&mut self, id: u16) {
        // SAFETY: the entry is one of the `BUFFERS` that are owned, and the kernel does not look at it before the
        // tail says so. At most `BUFFERS` buffers exist, so that none of those offered is overwritten.
        unsafe {
            let entry = &mut *self.entries.add(usize::from(self.tail & (BUFFERS - 1))).as_ptr();
            entry.set_addr(self.memory.add(usize::from(id) * BUFFER_BYTES).as_ptr() as u64);
            entry.set_len(BUFFER_BYTES as u32);
            entry.set_bid(id);
        }
        self.tail = self.tail.wrapping_add(1);
        // SAFETY: the tail lies in the first entry, in a field of two bytes that no setter above writes; the kernel
        // reads it, hence atomically.
        unsafe {
            let tail = BufRingEntry::tail(self.entries.as_ptr());
            AtomicU16::from_ptr(tail.cast_mut()).store(self.tail, Ordering::Release);
        }
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        // SAFETY: both were allocated with these layouts, and nobody uses them any more (`Drop` of `Kernel`).
        unsafe {
            dealloc(self.entries.as_ptr().cast(), Self::entries_layout());
            dealloc(self.memory.as_ptr(), Self::memory_layout());
        }
    }
}

fn allocate(layout: Layout) -> NonNull<u8> {
    // SAFETY: no layout here is of size 0.
    NonNull::new(unsafe { alloc_zeroed(layout) }).unwrap_or_else(|| handle_alloc_error(layout))
}
