//! The bytes that we send: which streams end with them.

use std::time::Duration;

use super::frame::{HEAD_BYTES, Head, kind};
use super::inspector::{Inspector, Violation, take};

/// The codes with which we end a stream without the peer having done anything wrong: NO_ERROR, INTERNAL_ERROR, CANCEL.
const BLAMELESS: [u32; 3] = [0, 2, 8];

/// Where in the stream of our own frames we are.
#[derive(Debug, Default)]
pub(super) struct Outbound {
    head: [u8; HEAD_BYTES],
    /// Of the bytes of a head.
    len: usize,
    /// Bytes of the payload that are still to come.
    left: usize,
    /// The first four bytes of a payload, so many as came.
    payload: [u8; 4],
}

impl Outbound {
    pub(super) fn sent(&mut self, bytes: &[u8], inspector: &mut Inspector, now: Duration) -> Result<(), Violation> {
        let mut rest = bytes;
        let mut seen = Ok(());
        while !rest.is_empty() {
            if self.len < HEAD_BYTES {
                let taken = take(&mut rest, HEAD_BYTES - self.len);
                if let Some(place) = self.head.get_mut(self.len..self.len + taken.len()) {
                    place.copy_from_slice(taken);
                }
                self.len += taken.len();
                if self.len < HEAD_BYTES {
                    break;
                }
                self.left = Head::parse(self.head).length as usize;
            } else {
                let head = Head::parse(self.head);
                let at = head.length as usize - self.left;
                let taken = take(&mut rest, self.left);
                for (place, byte) in self.payload.iter_mut().skip(at).zip(taken) {
                    *place = *byte;
                }
                self.left -= taken.len();
            }
            if self.left == 0 {
                self.len = 0;
                seen = seen.and(self.finish(Head::parse(self.head), inspector, now));
            }
        }
        seen
    }

    fn finish(&self, head: Head, inspector: &mut Inspector, now: Duration) -> Result<(), Violation> {
        match head.kind {
            kind::DATA => inspector.control.give(2),
            kind::RST_STREAM => {
                inspector.streams.reset_by_us(head.stream);
                if !BLAMELESS.contains(&u32::from_be_bytes(self.payload)) {
                    return inspector.charge_reset(now);
                }
            }
            kind::GOAWAY => inspector.last_accepted = u32::from_be_bytes(self.payload) & 0x7fff_ffff,
            _ => {}
        }
        if head.ends_stream() && inspector.streams.end_by_us(head.stream) {
            inspector.resets.give(1);
        }
        Ok(())
    }
}
