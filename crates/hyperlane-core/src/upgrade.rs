//! The hook by which a connection leaves HTTP: WebSocket and whatever else a `101 Switching Protocols` begins.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What shall happen with the connection once the `101` response is written.
///
/// It travels inside a [`Response`](crate::Response::upgrade); the engine runs it in the connection's own task, so
/// an upgraded connection costs no further task.
pub struct Upgrade(Box<dyn FnOnce(Upgraded) -> BoxFuture + Send>);

impl Upgrade {
    /// Runs `f` with the connection after the switch.
    pub fn new<F, Fut>(f: F) -> Self
    where
        F: FnOnce(Upgraded) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self(Box::new(move |io| Box::pin(f(io))))
    }

    /// Hands the connection over. For the engine.
    pub fn run(self, io: Upgraded) -> impl Future<Output = ()> + Send {
        (self.0)(io)
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upgrade")
    }
}

/// The protocol that an extended CONNECT asks for, which is what it has instead of an `Upgrade` header: the value of
/// `:protocol` (RFC 8441 §4, RFC 9220 §3).
///
/// The engine puts it among the [extensions](crate::Request::extensions) of such a request. The service answers it as
/// it would a `GET` with an `Upgrade` header, by a [`Response::upgrade`](crate::Response::upgrade): the engine sends a
/// 200 for the 101.
///
/// ```
/// use hyperlane_core::ConnectProtocol;
///
/// let protocol = ConnectProtocol::new("websocket");
/// assert!(protocol.is("WebSocket"));
/// assert_eq!(protocol.as_str(), "websocket");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectProtocol(Box<str>);

impl ConnectProtocol {
    /// The value of `:protocol` as it was received.
    pub fn new(protocol: impl Into<Box<str>>) -> Self {
        Self(protocol.into())
    }

    /// The value as it was received.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is `protocol`, in whatever case: the values are those of the registry of upgrade tokens.
    pub fn is(&self, protocol: &str) -> bool {
        self.0.eq_ignore_ascii_case(protocol)
    }
}

/// A transport in both directions, whatever it is.
trait Io: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Io for T {}

/// A connection that has left HTTP. What the client sent right behind its request is read first, nothing is lost.
pub struct Upgraded {
    read_ahead: Bytes,
    io: Pin<Box<dyn Io>>,
}

impl Upgraded {
    /// A connection of which `read_ahead` was already received. For the engine.
    pub fn new(io: impl AsyncRead + AsyncWrite + Send + 'static, read_ahead: Bytes) -> Self {
        Self {
            read_ahead,
            io: Box::pin(io),
        }
    }
}

impl AsyncRead for Upgraded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.read_ahead.has_remaining() {
            let n = self.read_ahead.len().min(buf.remaining());
            buf.put_slice(&self.read_ahead.split_to(n));
            return Poll::Ready(Ok(()));
        }
        self.io.as_mut().poll_read(cx, buf)
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.io.as_mut().poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io.as_mut().poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgraded")
            .field("read_ahead", &self.read_ahead.len())
            .finish_non_exhaustive()
    }
}
