//! What a connection has received and nobody has read.

use std::collections::VecDeque;

use tokio::io::ReadBuf;

use crate::kernel::{Filled, Kernel};

/// Received bytes, in order: those set aside, then those in the ring's buffers.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// Moved out of the ring's buffers.
    aside: Vec<u8>,
    /// Bytes of `aside` that were read.
    aside_read: usize,
    /// Received in the last turn.
    filled: VecDeque<Filled>,
    unread: usize,
}

impl Inbox {
    /// Bytes that are there.
    pub(crate) fn unread(&self) -> usize {
        self.unread
    }

    /// Whether some of them lie in the ring's buffers.
    pub(crate) fn holds_buffers(&self) -> bool {
        !self.filled.is_empty()
    }

    pub(crate) fn put(&mut self, filled: Filled) {
        self.unread += filled.len();
        self.filled.push_back(filled);
    }

    /// Copies what is there, as far as there is room. Returns whether anything was there.
    pub(crate) fn read(&mut self, kernel: &mut Kernel, room: &mut ReadBuf<'_>) -> bool {
        if self.unread == 0 {
            return false;
        }
        if !self.aside.is_empty() {
            let aside = self.aside.get(self.aside_read..).unwrap_or_default();
            let n = aside.len().min(room.remaining());
            room.put_slice(&aside[..n]);
            self.aside_read += n;
            self.unread -= n;
            if self.aside_read == self.aside.len() {
                self.aside = Vec::new();
                self.aside_read = 0;
            }
        }
        while room.remaining() > 0
            && let Some(first) = self.filled.front_mut()
        {
            let bytes = kernel.bytes(first);
            let n = bytes.len().min(room.remaining());
            room.put_slice(&bytes[..n]);
            first.advance(n);
            self.unread -= n;
            if first.len() == 0
                && let Some(empty) = self.filled.pop_front()
            {
                kernel.give_back(empty);
            }
        }
        true
    }

    /// Moves everything out of the ring's buffers, which others need.
    pub(crate) fn set_aside(&mut self, kernel: &mut Kernel) {
        // For a reader that never catches up: what it has read must not pile up before what it has not.
        if self.aside_read > self.aside.len() / 2 {
            self.aside.drain(..self.aside_read);
            self.aside_read = 0;
        }
        for filled in self.filled.drain(..) {
            self.aside.extend_from_slice(kernel.bytes(&filled));
            kernel.give_back(filled);
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self, kernel: &mut Kernel) {
        self.aside = Vec::new();
        self.aside_read = 0;
        self.unread = 0;
        for filled in self.filled.drain(..) {
            kernel.give_back(filled);
        }
    }
}
