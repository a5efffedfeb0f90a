//! Follows the frames of one stream (RFC 9114 §7.1), whatever pieces they come in.

use std::fmt;

use super::field_section::{self, Kind};
use super::{ErrorCode, Limits};

const DATA: u64 = 0x00;
const HEADERS: u64 = 0x01;
/// PRIORITY_UPDATE (RFC 9218 §7.2): browsers send one for nearly each request, on the control stream.
const PRIORITY_UPDATE: std::ops::RangeInclusive<u64> = 0x0f_0700..=0x0f_0701;
/// The kind of unidirectional streams that have frames (RFC 9114 §6.2.1).
const CONTROL: u64 = 0x00;

/// Where a stream must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Violation {
    /// What the peer is told.
    pub code: ErrorCode,
    /// What it did, for logs.
    pub why: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why)
    }
}

/// Looks at the bytes of one stream in order.
#[derive(Debug)]
pub struct Inspector {
    limits: Limits,
    state: State,
    number: Number,
    /// HEADERS frames that have come.
    sections: u32,
    idle_frames: u32,
}

#[derive(Debug)]
enum State {
    /// The kind of a unidirectional stream.
    Stream,
    Type,
    Length {
        kind: u64,
    },
    /// Of a frame whose content does not matter here.
    Payload {
        left: u64,
    },
    /// Of HEADERS.
    Section {
        left: u64,
        bytes: Vec<u8>,
    },
    /// Of a stream that has no frames, or that is nobody's.
    Ignored,
    /// A violation was found: nothing of the stream counts any more.
    Stopped(Violation),
}

impl Inspector {
    /// For a stream on which a client sends a request.
    pub fn of_request(limits: Limits) -> Self {
        Self::new(limits, State::Type)
    }

    /// For a unidirectional stream, whatever kind it turns out to be of.
    pub fn of_unidirectional(limits: Limits) -> Self {
        Self::new(limits, State::Stream)
    }

    fn new(limits: Limits, state: State) -> Self {
        Self {
            limits,
            state,
            number: Number::default(),
            sections: 0,
            idle_frames: 0,
        }
    }

    /// Looks at what was received next.
    ///
    /// # Errors
    ///
    /// The stream must stop, or the connection; after that nothing else is found.
    pub fn received(&mut self, mut bytes: &[u8]) -> Result<(), Violation> {
        while !bytes.is_empty() {
            if let Err(violation) = self.step(&mut bytes) {
                self.state = State::Stopped(violation);
                return Err(violation);
            }
        }
        Ok(())
    }

    /// The stream has ended in order.
    ///
    /// # Errors
    ///
    /// It ends in the middle of a frame (RFC 9114 §7.1).
    pub fn ended(&mut self) -> Result<(), Violation> {
        let whole = match &self.state {
            State::Stream | State::Ignored => true,
            State::Type => self.number.left == 0,
            State::Length { .. } | State::Payload { .. } | State::Section { .. } => false,
            State::Stopped(violation) => return Err(*violation),
        };
        if whole {
            return Ok(());
        }
        let violation = Violation {
            code: ErrorCode::FrameError,
            why: "the stream ends in the middle of a frame",
        };
        self.state = State::Stopped(violation);
        Err(violation)
    }

    fn step(&mut self, bytes: &mut &[u8]) -> Result<(), Violation> {
        match &mut self.state {
            State::Stream => {
                if let Some(kind) = self.number.take(bytes) {
                    self.state = match kind {
                        CONTROL => State::Type,
                        // Of compression, or of no known kind: they have no frames.
                        _ => State::Ignored,
                    };
                }
            }
            State::Type => {
                if let Some(kind) = self.number.take(bytes) {
                    self.state = State::Length { kind };
                }
            }
            State::Length { kind } => {
                let kind = *kind;
                if let Some(length) = self.number.take(bytes) {
                    self.begin(kind, length)?;
                }
            }
            State::Payload { left } => {
                let taken = take(bytes, *left).len();
                *left -= taken as u64;
                if *left == 0 {
                    self.state = State::Type;
                }
            }
            State::Section { left, bytes: section } => {
                let taken = take(bytes, *left);
                *left -= taken.len() as u64;
                section.extend_from_slice(taken);
                if *left == 0 {
                    let section = std::mem::take(section);
                    self.state = State::Type;
                    self.check(&section)?;
                }
            }
            State::Ignored => *bytes = &[],
            State::Stopped(violation) => return Err(*violation),
        }
        Ok(())
    }

    fn begin(&mut self, kind: u64, length: u64) -> Result<(), Violation> {
        if kind != DATA && length > self.limits.frame_bytes {
            return Err(excessive("a frame is longer than any head may be"));
        }
        // Whatever is known has a number below 0x0e (RFC 9114 §11.2.1).
        if length == 0 || kind > 0x0d && !PRIORITY_UPDATE.contains(&kind) {
            self.idle_frames += 1;
            if self.idle_frames > self.limits.idle_frames {
                return Err(excessive("there are too many frames that say nothing"));
            }
        }
        self.state = match (kind, length) {
            (HEADERS, length) => State::Section {
                left: length,
                bytes: Vec::new(),
            },
            (_, 0) => State::Type,
            (_, left) => State::Payload { left },
        };
        if let (HEADERS, 0) = (kind, length) {
            self.state = State::Type;
            self.check(&[])?;
        }
        Ok(())
    }

    fn check(&mut self, section: &[u8]) -> Result<(), Violation> {
        let kind = if self.sections == 0 {
            Kind::Request
        } else {
            Kind::Trailers
        };
        self.sections = self.sections.saturating_add(1);
        field_section::check(section, kind).map_err(|why| Violation {
            code: ErrorCode::MessageError,
            why,
        })
    }
}

