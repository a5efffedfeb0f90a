//! Compressed messages (RFC 7692 §7.2): raw DEFLATE whose last four bytes are left out.
//!
//! A compressor takes a quarter of a megabyte, a decompressor some 40 KiB. Where messages do not refer to each other,
//! they belong to the thread and are lent for one message; only where they do, a connection has its own, made when it
//! is first used.

use std::cell::RefCell;
use std::fmt;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::{Error, ErrorKind};

/// What every compressed message ends with and is sent without (RFC 7692 §7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// The least room for output that a step begins with.
const STEP: usize = 1024;
/// The largest window, in bits; decompressors with it read whatever there is, so that these are the ones to share.
const MAX_BITS: u8 = 15;
/// Of each kind, as many are kept by a thread. Compressing is done in one go, so that one is enough but for different
/// settings; decompressing waits for fragments.
const KEPT: usize = 4;

thread_local! {
    static INFLATERS: RefCell<Vec<Decompress>> = const { RefCell::new(Vec::new()) };
    static DEFLATERS: RefCell<Vec<(u8, u32, Compress)>> = const { RefCell::new(Vec::new()) };
}

/// Decompresses what a peer sends.
pub struct Inflater {
    window_bits: u8,
    context_takeover: bool,
    state: Option<Decompress>,
}

impl Inflater {
    /// For a peer that uses this window, and may refer to earlier messages or not.
    pub fn new(window_bits: u8, context_takeover: bool) -> Self {
        Self {
            window_bits: window_bits.clamp(9, MAX_BITS),
            context_takeover,
            state: None,
        }
    }

    /// Adds to `out` what a piece of a message decompresses to; `out` holds the message so far.
    pub(super) fn inflate(&mut self, mut input: &[u8], out: &mut Vec<u8>, limit: usize) -> Result<(), Error> {
        let window_bits = self.window_bits;
        let state = match &mut self.state {
            Some(state) => state,
            none if self.context_takeover => none.insert(Decompress::new_with_window_bits(false, window_bits)),
            none => none.insert(lend_inflater()),
        };
        loop {
            if out.capacity() == out.len() {
                // One byte past the limit tells that there is more.
                let room = limit.saturating_add(1).saturating_sub(out.len());
                out.reserve_exact(room.min(out.len().max(STEP)));
            }
            let (before_in, before_out) = (state.total_in(), out.len());
            let status = state.decompress_vec(input, out, FlushDecompress::Sync);
            let status = status.map_err(|_| Error::new(ErrorKind::InvalidCompression))?;
            let taken = (state.total_in() - before_in) as usize;
            input = input.get(taken..).unwrap_or_default();
            if out.len() > limit {
                return Err(Error::over(ErrorKind::MessageTooLarge, limit));
            }
            if status == Status::StreamEnd {
                // A final block in the middle is allowed; what follows begins anew, and may refer back
                // (RFC 7692 §7.2.3.4).
                state.reset(false);
                let window = out
                    .get(out.len().saturating_sub(1 << window_bits)..)
                    .unwrap_or_default();
                if !window.is_empty() {
                    let primed = state.set_dictionary(window);
                    primed.map_err(|_| Error::new(ErrorKind::InvalidCompression))?;
                }
                if input.is_empty() {
                    return Ok(());
                }
                continue;
            }
            let full = out.len() == out.capacity();
            if input.is_empty() && !full {
                return Ok(());
            }
            if taken == 0 && out.len() == before_out && !full {
                return Err(Error::new(ErrorKind::InvalidCompression));
            }
        }
    }

    /// Ends a message.
    pub(super) fn end_message(&mut self, out: &mut Vec<u8>, limit: usize) -> Result<(), Error> {
        self.inflate(&TAIL, out, limit)?;
        if !self.context_takeover
            && let Some(state) = self.state.take()
        {
            give_inflater(state);
        }
        Ok(())
    }
}

/// Compresses what is sent.
pub struct Deflater {
    window_bits: u8,
    level: u32,
    context_takeover: bool,
    state: Option<Compress>,
}

impl Deflater {
    /// With this window, this effort (1 to 9), and references to earlier messages or not.
    pub fn new(window_bits: u8, level: u32, context_takeover: bool) -> Self {
        Self {
            window_bits: window_bits.clamp(9, MAX_BITS),
            level: level.clamp(1, 9),
            context_takeover,
            state: None,
        }
    }

    /// Adds a compressed message to `out`. False: it did not get shorter, and `out` is as it was; the message is to be
    /// sent as it is. One that others may refer to is compressed in any case, and with `always` every one is.
    pub fn deflate(&mut self, message: &[u8], out: &mut Vec<u8>, always: bool) -> bool {
        let start = out.len();
        if message.is_empty() {
            // A flush of nothing is not repeated by the compressor; this is what it would be (RFC 7692 §7.2.3.6).
            out.extend(always.then_some(0));
            return always;
        }
        let mut state = match self.state.take() {
            Some(state) => state,
            None if self.context_takeover => self.make(),
            None => lend_deflater(self.window_bits, self.level).unwrap_or_else(|| self.make()),
        };
        let worked = compress(&mut state, message, out);
        if worked && out.ends_with(&TAIL) {
            out.truncate(out.len() - TAIL.len());
        }
        if self.context_takeover {
            // The peer's window must see what this one saw.
            self.state = worked.then_some(state);
            return worked;
        }
        give_deflater(self.window_bits, self.level, state);
        let taken = worked && (always || out.len() - start < message.len());
        if !taken {
            out.truncate(start);
        }
        taken
    }

    fn make(&self) -> Compress {
        Compress::new_with_window_bits(Compression::new(self.level), false, self.window_bits)
    }
}

/// Compresses all of `message`, and flushes.
fn compress(state: &mut Compress, mut message: &[u8], out: &mut Vec<u8>) -> bool {
    loop {
        if out.capacity() - out.len() < STEP {
            out.reserve(STEP.max(message.len() / 2));
        }
        let before = state.total_in();
        if state.compress_vec(message, out, FlushCompress::Sync).is_err() {
            return false;
        }
        message = message.get((state.total_in() - before) as usize..).unwrap_or_default();
        // With room left, the flush is complete.
        if message.is_empty() && out.len() < out.capacity() {
            return true;
        }
    }
}

fn lend_inflater() -> Decompress {
    let kept = INFLATERS.try_with(|kept| kept.borrow_mut().pop()).ok().flatten();
    kept.unwrap_or_else(|| Decompress::new_with_window_bits(false, MAX_BITS))
}

fn give_inflater(mut state: Decompress) {
    state.reset(false);
    let _ = INFLATERS.try_with(|kept| {
        let mut kept = kept.borrow_mut();
        if kept.len() < KEPT {
            kept.push(state);
        }
    });
}

fn lend_deflater(window_bits: u8, level: u32) -> Option<Compress> {
    let lent = DEFLATERS.try_with(|kept| {
        let mut kept = kept.borrow_mut();
        let place = kept
            .iter()
            .position(|(bits, effort, _)| (*bits, *effort) == (window_bits, level))?;
        Some(kept.swap_remove(place).2)
    });
    lent.ok().flatten()
}

fn give_deflater(window_bits: u8, level: u32, mut state: Compress) {
    state.reset();
    let _ = DEFLATERS.try_with(|kept| {
        let mut kept = kept.borrow_mut();
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push((window_bits, level, state));
    });
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("window_bits", &self.window_bits)
            .field("context_takeover", &self.context_takeover)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater")
            .field("window_bits", &self.window_bits)
            .field("context_takeover", &self.context_takeover)
            .finish_non_exhaustive()
    }
}
