//! The field section of a head and of trailers (RFC 9112 §5): what `httparse` makes of it, and why not.
//!
//! Part of step 4 of the walk. `httparse` parses all fields in one go and starts over at each call, so it is
//! called once for what came first, which is nearly always the whole section, and else once again when the
//! caller has found the end.
//!
//! It takes lines that end with LF alone, which we do not; and it says little about what it refuses. So when
//! a complete section is not taken, the code below looks for the line to blame.

use httparse::{EMPTY_HEADER, Header, Status};

use super::charset::{CR, LF, TOKEN, VALUE, skip};
use crate::{Error, ErrorKind};

/// The longest name that `http::HeaderName` can hold.
const NAME_BYTES: usize = 65_535;
// Room for this many fields is made on the stack. It has to be filled, so a small head gets little.
const FEW: usize = 4;
const SEVERAL: usize = 20;
const MANY: usize = 128;

/// Parses the section at the start of `bytes` if it is whole, has no fault, and has at most `limit` fields and not
/// many more than `expected`.
///
/// Returns its length, the empty line included, after handing the fields to `take`: names that are tokens, and
/// values without surrounding whitespace and control bytes but tab. `None` says nothing about `bytes`: look for the
/// end of the section and call [`parse_whole`].
#[inline]
pub(super) fn try_parse<'buf>(
    bytes: &'buf [u8],
    expected: usize,
    limit: usize,
    take: impl FnOnce(&[Header<'buf>]),
) -> Option<usize> {
    parse(bytes, expected, limit, take)
}

/// Parses `section`: `count` lines and the empty line, all with CRLF, and no CR or LF elsewhere.
///
/// # Errors
///
/// The fault of the first line that has one; `take` has not been called then.
pub(super) fn parse_whole<'buf>(
    section: &'buf [u8],
    count: usize,
    take: impl FnOnce(&[Header<'buf>]),
) -> Result<(), Error> {
    match parse(section, count, count, take) {
        Some(_) => Ok(()),
        None => Err(fault(section)),
    }
}

/// Parses up to `limit` fields, with room for at least `expected` if the limit is not below.
#[inline]
fn parse<'buf>(bytes: &'buf [u8], expected: usize, limit: usize, take: impl FnOnce(&[Header<'buf>])) -> Option<usize> {
    if expected <= FEW {
        parse_into(bytes, &mut [EMPTY_HEADER; FEW], limit, take)
    } else {
        parse_more(bytes, expected, limit, take)
    }
}

/// Apart, so that a small head does not pay for the stack frame of a large one.
#[inline(never)]
fn parse_more<'buf>(
    bytes: &'buf [u8],
    expected: usize,
    limit: usize,
    take: impl FnOnce(&[Header<'buf>]),
) -> Option<usize> {
    if expected <= SEVERAL {
        parse_into(bytes, &mut [EMPTY_HEADER; SEVERAL], limit, take)
    } else if expected <= MANY {
        parse_into(bytes, &mut [EMPTY_HEADER; MANY], limit, take)
    } else {
        parse_into(bytes, &mut vec![EMPTY_HEADER; expected], limit, take)
    }
}

#[inline]
fn parse_into<'buf>(
    bytes: &'buf [u8],
    room: &mut [Header<'buf>],
    limit: usize,
    take: impl FnOnce(&[Header<'buf>]),
) -> Option<usize> {
    let room_count = room.len().min(limit);
    let room = room.get_mut(..room_count)?;
    let Ok(Status::Complete((len, fields))) = httparse::parse_headers(bytes, room) else {
        return None;
    };
    let too_long = len > NAME_BYTES && fields.iter().any(|field| field.name.len() > NAME_BYTES);
    if too_long || !all_lines_end_with_crlf(bytes, len, fields) {
        return None;
    }
    take(fields);
    Some(len)
}

/// Whether CR stands before every LF of a section of `len` bytes, which is known to have LF only at the
/// end of each line: before the next name, or before and in the empty line.
#[inline]
fn all_lines_end_with_crlf(bytes: &[u8], len: usize, fields: &[Header<'_>]) -> bool {
    let ended = |end: usize| bytes.get(..end).and_then(<[u8]>::last_chunk) == Some(b"\r\n");
    let start = |field: &Header<'_>| field.name.as_ptr().addr().wrapping_sub(bytes.as_ptr().addr());
    ended(len) && (fields.is_empty() || ended(len - 2)) && fields.iter().skip(1).all(|field| ended(start(field)))
}

/// Why a complete `section` was not taken.
#[cold]
fn fault(section: &[u8]) -> Error {
    section
        .split(|&byte| byte == LF)
        .map(|line| line.strip_suffix(&[CR]).unwrap_or(line))
        .find_map(|line| line_fault(line).err())
        .unwrap_or(Error::new(ErrorKind::InvalidHeaderValue))
}

/// What is wrong with one line, without its CRLF.
fn line_fault(line: &[u8]) -> Result<(), Error> {
    let name_bytes = skip(line, 0, TOKEN);
    let name_fault = match (line.get(name_bytes), name_bytes) {
        _ if name_bytes > NAME_BYTES => {
            return Err(Error::exceeded(ErrorKind::HeaderNameTooLong, NAME_BYTES));
        }
        // The empty line.
        (None, 0) => return Ok(()),
        (Some(b' ' | b'\t'), 0) => Some(ErrorKind::ObsoleteLineFolding),
        (Some(b':'), 0) => Some(ErrorKind::EmptyHeaderName),
        (Some(b':'), _) => None,
        (Some(b' ' | b'\t'), _) => Some(ErrorKind::WhitespaceInHeaderName),
        (Some(_), _) => Some(ErrorKind::InvalidHeaderName),
        (None, _) => Some(ErrorKind::MissingColon),
    };
    let value_end = skip(line, name_bytes + 1, VALUE);
    let value_fault = (value_end < line.len()).then_some(ErrorKind::InvalidHeaderValue);
    match name_fault.or(value_fault) {
        Some(kind) => Err(Error::new(kind)),
        None => Ok(()),
    }
}
