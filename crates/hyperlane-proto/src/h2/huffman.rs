//! The Huffman code of header compression (RFC 7541 §5.2 and appendix B), as far as a checker needs it: whether a
//! string is validly coded, and how long it is decoded.

/// The length of each symbol's code, in bits. The code is canonical: codes of one length follow each other in the order
/// of their symbols, and the longer ones follow the shorter ones. So the lengths are all there is to know.
#[rustfmt::skip]
const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
    28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12,
    10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6,
    5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22,
    22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20,
    22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28,
    27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28,
    27, 27, 27, 27, 27, 26,
];

const LONGEST: usize = 30;

/// For each length: the first pattern, aligned to the left of 30 bits, that is longer. All bits set is the end of string
/// (EOS), which is no symbol.
const ENDS: [u32; LONGEST + 1] = {
    let mut ends = [0; LONGEST + 1];
    let mut code = 0_u32;
    let mut length = 1;
    while length <= LONGEST {
        code <<= 1;
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == length {
                code += 1;
            }
            symbol += 1;
        }
        ends[length] = code << (LONGEST - length);
        length += 1;
    }
    ends
};

/// The length of the code that begins with these eight bits, or 0 if it is longer than that.
const SHORT: [u8; 256] = {
    let mut short = [0; 256];
    let mut start = 0;
    while start < 256 {
        let mut length = 8;
        while length >= 5 {
            if ((start as u32) << (LONGEST - 8)) < ENDS[length] {
                short[start] = length as u8;
            }
            length -= 1;
        }
        start += 1;
    }
    short
};

/// How many bytes `coded` stands for; `None` if it is not validly coded: it holds EOS, or its padding is longer than
/// seven bits or not all ones (RFC 7541 §5.2).
pub(super) fn decoded_len(coded: &[u8]) -> Option<usize> {
    // The next bits are aligned to the left.
    let mut window = 0_u64;
    let mut bits = 0_u32;
    let mut rest = coded.iter();
    let mut len = 0;
    loop {
        while bits <= 56 {
            let Some(&byte) = rest.next() else { break };
            window |= u64::from(byte) << (56 - bits);
            bits += 8;
        }
        // No code is all ones, so what is may only be padding.
        if bits < 8 && window.leading_ones() >= bits {
            return Some(len);
        }
        let short = SHORT[usize::from((window >> 56) as u8)];
        let length = match short {
            0 => long_code((window >> 34) as u32)?,
            short => u32::from(short),
        };
        bits = bits.checked_sub(length)?;
        window <<= length;
        len += 1;
    }
}

/// The length of a code that is longer than eight bits.
fn long_code(pattern: u32) -> Option<u32> {
    (9..=LONGEST as u32).find(|&length| ENDS.get(length as usize).is_some_and(|&end| pattern < end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_examples_of_rfc7541_c_4_and_c_6() {
        let examples: [(&[u8], usize); 5] = [
            (
                b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff",
                "www.example.com".len(),
            ),
            (b"\xa8\xeb\x10\x64\x9c\xbf", "no-cache".len()),
            (b"\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f", "custom-key".len()),
            (b"\xae\xc3\x77\x1a\x4b", "private".len()),
            (b"\x64\x0e\xff", "307".len()),
        ];
        for (coded, len) in examples {
            assert_eq!(decoded_len(coded), Some(len), "{coded:x?}");
        }
        assert_eq!(decoded_len(b""), Some(0));
    }

    #[test]
    fn rejects_wrong_padding_and_eos_rfc7541_5_2() {
        for coded in [
            &b"\xa8\xeb\x10\x64\x9c\xbf\xff"[..],
            b"\x64\x0e\x00",
            b"\xff\xff\xff\xff",
            b"\xff\xff\xff\xfc",
            b"\xff",
        ] {
            assert_eq!(decoded_len(coded), None, "{coded:x?}");
        }
    }

    #[test]
    fn the_code_is_complete_but_for_eos() {
        assert_eq!(ENDS[LONGEST], (1 << LONGEST) - 1);
    }
}
