//! What waits to be written: small frames gathered, so that many go in one write, and a large payload beside them.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use bytes::Bytes;
use hyperlane_proto::websocket::{Deflater, OpCode, apply_mask, encode_head};
use tokio::io::AsyncWrite;
use tokio::time::Instant;

use super::buffers;

/// With so much waiting, who sends has to wait. About what a socket's own buffer holds.
const HIGH_WATER: usize = 64 * 1024;
/// A larger payload is not copied behind the others, but written from where it is.
const COPIED_PAYLOAD: usize = 8 * 1024;

/// Frames on their way out.
#[derive(Debug, Default)]
pub(super) struct Output {
    gathered: Vec<u8>,
    /// The payload that belongs behind what is gathered.
    large: Bytes,
    /// Of both together.
    written: usize,
    /// Whether something was written that may wait in the transport.
    unflushed: bool,
    /// The answer to the last ping, where there is no room for it now (RFC 6455 §5.5.3: the others need none).
    pong: Option<Vec<u8>>,
    /// Since when nothing is taken.
    stalled: Option<Instant>,
    deflater: Option<(Box<Deflater>, usize)>,
    /// What a client masks its frames with.
    masks: Option<Masks>,
}

/// Masks of a client in a test: between two ends of one process there is nothing to protect, so that they need not be
/// unpredictable (RFC 6455 §10.3).
#[derive(Debug)]
pub(super) struct Masks(u32);

impl Output {
    /// That of a server, compressing messages that have at least so many bytes.
    pub(super) fn new(deflater: Option<(Deflater, usize)>) -> Self {
        Self {
            deflater: deflater.map(|(deflater, threshold)| (Box::new(deflater), threshold)),
            ..Self::default()
        }
    }

    /// The same of a client, which masks.
    #[cfg(feature = "testing")]
    pub(super) fn masked(mut self) -> Self {
        self.masks = Some(Masks(0x9e37_79b9));
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting() == 0 && self.pong.is_none() && !self.unflushed
    }

    /// Whether another message may be added.
    pub(super) fn has_room(&self) -> bool {
        self.large.is_empty() && self.waiting() < HIGH_WATER
    }

    /// Since when the peer takes nothing, while something waits.
    pub(super) fn stalled(&self) -> Option<Instant> {
        self.stalled
    }

    /// The bytes that were not written yet.
    pub(super) fn waiting(&self) -> usize {
        self.gathered.len() + self.large.len() - self.written
    }

    /// Adds a message. There should be room; of several sinks that were told so at once, each may use it.
    pub(super) fn push_message(&mut self, opcode: OpCode, payload: Bytes) {
        self.gather_large();
        if let Some((deflater, threshold)) = &mut self.deflater
            && payload.len() >= *threshold
        {
            let mut compressed = buffers::take();
            if deflater.deflate(&payload, &mut compressed, *threshold == 0) {
                if compressed.len() > COPIED_PAYLOAD && self.masks.is_none() {
                    self.push_large(opcode, true, compressed.into());
                } else {
                    self.push_small(opcode, true, &compressed);
                    buffers::give(compressed);
                }
                return;
            }
            buffers::give(compressed);
        }
        if payload.len() > COPIED_PAYLOAD && self.masks.is_none() {
            self.push_large(opcode, false, payload);
        } else {
            self.push_small(opcode, false, &payload);
        }
    }

    /// Adds a control frame. It is small, and may go where messages have to wait, but not into a large one.
    pub(super) fn push_control(&mut self, opcode: OpCode, payload: &[u8]) {
        if opcode == OpCode::Close {
            // Nothing comes behind it.
            self.pong = None;
        }
        self.gather_large();
        self.push_small(opcode, false, payload);
    }

    /// Makes a place behind the large payload: a rare case, for which it is copied.
    fn gather_large(&mut self) {
        if !self.large.is_empty() {
            let large = std::mem::take(&mut self.large);
            self.gathered.extend_from_slice(&large);
        }
    }

    /// Answers a ping, at once or when there is room.
    pub(super) fn push_pong(&mut self, payload: Vec<u8>) {
        if self.has_room() && self.pong.is_none() {
            self.push_small(OpCode::Pong, false, &payload);
        } else {
            self.pong = Some(payload);
        }
    }

