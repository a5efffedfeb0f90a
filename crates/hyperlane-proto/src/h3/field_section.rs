//! Whether the pseudo-header fields of a field section (RFC 9204 §4.5) are those of a request (RFC 9114 §4.3), as far as
//! that can be told without the code of its strings: names are compared as they are coded.

/// Of which message the section is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Trailers,
}

const METHOD: u8 = 1;
const SCHEME: u8 = 2;
const AUTHORITY: u8 = 4;
const PATH: u8 = 8;
const PROTOCOL: u8 = 16;

/// Names of pseudo-header fields as they are written, and in the Huffman code (RFC 7541 appendix B), in which each text
/// has one form. `:status` has no place in a request.
const NAMES: [(&[u8], &[u8], u8); 6] = [
    (b":method", &[0xb9, 0x49, 0x53, 0x39, 0xe4], METHOD),
    (b":scheme", &[0xb8, 0x82, 0x4e, 0x5a, 0x4b], SCHEME),
    (
        b":authority",
        &[0xb8, 0x3b, 0x53, 0x39, 0xec, 0x32, 0x7d, 0x7f],
        AUTHORITY,
    ),
    (b":path", &[0xb9, 0x58, 0xd3, 0x3f], PATH),
    (b":protocol", &[0xb9, 0x5d, 0x87, 0x49, 0xc8, 0x7a, 0x3f], PROTOCOL),
    (b":status", &[0xb8, 0x84, 0x8d, 0x36, 0xa3], 0),
];
/// The seven bits of `:` in that code, and a bit of whatever follows.
const CODED_COLON: u8 = 0b1011_1000;

const CONNECT: &[u8] = b"CONNECT";
const CODED_CONNECT: &[u8] = &[0xbd, 0xab, 0x4e, 0x9c, 0x17, 0xb7, 0xff];

/// Finds what is wrong. A section that can't be decoded is left to who decodes it.
pub(super) fn check(section: &[u8], kind: Kind) -> Result<(), &'static str> {
    let mut reader = Reader(section);
    let mut seen = Seen::default();
    // The prefix: how much of the dynamic table it needs.
    if reader.number(8).and_then(|_| reader.number(7)).is_none() {
        return Ok(());
    }
    while let Some(field) = reader.field() {
        match field {
            Field::Regular => seen.regular = true,
            Field::Pseudo { .. } if kind == Kind::Trailers => return Err("a pseudo-header field is among trailers"),
            Field::Pseudo { name, value } => seen.add(name, &value)?,
            Field::Undecodable => return Ok(()),
        }
    }
    match kind {
        Kind::Request => seen.is_complete(),
        Kind::Trailers => Ok(()),
    }
}

#[derive(Default)]
struct Seen {
    pseudo: u8,
    regular: bool,
    connect: bool,
}

impl Seen {
    fn add(&mut self, name: u8, value: &Value<'_>) -> Result<(), &'static str> {
        if name == 0 {
            return Err("a pseudo-header field is none of a request");
        }
        if self.regular {
            return Err("a pseudo-header field stands behind other fields");
        }
        if self.pseudo & name != 0 {
            return Err("a pseudo-header field is there twice");
        }
        if value.is_empty() && name != AUTHORITY {
            return Err("a pseudo-header field is empty");
        }
        self.pseudo |= name;
        self.connect |= name == METHOD && value.is_connect();
        Ok(())
    }

    /// RFC 9114 §4.3.1, §4.4, and RFC 9220 §3.
    fn is_complete(&self) -> Result<(), &'static str> {
        let has = |name: u8| self.pseudo & name != 0;
        let target = has(SCHEME) && has(PATH);
        if !has(METHOD) {
            return Err("`:method` is missing");
        }
        match (self.connect, has(PROTOCOL)) {
            (true, false) if has(SCHEME) || has(PATH) => Err("a CONNECT has a scheme or a path"),
            (true, false) if !has(AUTHORITY) => Err("a CONNECT has no authority"),
            (true, false) => Ok(()),
            (false, true) => Err("`:protocol` is there without CONNECT"),
            _ if !target => Err("`:scheme` or `:path` is missing"),
            _ => Ok(()),
        }
    }
}

