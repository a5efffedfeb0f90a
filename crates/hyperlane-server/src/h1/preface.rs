//! Where a connection turns out to speak HTTP/2 (RFC 9113 §3.3, §3.4), and leaves here.

use std::pin::Pin;
use std::sync::Arc;

use hyperlane_core::{ConnectionInfo, Service};

use super::connection::Connection;
use crate::Transport;
use crate::h2::PREFACE;

impl<T: Transport> Connection<T> {
    /// Whether a connection that begins has the preface of HTTP/2 in the place of a head. `None`: more must come before
    /// that can be said.
    #[inline]
    pub(super) fn is_preface(&mut self) -> Option<bool> {
        let bytes = self.reader.bytes();
        if !self.undecided || bytes.is_empty() {
            return Some(false);
        }
        if bytes.starts_with(PREFACE) {
            return Some(true);
        }
        if PREFACE.starts_with(bytes) {
            return None;
        }
        self.undecided = false;
        Some(false)
    }

    /// Serves HTTP/2 from here on. It is boxed: the future of a connection that speaks HTTP/1.1 must not have room for
    /// it.
    pub(super) fn into_http2<S: Service>(
        mut self,
        info: Arc<ConnectionInfo>,
        service: Arc<S>,
    ) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let read_ahead = self.reader.take_rest();
        let io = Box::new(self.io);
        Box::pin(crate::h2::serve(
            io,
            read_ahead,
            info,
            service,
            self.config,
            self.shutdown,
        ))
    }
}
