//! What a connection can run on.

use std::io::{self, IoSlice};
use std::net;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::runtime::Handle;

/// A stream of bytes in both directions that can also be cut.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Prepares the transport to be thrown away together with what is still unsent, where it can: a client that does
    /// not read must not hold memory after its connection was given up.
    fn abandon(&mut self) {}
}

impl Transport for TcpStream {
    fn abandon(&mut self) {
        // With a linger time of zero, closing resets the connection. It can fail only where the peer was faster.
        let _ = socket2::SockRef::from(&*self).set_linger(Some(std::time::Duration::ZERO));
    }
}

#[cfg(unix)]
impl Transport for UnixStream {}

/// What the runtime accepts, as one type: so that a program that has no other transport contains the engine once.
///
/// To look which of them it is costs two instructions beside a system call.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket {
    /// Takes over a socket to a runtime.
    pub(crate) fn adopt(socket: net::TcpStream, runtime: &Handle) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let _here = runtime.enter();
        TcpStream::from_std(socket).map(Self::Tcp)
    }

    #[cfg(unix)]
    pub(crate) fn adopt_unix(socket: std::os::unix::net::UnixStream, runtime: &Handle) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        let _here = runtime.enter();
        UnixStream::from_std(socket).map(Self::Unix)
    }
}

macro_rules! of_either {
    ($socket:expr, $stream:ident => $call:expr) => {
        match $socket {
            Socket::Tcp($stream) => $call,
            #[cfg(unix)]
            Socket::Unix($stream) => $call,
        }
    };
}

impl Transport for Socket {
    fn abandon(&mut self) {
        of_either!(self, stream => stream.abandon());
    }
}

impl AsyncRead for Socket {
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        of_either!(self.get_mut(), stream => Pin::new(stream).poll_read(cx, buffer))
    }
}

impl AsyncWrite for Socket {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        of_either!(self.get_mut(), stream => Pin::new(stream).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        of_either!(self.get_mut(), stream => Pin::new(stream).poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        of_either!(self, stream => stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        of_either!(self.get_mut(), stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        of_either!(self.get_mut(), stream => Pin::new(stream).poll_shutdown(cx))
    }
}

/// Whatever it is: for connections that go through a handshake.
impl Transport for Box<dyn Transport> {
    fn abandon(&mut self) {
        (**self).abandon();
    }
}

/// For tests and for services in one process.
impl Transport for DuplexStream {}
