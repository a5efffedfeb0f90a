//! The two ends of a connection in memory.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as TaskContext, Poll, ready};

use hyperlane_server::{Transport, serve_transport};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use super::client::Session;

/// The client's end of a connection, for bytes that no client would send. See
/// [`TestClient::connect`](super::TestClient::connect).
///
/// Its `shutdown` ends what is sent, as a client does that waits for the answer; dropping it resets the connection, as
/// one that dies.
#[derive(Debug)]
pub struct TestConnection {
    io: DuplexStream,
    reset: Arc<AtomicBool>,
}

/// The server's end.
struct ServerEnd {
    io: DuplexStream,
    reset: Arc<AtomicBool>,
}

impl TestConnection {
    /// A new connection, whose other end is served.
    pub(super) fn open(session: &Session) -> Self {
        let (client, server) = tokio::io::duplex(session.transport_buffer);
        let reset = Arc::new(AtomicBool::new(false));
        let server = ServerEnd {
            io: server,
            reset: Arc::clone(&reset),
        };
        let app = &session.app;
        tokio::spawn(serve_transport(
            server,
            session.info.clone(),
            Arc::clone(&app.app),
            app.config.clone(),
        ));
        Self { io: client, reset }
    }
}

impl Drop for TestConnection {
    fn drop(&mut self) {
        // Before the stream's end, which wakes the server.
        self.reset.store(true, Ordering::Release);
    }
}

impl Transport for ServerEnd {}

impl AsyncRead for ServerEnd {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        if buf.filled().len() == before && buf.remaining() > 0 && self.reset.load(Ordering::Acquire) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for TestConnection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

macro_rules! writes {
    ($($end:ty),*) => {$(
        impl AsyncWrite for $end {
            fn poll_write(
                mut self: Pin<&mut Self>,
                cx: &mut TaskContext<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut self.io).poll_write(cx, bytes)
            }

            fn poll_flush(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
                Pin::new(&mut self.io).poll_flush(cx)
            }

            fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
                Pin::new(&mut self.io).poll_shutdown(cx)
            }

            fn poll_write_vectored(
                mut self: Pin<&mut Self>,
                cx: &mut TaskContext<'_>,
                pieces: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                Pin::new(&mut self.io).poll_write_vectored(cx, pieces)
            }

            fn is_write_vectored(&self) -> bool {
                self.io.is_write_vectored()
            }
        }
    )*};
}

writes!(ServerEnd, TestConnection);
