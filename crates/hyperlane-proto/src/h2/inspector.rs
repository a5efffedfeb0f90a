//! The bytes that a client sends, frame by frame, and the rules that each must keep.

use std::time::Duration;

use super::Limits;
use super::budget::Budget;
use super::field_block::FieldBlocks;
use super::frame::{ErrorCode, HEAD_BYTES, Head, PREFACE, flag, kind};
use super::outbound::Outbound;
use super::rules::{check_dependency, check_padding, check_setting, headers_fragment, protocol_error, violation};
use super::streams::{Place, Streams};

/// Why a connection must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation {
    /// For the GOAWAY.
    pub code: ErrorCode,
    /// What the peer did, for logs.
    pub why: &'static str,
}

/// Where to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop {
    /// How many of the bytes may be passed on. The frame with the fault is not complete with them.
    pub passable: usize,
    /// The fault.
    pub violation: Violation,
}

/// What has begun to come and is not complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfinished {
    /// Nothing.
    Nothing,
    /// The preface, a frame, or a field block that goes on in further frames.
    Frame,
    /// A frame with a piece of a body.
    Data,
}

/// Looks at both directions of a server's connection: see the [module](super).
#[derive(Debug)]
pub struct Inspector {
    pub(super) limits: Limits,
    reading: Reading,
    /// What came of a payload that is looked at as a whole.
    payload: Vec<u8>,
    /// The field block that goes on in CONTINUATION frames.
    pub(super) block: Option<Block>,
    pub(super) settings_seen: bool,
    field_blocks: FieldBlocks,
    pub(super) streams: Streams,
    pub(super) control: Budget,
    pub(super) resets: Budget,
    /// Streams above it are ignored by us, as we have said in GOAWAY.
    pub(super) last_accepted: u32,
    outbound: Outbound,
    completed: u64,
}

#[derive(Clone, Copy, Debug)]
enum Reading {
    Preface { left: usize },
    Head { bytes: [u8; HEAD_BYTES], len: usize },
    Payload { head: Head, left: usize },
}

#[derive(Debug)]
pub(super) struct Block {
    pub(super) stream: u32,
    ends_stream: bool,
    bytes: Vec<u8>,
}

const fn head_is_next() -> Reading {
    Reading::Head {
        bytes: [0; HEAD_BYTES],
        len: 0,
    }
}

