//! A stream that has left HTTP (RFC 8441 §5): bytes in both directions, as a connection has them after `101`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::{RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::guard::Held;

/// Both halves of a stream. Dropping it ends our half.
pub(super) struct StreamIo {
    recv: RecvStream,
    send: SendStream<Bytes>,
    /// What was received and not read yet.
    unread: Bytes,
    ended: bool,
    #[expect(dead_code, reason = "held until the tunnel is gone")]
    held: Held,
}

impl StreamIo {
    pub(super) fn new(recv: RecvStream, send: SendStream<Bytes>, held: Held) -> Self {
        Self {
            recv,
            send,
            unread: Bytes::new(),
            ended: false,
            held,
        }
    }

    fn end(&mut self) {
        if !std::mem::replace(&mut self.ended, true) {
            // It can fail only where the stream is over.
            let _ = self.send.send_data(Bytes::new(), true);
        }
    }
}

impl AsyncRead for StreamIo {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.unread.is_empty() {
            match ready!(this.recv.poll_data(cx)) {
                Some(Ok(data)) => this.unread = data,
                Some(Err(error)) => return Poll::Ready(Err(into_io(error))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let n = this.unread.len().min(buf.remaining());
        buf.put_slice(this.unread.get(..n).unwrap_or_default());
        this.unread.advance(n);
        // Who does not read holds the client back.
        let _ = this.recv.flow_control().release_capacity(n);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for StreamIo {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        // The crate takes 32 bits of it: 4 GiB would be none.
        this.send.reserve_capacity(buf.len().min(u32::MAX as usize));
        let mut room = this.send.capacity();
        while room == 0 {
            room = match ready!(this.send.poll_capacity(cx)) {
                Some(capacity) => capacity.map_err(into_io)?,
                None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            };
        }
        let piece = buf.get(..room.min(buf.len())).unwrap_or_default();
        this.send
            .send_data(Bytes::copy_from_slice(piece), false)
            .map_err(into_io)?;
        Poll::Ready(Ok(piece.len()))
    }

    /// What was written is sent by the connection as soon as it can.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().end();
        Poll::Ready(Ok(()))
    }
}

impl Drop for StreamIo {
    fn drop(&mut self) {
        self.end();
    }
}

/// A reset is for a stream what it is for a connection.
fn into_io(error: h2::Error) -> io::Error {
    if error.is_io() {
        return error.into_io().unwrap_or_else(|| io::ErrorKind::BrokenPipe.into());
    }
    io::Error::new(io::ErrorKind::ConnectionReset, error)
}
