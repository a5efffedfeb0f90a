//! The request line: `method SP request-target SP HTTP-version` (RFC 9112 §3).
//!
//! The three parts of it for `head.rs`, which walks over them: where each ends, and what it means.

use http::{Method, Version};

use super::charset::{CR, LF, PATH, TARGET, TOKEN, skip};
use super::head::{RequestHead, TargetForm};
use super::host::{self, Port};
use super::span::Span;
use crate::{Error, ErrorKind};

const VERSION_PREFIX: &[u8] = b"HTTP/";
const USUAL_VERSION: &[u8] = b"HTTP/1.";
const VERSION_BYTES: usize = 8;

/// The part of the request line that is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Method,
    Target,
    Version,
}

/// Reads the line at the start of `bytes` if it is whole and of the usual kind: a path and HTTP/1.1, in at most `limit`
/// bytes. Returns the index after it. `None` says nothing about the line.
#[inline]
pub(super) fn try_usual(head: &mut RequestHead, bytes: &[u8], limit: usize) -> Option<usize> {
    const END: &[u8] = b" HTTP/1.1\r\n";

    let path_start = match bytes {
        [b'G', b'E', b'T', b' ', b'/', ..] => 4,
        _ => try_other_method(head, bytes)?,
    };
    let path_end = skip(bytes, path_start, PATH);
    let query_end = match bytes.get(path_end) {
        Some(b'?') => Some(skip(bytes, path_end + 1, TARGET)),
        _ => None,
    };
    let target_end = query_end.unwrap_or(path_end);
    let end = target_end + END.len();
    if bytes.get(target_end..end) != Some(END) || end > limit.saturating_add(2) {
        return None;
    }
    head.version = Version::HTTP_11;
    head.form = TargetForm::Origin;
    head.target = Span::new(path_start, target_end);
    head.path = Span::new(path_start, path_end);
    head.query = query_end.map(|end| Span::new(path_end + 1, end));
    Some(end)
}

/// Reads a method other than GET, which `head` has already. Returns the index of the path behind it.
fn try_other_method(head: &mut RequestHead, bytes: &[u8]) -> Option<usize> {
    let end = skip(bytes, 0, TOKEN);
    let [b' ', b'/', ..] = bytes.get(end..)? else {
        return None;
    };
    finish_method(head, bytes, Span::new(0, end)).ok()?;
    // CONNECT never has a path.
    (head.method != Method::CONNECT).then_some(end + 1)
}

/// The index of the delimiter after a part that began at `mark` and is good up to `at`, or the length
/// of `line` if that is not reached.
#[inline]
pub(super) fn skip_part(part: Part, line: &[u8], mark: usize, at: usize) -> Result<usize, Error> {
    let (end, delimiter, fault) = match part {
        Part::Method => (skip(line, at, TOKEN), b' ', ErrorKind::InvalidMethod),
        Part::Target => (skip(line, at, TARGET), b' ', ErrorKind::InvalidTarget),
        Part::Version => (skip_version(line, mark, at), CR, ErrorKind::InvalidVersion),
    };
    let Some(&byte) = line.get(end) else {
        return Ok(end);
    };
    let complete = if part == Part::Version {
        end - mark == VERSION_BYTES
    } else {
        end > mark
    };
    if byte == delimiter && complete {
        return Ok(end);
    }
    Err(Error::new(match byte {
        LF => ErrorKind::BareLineFeed,
        // The line ends after the target, as in HTTP/0.9.
        CR if part == Part::Target => ErrorKind::InvalidVersion,
        _ => fault,
    }))
}

/// Names are case-sensitive and digits are single (RFC 9112 §2.3).
#[inline]
fn skip_version(line: &[u8], mark: usize, at: usize) -> usize {
    let mut end = at;
    // All but the last digit at once, where they came at once.
    if at == mark && line.get(at..).is_some_and(|rest| rest.starts_with(USUAL_VERSION)) {
        end += USUAL_VERSION.len();
    }
    while let Some(&byte) = line.get(end) {
        let fits = match end - mark {
            6 => byte == b'.',
            5 | 7 => byte.is_ascii_digit(),
            index => VERSION_PREFIX.get(index) == Some(&byte),
        };
        if !fits {
            break;
        }
        end += 1;
    }
    end
}

pub(super) fn finish_method(head: &mut RequestHead, line: &[u8], span: Span) -> Result<(), Error> {
    head.method = match span.of(line) {
        // Apart, because moving a method out of the result below costs a seventh of a small head.
        b"GET" => Method::GET,
        b"POST" => Method::POST,
        other => Method::from_bytes(other).map_err(|_| Error::new(ErrorKind::InvalidMethod))?,
    };
    Ok(())
}

pub(super) fn finish_version(head: &mut RequestHead, line: &[u8], span: Span) -> Result<(), Error> {
    head.version = match span.of(line) {
        b"HTTP/1.0" => Version::HTTP_10,
        // A higher minor version is served as the highest we know (RFC 9110 §2.5).
        [_, _, _, _, _, b'1', ..] => Version::HTTP_11,
        _ => return Err(Error::new(ErrorKind::UnsupportedVersion)),
    };
    Ok(())
}

/// Decides the form of the target and finds its parts (RFC 9112 §3.2).
pub(super) fn finish_target(head: &mut RequestHead, line: &[u8], span: Span) -> Result<(), Error> {
    head.target = span;
    let target = span.of(line);
    let start = span.start as usize;
    if head.method == Method::CONNECT {
        head.form = TargetForm::Authority;
        head.authority = Some(span);
        head.path = Span::new(start, start);
        return valid_target(host::is_valid(target, Port::Required));
    }
    if let [b'/', ..] = target {
        head.form = TargetForm::Origin;
        split_query(head, line, span);
        return Ok(());
    }
    if target == b"*" {
        head.form = TargetForm::Asterisk;
        head.path = span;
        return valid_target(head.method == Method::OPTIONS);
    }
    let Some(scheme_bytes) = scheme_bytes(target) else {
        return valid_target(false);
    };
    let authority_start = start + scheme_bytes;
    let rest = Span::new(authority_start, span.end as usize).of(line);
    let authority_bytes = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?'))
        .unwrap_or(rest.len());
    let authority = Span::new(authority_start, authority_start + authority_bytes);
    head.authority = Some(authority);
    split_query(
        head,
        line,
        Span {
            start: authority.end,
            end: span.end,
        },
    );
    head.form = if head.method == Method::OPTIONS && authority.end == span.end {
        TargetForm::Asterisk
    } else {
        TargetForm::Absolute
    };
    valid_target(host::is_valid(authority.of(line), Port::Optional))
}

/// The length of `http://` or `https://` at the start of `target` (RFC 3986 §3.1: in any case).
fn scheme_bytes(target: &[u8]) -> Option<usize> {
    [&b"http://"[..], b"https://"]
        .into_iter()
        .find(|scheme| {
            target
                .get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        })
        .map(<[u8]>::len)
}

#[inline]
fn split_query(head: &mut RequestHead, line: &[u8], span: Span) {
    match span.of(line).iter().position(|&byte| byte == b'?') {
        None => (head.path, head.query) = (span, None),
        Some(offset) => {
            let mark = span.start as usize + offset;
            head.path = Span::new(span.start as usize, mark);
            head.query = Some(Span::new(mark + 1, span.end as usize));
        }
    }
}

fn valid_target(valid: bool) -> Result<(), Error> {
    if valid {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::InvalidTarget))
    }
}
