//! Whether the peer's field blocks can be decoded (RFC 7541), without decoding them: only the sizes of the dynamic
//! table's entries are kept.

use std::collections::VecDeque;

use super::huffman;

/// `SETTINGS_HEADER_TABLE_SIZE` as it is before anybody has said otherwise (RFC 9113 §6.5.2).
const TABLE_BYTES: usize = 4096;
/// What an entry counts beyond its bytes (RFC 7541 §4.1).
const ENTRY_BYTES: usize = 32;
/// More than any limit of a head; it keeps sums from overflowing.
const STRING_BYTES: usize = 1 << 24;

/// How long the names of the static table are (RFC 7541 appendix A).
#[rustfmt::skip]
const STATIC_NAMES: [u8; 61] = [
    10, 7, 7, 5, 5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 14, 15, 15, 13, 6, 27, 3, 5, 13, 13, 19, 16, 16, 14, 16, 13, 12, 6, 4, 4,
    6, 7, 4, 4, 8, 17, 13, 8, 19, 13, 4, 8, 12, 18, 19, 5, 7, 7, 11, 6, 10, 25, 17, 10, 4, 3, 16,
];

/// So many of them, the first ones, are pseudo-header fields.
const STATIC_PSEUDO: usize = 14;

/// The state of the peer's compression, which all its blocks share.
#[derive(Debug)]
pub(super) struct FieldBlocks {
    /// The youngest is first.
    entries: VecDeque<Entry>,
    /// Of all entries.
    bytes: usize,
    /// What the peer has chosen, at most [`TABLE_BYTES`].
    capacity: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    name: Name,
    bytes: usize,
}

#[derive(Clone, Copy, Debug)]
struct Name {
    bytes: usize,
    /// Whether it begins with a colon (RFC 9113 §8.3).
    pseudo: bool,
}

impl FieldBlocks {
    pub(super) fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            capacity: TABLE_BYTES,
        }
    }

    /// Checks one whole block, and takes over what it does to the table. Returns whether it has pseudo-header fields.
    ///
    /// # Errors
    ///
    /// What about it can't be decoded. The state is of no use any more.
    pub(super) fn check(&mut self, block: &[u8]) -> Result<bool, &'static str> {
        let mut rest = Cursor(block);
        let mut fields_began = false;
        let mut pseudo = false;
        while let Some(&first) = rest.0.first() {
            match first {
                0x80.. => {
                    let index = rest.integer(7)?;
                    pseudo |= self.name(index)?.pseudo;
                }
                0x40..=0x7f => {
                    let (name, value_bytes) = self.literal(&mut rest, 6)?;
                    pseudo |= name.pseudo;
                    self.insert(name, value_bytes);
                }
                0x20..=0x3f => {
                    let capacity = rest.integer(5)?;
                    if fields_began {
                        return Err("size of the header table changes behind the first field");
                    }
                    if capacity > TABLE_BYTES {
                        return Err("size of the header table exceeds its limit");
                    }
                    self.capacity = capacity;
                    self.evict(0);
                    continue;
                }
                _ => {
                    let (name, _) = self.literal(&mut rest, 4)?;
                    pseudo |= name.pseudo;
                }
            }
            fields_began = true;
        }
        Ok(pseudo)
    }

    /// Reads a field that is not in the table as a whole (RFC 7541 §6.2). Returns its name, and the length of its value.
    fn literal(&self, rest: &mut Cursor<'_>, prefix: u32) -> Result<(Name, usize), &'static str> {
        let name = match rest.integer(prefix)? {
            0 => rest.name()?,
            index => self.name(index)?,
        };
        Ok((name, rest.string()?))
    }

    fn name(&self, index: usize) -> Result<Name, &'static str> {
        let index = index.checked_sub(1).ok_or("index 0 of the header table is used")?;
        let known = match STATIC_NAMES.get(index) {
            Some(&bytes) => Some(Name {
                bytes: usize::from(bytes),
                pseudo: index < STATIC_PSEUDO,
            }),
            None => self.entries.get(index - STATIC_NAMES.len()).map(|entry| entry.name),
        };
        known.ok_or("index exceeds the header table")
    }

    fn insert(&mut self, name: Name, value_bytes: usize) {
        let bytes = name.bytes + value_bytes + ENTRY_BYTES;
        self.evict(bytes);
        // What is larger than the table empties it (RFC 7541 §4.4).
        if bytes <= self.capacity {
            self.entries.push_front(Entry { name, bytes });
            self.bytes += bytes;
        }
    }

    /// Makes room for `wanted` bytes.
    fn evict(&mut self, wanted: usize) {
        while self.bytes + wanted > self.capacity
            && let Some(oldest) = self.entries.pop_back()
        {
            self.bytes -= oldest.bytes;
        }
    }
}

