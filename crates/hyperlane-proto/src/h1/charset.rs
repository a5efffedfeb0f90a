//! Which bytes may stand where.
//!
//! One table for the whole of the grammar, so that the parsers are loops over it and no rule exists
//! twice.

pub(super) const CR: u8 = b'\r';
pub(super) const LF: u8 = b'\n';

/// A set of bytes, as a bit in [`TABLE`].
#[derive(Clone, Copy)]
pub(super) struct Class(u8);

/// `tchar` (RFC 9110 §5.6.2).
pub(super) const TOKEN: Class = Class(1);
/// Visible ASCII without `#`: a fragment never travels in a request target (RFC 9112 §3.2).
pub(super) const TARGET: Class = Class(1 << 1);
/// `reg-name`, with `%` for its escapes (RFC 3986 §3.2.2).
pub(super) const REG_NAME: Class = Class(1 << 2);
/// As [`TARGET`], without the `?` that ends a path.
pub(super) const PATH: Class = Class(1 << 4);
/// As [`REG_NAME`], without the `%` of escapes.
pub(super) const PLAIN_NAME: Class = Class(1 << 5);
/// `field-vchar` and inner whitespace, obs-text included (RFC 9110 §5.5).
pub(super) const VALUE: Class = Class(1 << 3);

static TABLE: [u8; 256] = build_table();

impl Class {
    #[inline]
    pub(super) fn contains(self, byte: u8) -> bool {
        TABLE[usize::from(byte)] & self.0 != 0
    }
}

/// The index of the first byte at or after `from` that is not in `class`, or the length of `bytes`.
#[inline]
pub(super) fn skip(bytes: &[u8], from: usize, class: Class) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    match rest.iter().position(|&byte| !class.contains(byte)) {
        Some(offset) => from + offset,
        None => bytes.len().max(from),
    }
}

/// Whether `text` is a non-empty token (RFC 9110 §5.6.2).
pub(super) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && skip(text, 0, TOKEN) == text.len()
}

/// The part of `bytes` within surrounding optional whitespace (RFC 9110 §5.6.3).
#[inline]
pub(super) fn trim_ows(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    while let [b' ' | b'\t', inner @ ..] = rest {
        rest = inner;
    }
    while let [inner @ .., b' ' | b'\t'] = rest {
        rest = inner;
    }
    rest
}

/// The elements of a comma-separated list without quoted strings, trimmed, empty ones included
/// (RFC 9110 §5.6.1).
pub(super) fn list_elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim_ows)
}

const fn build_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let byte = index as u8;
        let alphanumeric = byte.is_ascii_alphanumeric();
        if alphanumeric
            || matches!(
                byte,
                b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
            )
        {
            table[index] |= TOKEN.0;
        }
        if byte.is_ascii_graphic() && byte != b'#' {
            table[index] |= TARGET.0;
            if byte != b'?' {
                table[index] |= PATH.0;
            }
        }
        if alphanumeric
            || matches!(
                byte,
                b'-' | b'.'
                    | b'_'
                    | b'~'
                    | b'%'
                    | b'!'
                    | b'$'
                    | b'&'
                    | b'\''
                    | b'('
                    | b')'
                    | b'*'
                    | b'+'
                    | b','
                    | b';'
                    | b'='
            )
        {
            table[index] |= REG_NAME.0;
            if byte != b'%' {
                table[index] |= PLAIN_NAME.0;
            }
        }
        if byte == b'\t' || (byte >= 0x20 && byte != 0x7f) {
            table[index] |= VALUE.0;
        }
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_rfc9110_5_6_2() {
        let members: Vec<u8> = (0..=255).filter(|&byte| TOKEN.contains(byte)).collect();
        assert_eq!(members.len(), 10 + 26 + 26 + 15);
        assert!(
            b"()<>@,;:\\\"/[]?={} \t\r\n\0\x7f"
                .iter()
                .all(|byte| !members.contains(byte))
        );
    }
}
