//! What the payloads of single frames must be.

use super::frame::{ErrorCode, Head, flag};
use super::inspector::{Violation, take};

pub(super) fn violation(code: ErrorCode, why: &'static str) -> Violation {
    Violation { code, why }
}

pub(super) fn protocol_error(why: &'static str) -> Violation {
    violation(ErrorCode::ProtocolError, why)
}

pub(super) fn frame_size_error(why: &'static str) -> Violation {
    violation(ErrorCode::FrameSizeError, why)
}

/// The padding, which `payload` begins with the length of, must leave room for that byte itself (RFC 9113 §6.1).
pub(super) fn check_padding(payload: &[u8], length: u32) -> Result<(), Violation> {
    match payload.first() {
        Some(&padding) if u32::from(padding) >= length => {
            Err(protocol_error("padding is as long as the frame, or longer (§6.1)"))
        }
        _ => Ok(()),
    }
}

/// What a HEADERS frame has of the field block.
pub(super) fn headers_fragment<'a>(head: &Head, payload: &'a [u8]) -> Result<&'a [u8], Violation> {
    let mut rest = payload;
    let mut padding = 0;
    if head.has(flag::PADDED) {
        padding = take(&mut rest, 1).first().copied().unwrap_or_default();
    }
    if head.has(flag::PRIORITY) {
        check_dependency(head, take(&mut rest, 5))?;
    }
    rest.len()
        .checked_sub(usize::from(padding))
        .and_then(|len| rest.get(..len))
        .ok_or(protocol_error(
            "padding is longer than what is left of the frame (§6.2)",
        ))
}

/// RFC 7540 §5.3.1. An implementation may end the stream alone; but that must not skip the field block, which changes the
/// state of compression.
pub(super) fn check_dependency(head: &Head, payload: &[u8]) -> Result<(), Violation> {
    match payload.first_chunk::<4>() {
        Some(&dependency) if u32::from_be_bytes(dependency) & 0x7fff_ffff == head.stream => {
            Err(protocol_error("stream depends on itself"))
        }
        _ => Ok(()),
    }
}

/// RFC 9113 §6.5.2, and RFC 8441 §3.
pub(super) fn check_setting([i1, i2, v1, v2, v3, v4]: [u8; 6]) -> Result<(), Violation> {
    const ENABLE_PUSH: u16 = 2;
    const INITIAL_WINDOW_SIZE: u16 = 4;
    const MAX_FRAME_SIZE: u16 = 5;
    const ENABLE_CONNECT_PROTOCOL: u16 = 8;
    let value = u32::from_be_bytes([v1, v2, v3, v4]);
    match u16::from_be_bytes([i1, i2]) {
        ENABLE_PUSH | ENABLE_CONNECT_PROTOCOL if value > 1 => {
            Err(protocol_error("setting that is 0 or 1 has another value (§6.5.2)"))
        }
        INITIAL_WINDOW_SIZE if value > 0x7fff_ffff => Err(violation(
            ErrorCode::FlowControlError,
            "SETTINGS_INITIAL_WINDOW_SIZE exceeds 2,147,483,647 (§6.5.2)",
        )),
        MAX_FRAME_SIZE if !(16_384..=16_777_215).contains(&value) => {
            Err(protocol_error("SETTINGS_MAX_FRAME_SIZE is out of its range (§6.5.2)"))
        }
        _ => Ok(()),
    }
}
