//! A connection whose bytes are encrypted: to the engine, a transport like any other.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyperlane_core::TlsInfo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::Transport;

/// A transport inside of TLS.
///
/// An end without `close_notify` (RFC 8446 §6.1) is an error of the read, of the kind
/// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof): somebody may have cut what was still to come.
#[derive(Debug)]
pub(crate) struct TlsStream<T> {
    // The state of a session has about a kilobyte, which must not make every connection's future larger.
    inner: Box<tokio_rustls::server::TlsStream<T>>,
    info: Arc<TlsInfo>,
}

impl<T> TlsStream<T> {
    pub(super) fn new(inner: tokio_rustls::server::TlsStream<T>, info: TlsInfo) -> Self {
        Self {
            inner: Box::new(inner),
            info: Arc::new(info),
        }
    }

    /// What the handshake agreed on.
    pub(crate) fn info(&self) -> Arc<TlsInfo> {
        Arc::clone(&self.info)
    }
}

impl<T: Transport> Transport for TlsStream<T> {
    fn abandon(&mut self) {
        self.inner.get_mut().0.abandon();
    }
}

impl<T: Transport> AsyncRead for TlsStream<T> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.inner).poll_read(cx, buf)
    }
}

impl<T: Transport> AsyncWrite for TlsStream<T> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.inner).poll_shutdown(cx)
    }
}
