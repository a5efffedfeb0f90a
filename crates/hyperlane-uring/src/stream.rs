//! A connection as its task sees it.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::coop::poll_proceed;

use crate::socket::Written;
use crate::state::{Shared, ended};

/// From this size on a write goes to the socket at once instead of being copied: the copy costs as much as the system
/// call that it saves.
const LARGE: usize = 8 * 1024;

/// A TCP connection whose bytes go through a [`Ring`](crate::Ring).
///
/// It behaves like a `TcpStream` of tokio, with a socket buffer that is larger by [`SEND_LIMIT`](crate::SEND_LIMIT):
/// a write has succeeded when its bytes are there. It may be moved to another thread, where it works as well, but each
/// of its operations then wakes the thread of the ring.
///
/// Dropping it closes the connection once what was written is sent.
#[derive(Debug)]
pub struct Stream {
    shared: Shared,
    key: usize,
}

impl Stream {
    pub(crate) fn new(shared: Shared, key: usize) -> Self {
        Self { shared, key }
    }

    /// The address of the peer.
    ///
    /// # Errors
    ///
    /// The connection has ended.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.with(|socket| socket.io.peer_addr())
    }

    /// The address of this side.
    ///
    /// # Errors
    ///
    /// The connection has ended.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.with(|socket| socket.io.local_addr())
    }

    /// Sends small writes at once instead of waiting for more (`TCP_NODELAY`).
    ///
    /// # Errors
    ///
    /// The connection has ended.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.with(|socket| socket.io.set_nodelay(nodelay))
    }

    /// Makes dropping the stream reset the connection and throw away what is unsent.
    pub fn abandon(&mut self) {
        let _ = self.with(|socket| {
            socket.abandon();
            Ok(())
        });
    }

    fn with<R>(&self, act: impl FnOnce(&mut crate::socket::Socket) -> io::Result<R>) -> io::Result<R> {
        let mut state = self.shared.lock();
        state.sockets.get_mut(self.key).ok_or_else(ended).and_then(act)
    }

    fn write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut state = self.shared.lock();
        let state = &mut *state;
        let (Some(_), Some(socket)) = (&state.kernel, state.sockets.get_mut(self.key)) else {
            return Poll::Ready(Err(ended()));
        };
        socket.check_writable()?;
        if length == 0 {
            return Poll::Ready(Ok(0));
        }
        if length < LARGE {
            return match socket.enqueue(slices, &mut state.spare) {
                Written::Bytes(n) => {
                    state.list(self.key);
                    Poll::Ready(Ok(n))
                }
                Written::Full => {
                    remember(&mut socket.writer, cx);
                    Poll::Pending
                }
            };
        }
        // A peer that takes everything must not keep this task from letting others run.
        let proceed = ready!(poll_proceed(cx));
        if socket.is_sent() {
            match socket.send(slices) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if socket.watch() {
                        state.list(self.key);
                    }
                }
                written => {
                    proceed.made_progress();
                    return Poll::Ready(written);
                }
            }
        }
        if let Some(socket) = state.sockets.get_mut(self.key) {
            remember(&mut socket.writer, cx);
        }
        Poll::Pending
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let mut state = self.shared.lock();
        let state = &mut *state;
        let (Some(kernel), Some(socket)) = (&mut state.kernel, state.sockets.get_mut(self.key)) else {
            return Poll::Ready(Err(ended()));
        };
        // A peer that sends without a pause must not keep this task from letting others run.
        let proceed = match socket.reads_directly() {
            true => Some(ready!(poll_proceed(cx))),
            false => None,
        };
        if let Some(read) = socket.read(kernel, buffer) {
            if let Some(proceed) = proceed {
                proceed.made_progress();
            }
            if socket.may_resume() {
                state.list(self.key);
            }
            return Poll::Ready(read);
        }
        remember(&mut socket.reader, cx);
        if socket.want() {
            state.list(self.key);
        }
        Poll::Pending
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().write(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().write(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Does not wait: what was written is in a buffer that is sent by itself.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Does not wait: our side ends when what was written is sent.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.with(|socket| {
            socket.end();
            Ok(())
        }))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.shared.lock().leave(self.key);
    }
}

/// Keeps the waker of the task that asked last.
fn remember(place: &mut Option<Waker>, cx: &Context<'_>) {
    if !place.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
        *place = Some(cx.waker().clone());
    }
}
