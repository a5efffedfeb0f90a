//! What can be said of a frame by its head, before its payload has come: its length, its place, its stream.

use std::time::Duration;

use super::frame::{ErrorCode, Head, flag, kind};
use super::inspector::{Inspector, Violation};
use super::rules::{frame_size_error, protocol_error, violation};
use super::streams::Place;

/// What a SETTINGS frame takes from the budget: it is answered, and may change every open stream.
const SETTINGS_COST: u32 = 10;

impl Inspector {
    /// What can be said before the payload.
    pub(super) fn check_head(&mut self, head: &Head, now: Duration) -> Result<(), Violation> {
        if head.length > self.limits.frame_bytes {
            return Err(frame_size_error("frame exceeds the size that was announced (§4.2)"));
        }
        if !self.settings_seen && (head.kind != kind::SETTINGS || head.has(flag::ACK)) {
            return Err(protocol_error("first frame is not SETTINGS (§3.4)"));
        }
        match &self.block {
            Some(block) if head.kind != kind::CONTINUATION || head.stream != block.stream => {
                return Err(protocol_error("field block is interrupted by another frame (§4.3)"));
            }
            None if head.kind == kind::CONTINUATION => {
                return Err(protocol_error("CONTINUATION without a field block (§6.10)"));
            }
            _ => {}
        }
        match head.kind {
            kind::DATA | kind::HEADERS | kind::PRIORITY | kind::RST_STREAM if head.stream == 0 => Err(protocol_error(
                "frame of a stream on the connection itself (§6.1 to §6.4)",
            )),
            kind::SETTINGS | kind::PING | kind::GOAWAY if head.stream != 0 => {
                Err(protocol_error("frame of the connection on a stream (§6.5, §6.7, §6.8)"))
            }
            kind::DATA => self.check_data(head, now),
            kind::HEADERS => self.check_headers(head, now),
            kind::PRIORITY if head.length != 5 => Err(frame_size_error("PRIORITY is not 5 bytes long (§6.3)")),
            kind::RST_STREAM if head.length != 4 => Err(frame_size_error("RST_STREAM is not 4 bytes long (§6.4)")),
            kind::RST_STREAM => self.check_reset(head, now),
            kind::SETTINGS if head.has(flag::ACK) && head.length != 0 => {
                Err(frame_size_error("acknowledgement of SETTINGS is not empty (§6.5)"))
            }
            kind::SETTINGS if !head.length.is_multiple_of(6) => {
                Err(frame_size_error("SETTINGS is not made of whole settings (§6.5)"))
            }
            kind::SETTINGS => self.charge(SETTINGS_COST, now),
            kind::PUSH_PROMISE => Err(protocol_error("client sends PUSH_PROMISE (§8.4)")),
            kind::PING if head.length != 8 => Err(frame_size_error("PING is not 8 bytes long (§6.7)")),
            kind::GOAWAY if head.length < 8 => Err(frame_size_error("GOAWAY is shorter than 8 bytes (§6.8)")),
            kind::WINDOW_UPDATE if head.length != 4 => {
                Err(frame_size_error("WINDOW_UPDATE is not 4 bytes long (§6.9)"))
            }
            kind::WINDOW_UPDATE if head.stream != 0 && matches!(self.streams.place(head.stream), Place::Idle) => {
                Err(protocol_error("WINDOW_UPDATE on an idle stream (§5.1)"))
            }
            kind::CONTINUATION if head.length > 0 => Ok(()),
            _ => self.charge(1, now),
        }
    }

    fn check_data(&mut self, head: &Head, now: Duration) -> Result<(), Violation> {
        let stream_closed = violation(ErrorCode::StreamClosed, "DATA on a stream that was ended (§5.1)");
        match self.streams.place(head.stream) {
            _ if head.stream > self.last_accepted => {}
            Place::Idle => return Err(protocol_error("DATA on an idle stream (§5.1)")),
            Place::Skipped | Place::Closed => return Err(stream_closed),
            Place::Open(stream) if stream.ended_by_peer => return Err(stream_closed),
            Place::Open(_) | Place::ResetByUs => {}
        }
        if head.length == 0 && head.has(flag::PADDED) {
            return Err(frame_size_error("padded DATA without the length of its padding (§6.1)"));
        }
        match head.length {
            0 if !head.ends_stream() => self.charge(1, now),
            0 => Ok(()),
            _ => {
                self.control.give(1);
                Ok(())
            }
        }
    }

    fn check_headers(&mut self, head: &Head, now: Duration) -> Result<(), Violation> {
        let prefix = u32::from(head.has(flag::PADDED)) + 5 * u32::from(head.has(flag::PRIORITY));
        if head.length < prefix {
            return Err(frame_size_error("HEADERS is shorter than what its flags say (§6.2)"));
        }
        match self.streams.place(head.stream) {
            _ if head.stream > self.last_accepted => self.charge(1, now),
            Place::Idle if head.stream.is_multiple_of(2) => {
                Err(protocol_error("client opens a stream of the server's (§5.1.1)"))
            }
            Place::Idle => {
                self.streams.open(head.stream);
                self.control.give(1);
                Ok(())
            }
            Place::Skipped => Err(protocol_error("stream is opened behind a later one (§5.1.1)")),
            // Trailers; whoever sends more than these only wastes our time.
            Place::Open(stream) if !stream.ended_by_peer && head.ends_stream() => Ok(()),
            Place::Open(stream) if !stream.ended_by_peer => self.charge(1, now),
            Place::Open(_) | Place::Closed => Err(violation(
                ErrorCode::StreamClosed,
                "HEADERS on a stream that was ended (§5.1)",
            )),
            Place::ResetByUs => self.charge(1, now),
        }
    }

    fn check_reset(&mut self, head: &Head, now: Duration) -> Result<(), Violation> {
        match self.streams.place(head.stream) {
            _ if head.stream > self.last_accepted => self.charge(1, now),
            Place::Idle => Err(protocol_error("RST_STREAM on an idle stream (§5.1)")),
            Place::Open(_) => {
                self.streams.reset_by_peer(head.stream);
                self.charge_reset(now)
            }
            Place::Skipped | Place::Closed | Place::ResetByUs => self.charge(1, now),
        }
    }

    pub(super) fn charge(&mut self, cost: u32, now: Duration) -> Result<(), Violation> {
        match self.control.take(cost, now) {
            true => Ok(()),
            false => Err(violation(ErrorCode::EnhanceYourCalm, "flood of control frames")),
        }
    }

    pub(super) fn charge_reset(&mut self, now: Duration) -> Result<(), Violation> {
        match self.resets.take(1, now) {
            true => Ok(()),
            false => Err(violation(ErrorCode::EnhanceYourCalm, "flood of streams that are reset")),
        }
    }
}
