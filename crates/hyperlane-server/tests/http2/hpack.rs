//! Field blocks as tests want them: written by hand, without Huffman code and without the table's help; and of what comes
//! back the status alone.

/// What a usual request begins with: GET, http, `/`, and `a` as its authority, all without a change to the table.
pub(crate) const GET: &[u8] = b"\x82\x86\x84\x01\x01a";
/// The same as POST to `/echo`.
pub(crate) const POST_ECHO: &[u8] = b"\x83\x86\x04\x05/echo\x01\x01a";

/// A literal field that is not indexed, with its name written out.
pub(crate) fn field(name: &str, value: &str) -> Vec<u8> {
    let mut block = vec![0];
    string(&mut block, name.as_bytes());
    string(&mut block, value.as_bytes());
    block
}

/// The same, put into the table.
pub(crate) fn indexed_field(name: &str, value: &str) -> Vec<u8> {
    let mut block = field(name, value);
    block[0] = 0x40;
    block
}

/// A request with this method and path, by literal fields.
pub(crate) fn request(method: &str, path: &str) -> Vec<u8> {
    [
        field(":method", method),
        field(":scheme", "http"),
        field(":path", path),
        field(":authority", "a"),
    ]
    .concat()
}

fn string(block: &mut Vec<u8>, bytes: &[u8]) {
    integer(block, 7, bytes.len());
    block.extend_from_slice(bytes);
}

/// An integer behind a prefix of so many bits that are all zero (RFC 7541 §5.1).
pub(crate) fn integer(block: &mut Vec<u8>, prefix: u32, value: usize) {
    let mask = (1 << prefix) - 1;
    if value < mask {
        block.push(value as u8);
        return;
    }
    block.push(mask as u8);
    let mut rest = value - mask;
    while rest >= 0x80 {
        block.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    block.push(rest as u8);
}

/// The status at the front of a response's field block.
pub(crate) fn status(block: &[u8]) -> u16 {
    let block = match block {
        // A change of the table's size, which may stand before.
        [0x20..=0x3e, rest @ ..] => rest,
        [0x3f, rest @ ..] => {
            let end = rest.iter().position(|byte| byte & 0x80 == 0).expect("an integer ends");
            &rest[end + 1..]
        }
        block => block,
    };
    match block {
        [indexed @ 0x88..=0x8e, ..] => [200, 204, 206, 304, 400, 404, 500][usize::from(indexed - 0x88)],
        [0x08 | 0x48, length, value @ ..] => {
            let value = &value[..usize::from(length & 0x7f)];
            match length & 0x80 {
                0 => std::str::from_utf8(value).expect("digits").parse().expect("a number"),
                _ => coded_digits(value),
            }
        }
        // A status that was put into the table before: our tests look at the first of a connection.
        other => panic!("a field block that begins with a status: {other:x?}"),
    }
}

/// Three digits in Huffman code (RFC 7541 appendix B): 0 to 2 have five bits, the others six.
fn coded_digits(bytes: &[u8]) -> u16 {
    let bits = bytes.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte)) << (64 - 8 * bytes.len());
    let (mut bits, mut number) = (bits, 0);
    for _ in 0..3 {
        let (digit, length) = match bits >> 59 {
            short @ 0..=2 => (short as u16, 5),
            _ => ((bits >> 58) as u16 - 0b011_001 + 3, 6),
        };
        number = number * 10 + digit;
        bits <<= length;
    }
    number
}
