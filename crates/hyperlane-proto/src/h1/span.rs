//! Positions in the receive buffer: what a parsed head is made of, so that nothing of it is copied.

/// A range of bytes in the buffer that was handed to [`HeadParser::parse`](super::HeadParser::parse).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Index of the first byte.
    pub start: u32,
    /// Index after the last byte.
    pub end: u32,
}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Self {
        // The parser never looks past `u32::MAX` bytes, see `HeadParser::parse`.
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    /// Where `part` lies in `buf`, of which it is a slice.
    #[inline]
    pub(super) fn of_part(buf: &[u8], part: &[u8]) -> Self {
        let start = part.as_ptr().addr().wrapping_sub(buf.as_ptr().addr());
        Self::new(start, start.wrapping_add(part.len()))
    }

    /// The bytes of `buf` that this span covers; empty if `buf` does not reach that far.
    #[must_use]
    #[inline]
    pub fn of(self, buf: &[u8]) -> &[u8] {
        buf.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The number of bytes.
    #[must_use]
    pub const fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// Whether the span covers nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

/// One field line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderSpan {
    /// The name, a token in the peer's own upper and lower case.
    pub name: Span,
    /// The value without surrounding whitespace. It has no control byte but tab, and may have bytes
    /// from 0x80 up.
    pub value: Span,
}

impl HeaderSpan {
    /// Where `field`, which was parsed out of `buf`, lies in it.
    #[inline]
    pub(super) fn of_field(buf: &[u8], field: &httparse::Header<'_>) -> Self {
        Self {
            name: Span::of_part(buf, field.name.as_bytes()),
            value: Span::of_part(buf, field.value),
        }
    }
}
