//! The sending side: responses are gathered here and written when there is nothing else to do, or enough of them.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::time::Instant;

use crate::{Transport, pool};

/// Bytes after which gathering stops and writing begins: a stream of a thousand small pieces goes out at once. With a
/// third of it, that takes three system calls and a sixth more time.
const HIGH_WATER: usize = 96 * 1024;
/// From this size on a piece of a body is written from where it lies, not copied behind the head.
const OWN_SLICE: usize = 8 * 1024;

/// Bytes to be sent, in order: `gathered`, then `body`, then `end`.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    gathered: Vec<u8>,
    /// A large piece of a body.
    body: Bytes,
    /// What follows the large piece: the end of its chunk, or nothing.
    end: &'static [u8],
    /// Bytes of `gathered` that are sent.
    sent: usize,
    /// When a write last found no room, unless it has made progress since.
    stalled: Option<Instant>,
}

impl Writer {
    /// Where heads and small things are appended. To be used only while [`has_room`](Self::has_room).
    pub(crate) fn gathered(&mut self) -> &mut Vec<u8> {
        debug_assert!(
            self.body.is_empty() && self.end.is_empty(),
            "what comes later must not overtake the body"
        );
        if self.gathered.capacity() == 0 {
            self.gathered = pool::take();
        }
        &mut self.gathered
    }

    /// Appends a piece of a body, and what ends it.
    pub(crate) fn push(&mut self, piece: Bytes, end: &'static [u8]) {
        if piece.len() < OWN_SLICE {
            let gathered = self.gathered();
            gathered.extend_from_slice(&piece);
            gathered.extend_from_slice(end);
        } else {
            self.body = piece;
            self.end = end;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.gathered.is_empty() && self.body.is_empty() && self.end.is_empty()
    }

    /// Whether more may be gathered before something is written.
    pub(crate) fn has_room(&self) -> bool {
        self.gathered.len() < HIGH_WATER && self.body.is_empty() && self.end.is_empty()
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
            let gathered = &self.gathered[self.sent..];
            let written = if self.body.is_empty() && self.end.is_empty() {
                Pin::new(&mut *io).poll_write(cx, gathered)
            } else {
                let slices = [gathered, &self.body, self.end].map(IoSlice::new);
                // From the first slice with something in it: a transport without vectored writes takes only one.
                let first = slices.iter().position(|slice| !slice.is_empty()).unwrap_or_default();
                Pin::new(&mut *io).poll_write_vectored(cx, &slices[first..])
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

    /// Gives the buffer back if nothing is in it.
    pub(crate) fn release(&mut self) {
        if self.gathered.is_empty() {
            pool::give(std::mem::take(&mut self.gathered));
        }
    }

    fn advance(&mut self, mut n: usize) {
        let of_gathered = n.min(self.gathered.len() - self.sent);
        self.sent += of_gathered;
        n -= of_gathered;
        if self.sent == self.gathered.len() {
            self.gathered.clear();
            self.sent = 0;
        }
        if n == 0 {
            return;
        }
        let of_body = n.min(self.body.len());
        if of_body > 0 {
            bytes::Buf::advance(&mut self.body, of_body);
            if self.body.is_empty() {
                // Frees the piece now and not with the next one.
                self.body = Bytes::new();
            }
        }
        n -= of_body;
        self.end = self.end.get(n..).unwrap_or_default();
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
        for width in [1, 7, 9000] {
            let (mut ours, mut theirs) = tokio::io::duplex(width);
            let mut writer = Writer::default();
            writer.gathered().extend_from_slice(b"head");
            let body = Bytes::from(vec![b'x'; OWN_SLICE]);
            writer.push(body.clone(), b"\r\n");
            let writing = tokio::spawn(async move {
                poll_fn(|cx| writer.poll_flush(cx, &mut ours))
                    .await
                    .expect("the other side reads");
                assert!(writer.is_empty());
            });
            let mut received = Vec::new();
            theirs.read_to_end(&mut received).await.expect("in memory");
            writing.await.expect("no panic");
            assert_eq!(received, [b"head", &body[..], b"\r\n"].concat(), "width {width}");
        }
    }
}
