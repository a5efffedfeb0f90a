//! Interim responses on their way (RFC 9110 §15.2): they are gathered before the response that they precede.

use std::sync::Arc;

use http::{Version, header};
use hyperlane_core::{ConnectionInfo, Interim};
use hyperlane_proto::h1::encode_informational;

use super::connection::Connection;
use crate::Transport;

impl<T: Transport> Connection<T> {
    /// Writes what the handler has said so far, if anything. The plain way pays one look.
    #[inline]
    pub(super) fn write_interim(&mut self, info: &Arc<ConnectionInfo>) {
        if let Some(waiting) = info.take_interim() {
            self.write_all_interim(waiting);
        }
    }

    #[cold]
    fn write_all_interim(&mut self, waiting: Vec<Interim>) {
        // HTTP/1.0 has no interim responses (RFC 9110 §15.2).
        if self.reader.facts.version < Version::HTTP_11 {
            return;
        }
        for Interim { status, mut headers } in waiting {
            // Without room, the client does not read: it needs no hints.
            if self.writer.has_room() {
                headers.remove(header::DATE);
                encode_informational(self.writer.gathered(), status, &headers);
            }
        }
    }
}