impl Inspector {
    /// For a connection whose preface is still to come.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            reading: Reading::Preface { left: PREFACE.len() },
            payload: Vec::new(),
            block: None,
            settings_seen: false,
            field_blocks: FieldBlocks::new(),
            streams: Streams::default(),
            control: Budget::new(limits.control_burst, limits.control_per_second),
            resets: Budget::new(limits.reset_burst, limits.reset_per_second),
            last_accepted: u32::MAX,
            outbound: Outbound::default(),
            completed: 0,
        }
    }

    /// Looks at bytes that were received. `now` is the time since any moment that stays the same.
    ///
    /// # Errors
    ///
    /// Where to stop, and why. Nothing that comes later may be passed on.
    pub fn received(&mut self, bytes: &[u8], now: Duration) -> Result<(), Stop> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let step = self.step(&mut rest, now);
            step.map_err(|violation| Stop {
                // Without the last byte that was looked at, the frame is not complete.
                passable: (bytes.len() - rest.len()).saturating_sub(1),
                violation,
            })?;
        }
        Ok(())
    }

    /// Looks at bytes that were sent.
    ///
    /// # Errors
    ///
    /// What the peer has made us send is too much.
    pub fn sent(&mut self, bytes: &[u8], now: Duration) -> Result<(), Violation> {
        let mut outbound = std::mem::take(&mut self.outbound);
        let seen = outbound.sent(bytes, self, now);
        self.outbound = outbound;
        seen
    }

    /// What has begun to come and is not complete.
    pub fn unfinished(&self) -> Unfinished {
        match &self.reading {
            Reading::Payload { head, .. } if head.kind == kind::DATA => Unfinished::Data,
            Reading::Head { len: 0, .. } if self.block.is_none() => Unfinished::Nothing,
            Reading::Preface { .. } | Reading::Head { .. } | Reading::Payload { .. } => Unfinished::Frame,
        }
    }

    /// How many frames, or field blocks over several frames, have come completely.
    pub fn completed(&self) -> u64 {
        self.completed
    }

    /// Bytes of the body of an open stream received so far.
    pub fn body_bytes(&self, stream: u32) -> Option<u64> {
        self.streams.received(stream)
    }

    /// Takes bytes from the front of `rest`, at least one, up to the end of the next thing that can be looked at.
    fn step(&mut self, rest: &mut &[u8], now: Duration) -> Result<(), Violation> {
        match self.reading {
            Reading::Preface { left } => {
                let taken = take(rest, left).len();
                self.reading = match left - taken {
                    0 => head_is_next(),
                    left => Reading::Preface { left },
                };
                Ok(())
            }
            Reading::Head { mut bytes, len } => {
                let taken = take(rest, HEAD_BYTES - len);
                if let Some(place) = bytes.get_mut(len..len + taken.len()) {
                    place.copy_from_slice(taken);
                }
                let len = len + taken.len();
                if len < HEAD_BYTES {
                    self.reading = Reading::Head { bytes, len };
                    return Ok(());
                }
                let head = Head::parse(bytes);
                self.check_head(&head, now)?;
                let left = head.length as usize;
                self.reading = Reading::Payload { head, left };
                match left {
                    0 => self.finish(&head, &[], now),
                    _ => Ok(()),
                }
            }
            Reading::Payload { head, left } => {
                let begins = left == head.length as usize;
                let taken = take(rest, left);
                if head.kind == kind::DATA {
                    if begins && head.has(flag::PADDED) {
                        check_padding(taken, head.length)?;
                    }
                    if let Place::Open(stream) = self.streams.place(head.stream) {
                        stream.received += taken.len() as u64;
                    }
                }
                let left = left - taken.len();
                if left == 0 && begins {
                    return self.finish(&head, taken, now);
                }
                if is_looked_at(head.kind) {
                    self.payload.extend_from_slice(taken);
                }
                if left > 0 {
                    self.reading = Reading::Payload { head, left };
                    return Ok(());
                }
                let mut payload = std::mem::take(&mut self.payload);
                let finished = self.finish(&head, &payload, now);
                payload.clear();
                // What a large frame has taken is not kept while none comes.
                if payload.capacity() <= 1024 {
                    self.payload = payload;
                }
                finished
            }
        }
    }

    /// A frame is complete. Its payload is there unless it is of a kind that is not looked at.
    fn finish(&mut self, head: &Head, payload: &[u8], now: Duration) -> Result<(), Violation> {
        match head.kind {
            kind::HEADERS => {
                let fragment = headers_fragment(head, payload)?;
                self.take_fragment(head, fragment, now)?;
            }
            kind::CONTINUATION => self.take_fragment(head, payload, now)?,
            kind::DATA if head.ends_stream() => self.streams.end_by_peer(head.stream),
            kind::PRIORITY => check_dependency(head, payload)?,
            kind::SETTINGS => {
                for setting in payload.as_chunks().0 {
                    check_setting(*setting)?;
                }
                self.settings_seen = true;
            }
            kind::WINDOW_UPDATE
                if payload.iter().skip(1).all(|&byte| byte == 0) && matches!(payload, [0 | 0x80, ..]) =>
            {
                return Err(protocol_error("WINDOW_UPDATE adds nothing (§6.9)"));
            }
            _ => {}
        }
        self.reading = head_is_next();
        self.completed += u64::from(self.block.is_none());
        Ok(())
    }

    /// The next piece of a field block.
    fn take_fragment(&mut self, head: &Head, fragment: &[u8], now: Duration) -> Result<(), Violation> {
        let ends = head.has(flag::END_HEADERS);
        let Some(mut block) = self.block.take() else {
            if ends {
                return self.finish_block(head.stream, head.ends_stream(), fragment);
            }
            if fragment.is_empty() {
                self.charge(1, now)?;
            }
            self.block = Some(Block {
                stream: head.stream,
                ends_stream: head.ends_stream(),
                bytes: fragment.to_vec(),
            });
            return Ok(());
        };
        if block.bytes.len() + fragment.len() > self.limits.block_bytes {
            return Err(violation(
                ErrorCode::EnhanceYourCalm,
                "field block is larger than its limit",
            ));
        }
        block.bytes.extend_from_slice(fragment);
        if ends {
            return self.finish_block(block.stream, block.ends_stream, &block.bytes);
        }
        self.block = Some(block);
        Ok(())
    }

    fn finish_block(&mut self, stream: u32, ends_stream: bool, block: &[u8]) -> Result<(), Violation> {
        let pseudo = self
            .field_blocks
            .check(block)
            .map_err(|why| violation(ErrorCode::CompressionError, why))?;
        if let Place::Open(open) = self.streams.place(stream)
            && std::mem::replace(&mut open.has_head, true)
            && pseudo
        {
            return Err(protocol_error("pseudo-header field in trailers (§8.1)"));
        }
        if ends_stream {
            self.streams.end_by_peer(stream);
        }
        Ok(())
    }
}

/// Takes up to `n` bytes from the front.
pub(super) fn take<'a>(rest: &mut &'a [u8], n: usize) -> &'a [u8] {
    let (taken, behind) = rest.split_at(n.min(rest.len()));
    *rest = behind;
    taken
}

/// Whether the payload is looked at when it is complete.
fn is_looked_at(kind: u8) -> bool {
    matches!(
        kind,
        kind::HEADERS | kind::CONTINUATION | kind::PRIORITY | kind::SETTINGS | kind::WINDOW_UPDATE
    )
}