    fn push_small(&mut self, opcode: OpCode, compressed: bool, payload: &[u8]) {
        if self.gathered.capacity() == 0 {
            self.gathered = buffers::take();
        }
        let mask = self.masks.as_mut().map(Masks::next);
        encode_head(&mut self.gathered, opcode, compressed, payload.len(), mask);
        let start = self.gathered.len();
        self.gathered.extend_from_slice(payload);
        if let Some(mask) = mask {
            apply_mask(self.gathered.get_mut(start..).unwrap_or_default(), mask, 0);
        }
    }

    fn push_large(&mut self, opcode: OpCode, compressed: bool, payload: Bytes) {
        if self.gathered.capacity() == 0 {
            self.gathered = buffers::take();
        }
        encode_head(&mut self.gathered, opcode, compressed, payload.len(), None);
        self.large = payload;
    }

    /// Writes all that waits. Ready when nothing is left.
    pub(super) fn poll_flush<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut TaskContext<'_>,
        io: &mut W,
    ) -> Poll<io::Result<()>> {
        loop {
            while self.waiting() > 0 {
                let gathered = self.gathered.get(self.written..).unwrap_or_default();
                let large = self.large.get(self.written.saturating_sub(self.gathered.len())..);
                let large = large.unwrap_or_default();
                let io = Pin::new(&mut *io);
                let written = match (gathered.is_empty(), large.is_empty()) {
                    (false, false) => io.poll_write_vectored(cx, &[IoSlice::new(gathered), IoSlice::new(large)]),
                    (true, _) => io.poll_write(cx, large),
                    (_, true) => io.poll_write(cx, gathered),
                };
                let Poll::Ready(written) = written else {
                    self.stalled.get_or_insert_with(Instant::now);
                    return Poll::Pending;
                };
                match written? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    n => self.written += n,
                }
                self.stalled = None;
                self.unflushed = true;
            }
            self.gathered.clear();
            self.large = Bytes::new();
            self.written = 0;
            match self.pong.take() {
                Some(pong) => self.push_small(OpCode::Pong, false, &pong),
                None => break,
            }
        }
        buffers::give(std::mem::take(&mut self.gathered));
        if self.unflushed {
            let Poll::Ready(flushed) = Pin::new(io).poll_flush(cx) else {
                // TLS takes what its peer does not.
                self.stalled.get_or_insert_with(Instant::now);
                return Poll::Pending;
            };
            flushed?;
            self.stalled = None;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl Masks {
    fn next(&mut self) -> [u8; 4] {
        // Xorshift: never zero, so that every frame is really masked.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0.to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_comes_between_a_large_message_and_its_head() {
        let mut output = Output::new(None);
        let [a, b] = [7_u8, 8].map(|byte| vec![byte; COPIED_PAYLOAD + 1]);
        output.push_message(OpCode::Binary, a.clone().into());
        output.push_message(OpCode::Text, Bytes::from_static(b"x"));
        output.push_message(OpCode::Binary, b.clone().into());
        let mut written = Vec::new();
        let mut cx = TaskContext::from_waker(std::task::Waker::noop());
        assert!(output.poll_flush(&mut cx, &mut written).is_ready());
        let head = [0x82_u8, 126, 0x20, 0x01];
        assert_eq!(written, [&head[..], &a, b"\x81\x01x", &head, &b].concat());
    }

    #[test]
    fn a_flush_that_waits_is_a_peer_that_takes_nothing() {
        let mut output = Output::new(None);
        output.push_message(OpCode::Text, Bytes::from_static(b"x"));
        let (io, _peer) = tokio::io::duplex(1);
        let mut io = tokio::io::BufWriter::new(io);
        let mut cx = TaskContext::from_waker(std::task::Waker::noop());
        assert!(output.poll_flush(&mut cx, &mut io).is_pending());
        assert!(output.stalled().is_some() && !output.is_empty());
    }

    #[test]
    fn nothing_comes_behind_a_close() {
        let mut output = Output::new(None);
        output.push_message(OpCode::Binary, vec![7; COPIED_PAYLOAD + 1].into());
        output.push_pong(vec![1]);
        output.push_control(OpCode::Close, b"");
        let mut written = Vec::new();
        let mut cx = TaskContext::from_waker(std::task::Waker::noop());
        assert!(output.poll_flush(&mut cx, &mut written).is_ready());
        assert!(written.ends_with(&[7, 0x88, 0]));
    }
}