/// What is still to be read of a block.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    /// An integer behind a prefix of so many bits (RFC 7541 §5.1).
    fn integer(&mut self, prefix: u32) -> Result<usize, &'static str> {
        let mask = (1_usize << prefix) - 1;
        let value = usize::from(self.byte()?) & mask;
        if value < mask {
            return Ok(value);
        }
        let mut value = value;
        for shift in [0, 7, 14, 21] {
            let byte = usize::from(self.byte()?);
            value += (byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err("integer in a field block is too large")
    }

    fn name(&mut self) -> Result<Name, &'static str> {
        let before = self.0;
        let bytes = self.string()?;
        let written = before.len() - self.0.len();
        // Its length has one byte if it is short, as a pseudo-header field's is. A colon is coded in seven bits.
        let pseudo = match before.get(..written) {
            Some([0x80..=0xff, first, ..]) => first >> 1 == 0x5c,
            Some([_, first, ..]) => *first == b':',
            _ => false,
        };
        Ok(Name { bytes, pseudo })
    }

    /// A string; returns its length decoded (RFC 7541 §5.2).
    fn string(&mut self) -> Result<usize, &'static str> {
        let coded = self.0.first().is_some_and(|first| first & 0x80 != 0);
        let len = self.integer(7)?;
        if len > STRING_BYTES {
            return Err("string in a field block is too long");
        }
        let Some((string, rest)) = self.0.split_at_checked(len) else {
            return Err("field block ends in the middle of a field");
        };
        self.0 = rest;
        match coded {
            true => huffman::decoded_len(string).ok_or("string in a field block is not validly coded"),
            false => Ok(len),
        }
    }

    fn byte(&mut self) -> Result<u8, &'static str> {
        let (&first, rest) = self
            .0
            .split_first()
            .ok_or("field block ends in the middle of a field")?;
        self.0 = rest;
        Ok(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_table_through_the_examples_of_rfc7541_c_5() {
        // A table of 256 bytes, in which the third response evicts what the first one has put there.
        let mut blocks = FieldBlocks::new();
        assert_eq!(blocks.check(b"\x3f\xe1\x01"), Ok(false));
        let first = b"\x48\x03302\x58\x07private\x61\x1dMon, 21 Oct 2013 20:13:21 GMT\x6e\x17https://www.example.com";
        assert_eq!(blocks.check(first), Ok(true));
        assert_eq!((blocks.entries.len(), blocks.bytes), (4, 222));
        assert_eq!(blocks.check(b"\x48\x03307\xc1\xc0\xbf"), Ok(true));
        assert_eq!((blocks.entries.len(), blocks.bytes), (4, 222));
        let third =
            b"\x88\xc1\x61\x1dMon, 21 Oct 2013 20:13:22 GMT\xc0\x5a\x04gzip\x77\x38foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; \
max-age=3600; version=1";
        assert_eq!(blocks.check(third), Ok(true));
        assert_eq!((blocks.entries.len(), blocks.bytes), (3, 215));
        assert!(blocks.check(b"\xc1").is_err(), "a fourth entry is not there any more");
    }

    #[test]
    fn rejects_what_cant_be_decoded() {
        for (block, why) in [
            (&b"\x80"[..], "index 0 (§6.1)"),
            (b"\xc0", "an index past an empty table (§2.3.3)"),
            (b"\x7e\x00", "a name's index past an empty table (§2.3.3)"),
            (b"\x82\x20", "a size that changes behind a field (§4.2)"),
            (b"\x3f\xe2\x1f", "a size past the limit (§6.3)"),
            (b"\xff\xff\xff\xff\xff\x0f", "an integer that overflows (§5.1)"),
            (b"\x00\x01a", "a value that is missing"),
            (b"\x00\x05ab", "a string that is cut"),
            (b"\x00\x81\xff\x00", "padding of eight bits (§5.2)"),
        ] {
            assert!(FieldBlocks::new().check(block).is_err(), "{why}");
        }
    }

    #[test]
    fn knows_pseudo_header_fields_however_they_are_written_rfc9113_8_3() {
        let mut blocks = FieldBlocks::new();
        assert_eq!(blocks.check(b"\x40\x05:path\x01/"), Ok(true));
        assert_eq!(blocks.check(b"\xbe"), Ok(true), "out of the dynamic table");
        assert_eq!(blocks.check(b"\x04\x01/"), Ok(true), "by the name's index");
        // `:x` and `a:` in Huffman code.
        assert_eq!(blocks.check(b"\x00\x82\xb9\xe7\x00"), Ok(true));
        assert_eq!(blocks.check(b"\x00\x82\x1d\xcf\x00"), Ok(false));
        assert_eq!(blocks.check(b"\x00\x02a:\x00\x90"), Ok(false));
    }

    #[test]
    fn takes_sizes_before_the_first_field_rfc7541_4_2() {
        assert_eq!(FieldBlocks::new().check(b"\x20\x3f\xe1\x1f\x82"), Ok(true));
    }
}