enum Field<'a> {
    Regular,
    /// `name` is 0 where it is unknown, or not for requests.
    Pseudo {
        name: u8,
        value: Value<'a>,
    },
    Undecodable,
}

enum Value<'a> {
    /// Of the static table; whether it is the method CONNECT.
    Known {
        connect: bool,
        empty: bool,
    },
    Literal {
        coded: bool,
        bytes: &'a [u8],
    },
}

impl Value<'_> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Known { empty, .. } => *empty,
            Self::Literal { bytes, .. } => bytes.is_empty(),
        }
    }

    fn is_connect(&self) -> bool {
        match self {
            Self::Known { connect, .. } => *connect,
            Self::Literal { coded, bytes } => *bytes == if *coded { CODED_CONNECT } else { CONNECT },
        }
    }
}

/// Of the static table (RFC 9204 appendix A).
const LAST_ENTRY: u64 = 98;

/// The name of an entry of the static table, if it is a pseudo-header field.
fn static_name(index: u64) -> Option<u8> {
    match index {
        0 => Some(AUTHORITY),
        1 => Some(PATH),
        15..=21 => Some(METHOD),
        22 | 23 => Some(SCHEME),
        24..=28 | 63..=71 => Some(0),
        _ => None,
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next field line; `None` at the end.
    fn field(&mut self) -> Option<Field<'a>> {
        let first = *self.0.first()?;
        Some(self.line(first).unwrap_or(Field::Undecodable))
    }

    fn line(&mut self, first: u8) -> Option<Field<'a>> {
        let static_table = |bit: u8| first & bit != 0;
        Some(match first {
            // Indexed, §4.5.2.
            0b1000_0000.. => {
                let index = self.number(6)?;
                match static_name(index) {
                    _ if !static_table(0b0100_0000) || index > LAST_ENTRY => Field::Undecodable,
                    Some(name) => Field::Pseudo {
                        name,
                        value: Value::Known {
                            connect: index == 15,
                            empty: index == 0,
                        },
                    },
                    None => Field::Regular,
                }
            }
            // A literal with the name of an entry, §4.5.4.
            0b0100_0000.. => {
                let index = self.number(4)?;
                let value = self.string(7)?;
                match static_name(index) {
                    _ if !static_table(0b0001_0000) || index > LAST_ENTRY => Field::Undecodable,
                    Some(name) => Field::Pseudo { name, value },
                    None => Field::Regular,
                }
            }
            // A literal with its name, §4.5.6.
            0b0010_0000.. => {
                let name = self.string(3)?;
                let value = self.string(7)?;
                let Value::Literal { coded, bytes } = name else {
                    return None;
                };
                let is_pseudo = match (coded, bytes.first()) {
                    (false, first) => first == Some(&b':'),
                    (true, first) => first.is_some_and(|first| first & 0xfe == CODED_COLON),
                };
                if !is_pseudo {
                    return Some(Field::Regular);
                }
                let known = NAMES
                    .iter()
                    .find(|(plain, huffman, _)| bytes == if coded { *huffman } else { *plain });
                Field::Pseudo {
                    name: known.map_or(0, |(.., name)| *name),
                    value,
                }
            }
            // With the dynamic table, which we allow none.
            _ => Field::Undecodable,
        })
    }

    /// A string behind a prefix of `bits`, before which stands the bit of the Huffman code (§4.1.2).
    fn string(&mut self, bits: u32) -> Option<Value<'a>> {
        let coded = self.0.first()? >> bits & 1 == 1;
        let length = usize::try_from(self.number(bits)?).ok()?;
        let bytes = self.0.get(..length)?;
        self.0 = &self.0[length..];
        Some(Value::Literal { coded, bytes })
    }

    /// A number whose first byte has `bits` for it (RFC 7541 §5.1).
    fn number(&mut self, bits: u32) -> Option<u64> {
        let (&first, mut rest) = self.0.split_first()?;
        let most = (1_u64 << bits) - 1;
        let mut value = u64::from(first) & most;
        if value == most {
            let mut shift = 0;
            loop {
                let (&byte, behind) = rest.split_first()?;
                rest = behind;
                value = value.checked_add(u64::from(byte & 0x7f).checked_shl(shift)?)?;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
                // What is larger than this is larger than any section.
                if shift > 35 {
                    return None;
                }
            }
        }
        self.0 = rest;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &[u8] = &[0xd1];
    const HTTPS: &[u8] = &[0xd7];
    const ROOT: &[u8] = &[0xc1];
    const AUTHORITY_A: &[u8] = &[0x50, 1, b'a'];
    const FIELD: &[u8] = &[0x21, b'x', 1, b'y'];

    fn request(lines: &[&[u8]]) -> Result<(), &'static str> {
        check(&[&[0, 0], &lines.concat()[..]].concat(), Kind::Request)
    }

    #[test]
    fn the_pseudo_header_fields_of_a_request_come_once_and_first() {
        assert_eq!(request(&[GET, HTTPS, ROOT, AUTHORITY_A, FIELD]), Ok(()));
        assert!(request(&[GET, HTTPS, ROOT, FIELD, AUTHORITY_A]).is_err());
        for doubled in [GET, HTTPS, ROOT, AUTHORITY_A] {
            assert!(
                request(&[GET, HTTPS, ROOT, AUTHORITY_A, doubled]).is_err(),
                "{doubled:?}"
            );
        }
        for (missing, _) in [GET, HTTPS, ROOT].iter().enumerate() {
            let mut lines = vec![GET, HTTPS, ROOT, AUTHORITY_A];
            lines.remove(missing);
            assert!(request(&lines).is_err(), "without {missing}");
        }
    }

    #[test]
    fn names_are_known_however_they_are_written() {
        let plain = |name: &[u8]| {
            let length = u8::try_from(name.len() - 7).expect("short");
            [&[0x27, length], name, &[1, b'/']].concat()
        };
        assert!(request(&[GET, HTTPS, ROOT, AUTHORITY_A, &plain(b":method")]).is_err());
        assert!(request(&[GET, HTTPS, ROOT, AUTHORITY_A, &plain(b":status")]).is_err());
        assert!(request(&[GET, HTTPS, ROOT, AUTHORITY_A, &plain(b":unknown")]).is_err());
        let path = [&[0x2c][..], NAMES[3].1, &[1, b'/']].concat();
        assert_eq!(request(&[GET, HTTPS, &path, AUTHORITY_A]), Ok(()));
        assert!(request(&[GET, HTTPS, ROOT, &path, AUTHORITY_A]).is_err());
        let unknown = [0x2a, 0xb9, 0xff, 1, b'/'];
        assert!(request(&[GET, HTTPS, ROOT, &unknown]).is_err());
    }

    #[test]
    fn a_status_or_an_empty_path_is_no_request() {
        assert!(request(&[GET, HTTPS, ROOT, &[0xd9]]).is_err());
        assert!(request(&[GET, HTTPS, &[0x51, 0], AUTHORITY_A]).is_err());
    }

    #[test]
    fn connect_has_an_authority_alone_rfc9114_4_4() {
        const CONNECT: &[u8] = &[0xcf];
        assert_eq!(request(&[CONNECT, AUTHORITY_A]), Ok(()));
        assert!(request(&[CONNECT, AUTHORITY_A, ROOT, HTTPS]).is_err());
        assert!(request(&[CONNECT]).is_err());
        let literal = [&[0x5f, 0x00, 0x87][..], CODED_CONNECT].concat();
        assert_eq!(request(&[&literal, AUTHORITY_A]), Ok(()));
    }

    #[test]
    fn what_can_t_be_decoded_is_left_to_the_decoder() {
        for section in [
            &[][..],
            &[0],
            &[0, 0, 0x80],
            &[0, 0, 0x10],
            &[0, 0, 0x51, 0x7f],
            &[0, 0, 0xff, 0x60],
            &[0xff; 40],
        ] {
            assert!(check(section, Kind::Request).is_ok(), "{section:?}");
        }
    }
}