fn excessive(why: &'static str) -> Violation {
    Violation {
        code: ErrorCode::ExcessiveLoad,
        why,
    }
}

/// As much of the front as there is, up to `limit`.
fn take<'a>(bytes: &mut &'a [u8], limit: u64) -> &'a [u8] {
    let at = usize::try_from(limit).unwrap_or(usize::MAX).min(bytes.len());
    let (front, rest) = bytes.split_at(at);
    *bytes = rest;
    front
}

/// A number of QUIC (RFC 9000 §16) that comes in pieces.
#[derive(Debug, Default)]
struct Number {
    value: u64,
    /// Bytes that are still to come; 0: none has begun.
    left: u32,
}

impl Number {
    fn take(&mut self, bytes: &mut &[u8]) -> Option<u64> {
        while let Some((&byte, rest)) = bytes.split_first() {
            *bytes = rest;
            if self.left == 0 {
                // The first two bits say how many bytes there are: 1, 2, 4 or 8.
                self.value = u64::from(byte & 0x3f);
                self.left = (1 << (byte >> 6)) - 1;
            } else {
                self.value = self.value << 8 | u64::from(byte);
                self.left -= 1;
            }
            if self.left == 0 {
                return Some(self.value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `GET` of `/` by https, with an authority of one letter.
    const SECTION: &[u8] = &[0, 0, 0xd1, 0xd7, 0xc1, 0x50, 1, b'a'];

    fn headers(section: &[u8]) -> Vec<u8> {
        let length = u8::try_from(section.len()).expect("short");
        assert!(length < 64);
        [&[0x01, length], section].concat()
    }

    fn all_at_once(bytes: &[u8]) -> Result<(), Violation> {
        Inspector::of_request(Limits::default()).received(bytes)
    }

    fn byte_by_byte(bytes: &[u8]) -> Result<(), Violation> {
        let mut inspector = Inspector::of_request(Limits::default());
        bytes.chunks(1).try_for_each(|byte| inspector.received(byte))
    }

    #[test]
    fn a_request_passes_in_whatever_pieces() {
        let request = [&headers(SECTION)[..], &[0x00, 0x02, b'h', b'i'], &headers(&[0, 0])].concat();
        assert_eq!(all_at_once(&request), Ok(()));
        assert_eq!(byte_by_byte(&request), Ok(()));
    }

    #[test]
    fn a_long_frame_stops_before_it_comes_but_for_data_rfc9114_10_5() {
        for kind in [0x01, 0x04, 0x21] {
            let violation = all_at_once(&[kind, 0x80, 0x01, 0x00, 0x01]).expect_err("too long");
            assert_eq!(violation.code, ErrorCode::ExcessiveLoad, "{kind:#x}");
        }
        assert_eq!(all_at_once(&[0x00, 0xbf, 0xff, 0xff, 0xff]), Ok(()));
    }

    #[test]
    fn frames_without_meaning_are_taken_up_to_a_number() {
        let grease = [0x21, 0x00];
        assert_eq!(all_at_once(&grease.repeat(100)), Ok(()));
        assert_eq!(
            all_at_once(&grease.repeat(101)).expect_err("a flood").code,
            ErrorCode::ExcessiveLoad
        );
        let empty_data = [0x00, 0x00];
        assert!(all_at_once(&empty_data.repeat(101)).is_err());
    }

    #[test]
    fn a_stream_ends_between_frames_rfc9114_7_1() {
        let request = [&headers(SECTION)[..], &[0x00, 0x02, b'h', b'i']].concat();
        for at in 0..=request.len() {
            let mut inspector = Inspector::of_request(Limits::default());
            assert_eq!(inspector.received(&request[..at]), Ok(()));
            let whole = at == 0 || at == request.len() || at == headers(SECTION).len();
            let code = inspector.ended().map_err(|violation| violation.code);
            let expected = if whole { Ok(()) } else { Err(ErrorCode::FrameError) };
            assert_eq!(code, expected, "after {at} bytes");
        }
    }

    #[test]
    fn after_a_violation_nothing_else_is_found() {
        let mut inspector = Inspector::of_request(Limits::default());
        let first = inspector
            .received(&[0x21, 0xbf, 0xff, 0xff, 0xff])
            .expect_err("too long");
        assert_eq!(inspector.received(b"anything"), Err(first));
    }

    #[test]
    fn each_request_may_have_its_priority_rfc9218_7_2() {
        let update = [0x80, 0x0f, 0x07, 0x00, 0x04, 0x00, b'u', b'=', b'3'];
        let mut control = Inspector::of_unidirectional(Limits::default());
        assert_eq!(control.received(&[0x00, 0x04, 0x00]), Ok(()));
        assert_eq!(control.received(&update.repeat(1000)), Ok(()));
    }

    #[test]
    fn pseudo_header_fields_have_no_place_in_trailers_rfc9114_4_3() {
        let request = [headers(SECTION), headers(&[0, 0, 0xd1])].concat();
        assert_eq!(
            byte_by_byte(&request).expect_err("malformed").code,
            ErrorCode::MessageError
        );
    }

    #[test]
    fn frames_of_a_control_stream_are_limited_and_other_streams_have_none() {
        let limits = Limits::default();
        assert!(
            Inspector::of_unidirectional(limits)
                .received(&[0x00, 0x04, 0xbf, 0xff, 0xff, 0xff])
                .is_err()
        );
        assert!(
            Inspector::of_unidirectional(limits)
                .received(&[0x02, 0x04, 0xbf, 0xff, 0xff, 0xff])
                .is_ok()
        );
    }
}
