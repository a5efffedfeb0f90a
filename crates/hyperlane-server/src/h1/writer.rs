//! The sending side: responses are gathered here and written when there is nothing else to do, or enough of them.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::time::Instant;

use crate::{Transport, pool};

/// Bytes after which gathering stops and writing begins: a stream of a thousand small pieces goes out at once. With a
/// third of it, that takes three system calls and a sixth more time.
const HIGH_WATER: usize = 96 * 1024;
/// From this size on a piece of a body is written from where it lies, not copied behind the head.
const OWN_SLICE: usize = 8 * 1024;
/// The same mark for such pieces: a stream of them, if they are there at once, goes out four at a time where each has
/// 64 KiB, which is a fifth to a half faster on one connection.
const OWN_HIGH_WATER: usize = 256 * 1024;
/// As many of them as go into one write, each with what stands before it.
const OWN_SLICES: usize = 8;

/// Bytes to be sent, in order.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    gathered: Vec<u8>,
    /// Large pieces of bodies, and before which byte of `gathered` each belongs.
    own: VecDeque<(usize, Bytes)>,
    own_bytes: usize,
    /// Bytes of `gathered` that are sent.
    sent: usize,
    /// When a write last found no room, unless it has made progress since.
    stalled: Option<Instant>,
}

impl Writer {
    /// Where heads and small things are appended. To be used while [`has_room`](Self::has_room).
    pub(crate) fn gathered(&mut self) -> &mut Vec<u8> {
        if self.gathered.capacity() == 0 {
            self.gathered = pool::take();
        }
        &mut self.gathered
    }

    /// Appends a piece of a body, and what ends it.
    pub(crate) fn push(&mut self, piece: Bytes, end: &'static [u8]) {
        if piece.len() < OWN_SLICE {
            self.gathered().extend_from_slice(&piece);
        } else {
            self.own_bytes += piece.len();
            self.own.push_back((self.gathered.len(), piece));
        }
        if !end.is_empty() {
            self.gathered().extend_from_slice(end);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.gathered.is_empty() && self.own.is_empty()
    }

    /// Whether more may be gathered before something is written.
    pub(crate) fn has_room(&self) -> bool {
        self.gathered.len() < HIGH_WATER && self.own_bytes < OWN_HIGH_WATER && self.own.len() < OWN_SLICES
    }

    /// Bytes that may be gathered before something is written.
    pub(crate) fn room(&self) -> usize {
        HIGH_WATER.saturating_sub(self.gathered.len())
    }

    /// Since when the peer has taken nothing, if it does not.
    pub(crate) fn stalled(&self) -> Option<Instant> {
        self.stalled
    }

    /// Writes all that is there.
    pub(crate) fn poll_flush<T: Transport>(&mut self, cx: &mut Context<'_>, io: &mut T) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let io = Pin::new(&mut *io);
            let written = if self.own.is_empty() {
                io.poll_write(cx, &self.gathered[self.sent..])
            } else {
                self.poll_write_own(cx, io)
            };
            let Poll::Ready(written) = written else {
                self.stalled.get_or_insert_with(Instant::now);
                return Poll::Pending;
            };
            match written? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                n => self.advance(n),
            }
            self.stalled = None;
        }
        ready!(Pin::new(io).poll_flush(cx))?;
        Poll::Ready(Ok(()))
    }

    /// Writes what is gathered and the large pieces in between. No slice is empty: a transport without vectored writes
    /// takes the first one only.
    fn poll_write_own<T: Transport>(&self, cx: &mut Context<'_>, io: Pin<&mut T>) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); 2 * OWN_SLICES + 1];
        let mut filled = 0;
        let mut add = |bytes| {
            if !<[u8]>::is_empty(bytes)
                && let Some(slice) = slices.get_mut(filled)
            {
                *slice = IoSlice::new(bytes);
                filled += 1;
            }
        };
        let mut from = self.sent;
        for (at, piece) in self.own.iter().take(OWN_SLICES) {
            add(&self.gathered[from..*at]);
            add(piece);
            from = *at;
        }
        if self.own.len() <= OWN_SLICES {
            add(&self.gathered[from..]);
        }
        io.poll_write_vectored(cx, &slices[..filled])
    }

    /// Gives the buffers back if nothing is in them.
    pub(crate) fn release(&mut self) {
        if self.is_empty() {
            pool::give(std::mem::take(&mut self.gathered));
            self.own = VecDeque::new();
        }
    }

    fn advance(&mut self, mut n: usize) {
        while let Some((at, piece)) = self.own.front_mut() {
            let of_gathered = n.min(*at - self.sent);
            self.sent += of_gathered;
            n -= of_gathered;
            let of_piece = n.min(piece.len());
            piece.advance(of_piece);
            self.own_bytes -= of_piece;
            n -= of_piece;
            if !piece.is_empty() {
                return;
            }
            self.own.pop_front();
        }
        self.sent += n;
        if self.sent == self.gathered.len() {
            self.gathered.clear();
            self.sent = 0;
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        pool::give(std::mem::take(&mut self.gathered));
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn all_parts_arrive_in_order_through_the_narrowest_pipe() {
        for width in [1, 7, 9000, 1 << 20] {
            let (mut ours, mut theirs) = tokio::io::duplex(width);
            let mut writer = Writer::default();
            let mut expected = Vec::new();
            for round in 0..3 * OWN_SLICES as u8 {
                let head = [b'0' + round; 3];
                let body = Bytes::from(vec![round; OWN_SLICE - usize::from(round % 2)]);
                writer.gathered().extend_from_slice(&head);
                writer.push(body.clone(), if round % 3 == 0 { b"" } else { b"\r\n" });
                expected.extend_from_slice(&[&head[..], &body, if round % 3 == 0 { b"" } else { b"\r\n" }].concat());
            }
            assert!(!writer.has_room());
            let writing = tokio::spawn(async move {
                poll_fn(|cx| writer.poll_flush(cx, &mut ours))
                    .await
                    .expect("the other side reads");
                assert!(writer.is_empty() && writer.has_room() && writer.own_bytes == 0);
            });
            let mut received = Vec::new();
            theirs.read_to_end(&mut received).await.expect("in memory");
            writing.await.expect("no panic");
            assert!(received == expected, "width {width}");
        }
    }

    #[tokio::test]
    async fn a_piece_alone_is_written_from_where_it_lies() {
        let mut writer = Writer::default();
        let piece = Bytes::from(vec![b'x'; OWN_SLICE]);
        writer.push(piece.clone(), b"");
        assert!(writer.gathered.is_empty() && writer.own[0].1.as_ptr() == piece.as_ptr());
        let (mut ours, mut theirs) = tokio::io::duplex(OWN_SLICE);
        poll_fn(|cx| writer.poll_flush(cx, &mut ours)).await.expect("in memory");
        drop(ours);
        let mut received = Vec::new();
        theirs.read_to_end(&mut received).await.expect("in memory");
        assert_eq!(received, piece);
    }
}
