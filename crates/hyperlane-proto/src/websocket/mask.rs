//! Masking (RFC 6455 §5.3).

/// Bytes handled at once: whole vector registers, which the compiler makes of the loop.
const WIDE: usize = 32;

/// Masks or unmasks `data`, of which the first byte is number `at` of the frame's payload.
///
/// ```
/// use hyperlane_proto::websocket::apply_mask;
///
/// let mut data = *b"hello";
/// apply_mask(&mut data, [1, 2, 3, 4], 0);
/// assert_ne!(&data, b"hello");
/// apply_mask(&mut data[..2], [1, 2, 3, 4], 0);
/// apply_mask(&mut data[2..], [1, 2, 3, 4], 2);
/// assert_eq!(&data, b"hello");
/// ```
pub fn apply_mask(data: &mut [u8], mut mask: [u8; 4], at: u64) {
    mask.rotate_left((at % 4) as usize);
    let (wide, rest) = data.as_chunks_mut::<WIDE>();
    let mut pattern = [0; WIDE];
    for (byte, key) in pattern.iter_mut().zip(mask.iter().cycle()) {
        *byte = *key;
    }
    for chunk in wide {
        for (byte, key) in chunk.iter_mut().zip(&pattern) {
            *byte ^= key;
        }
    }
    for (byte, key) in rest.iter_mut().zip(&pattern) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_masked_with_its_place_of_the_key() {
        let mask = [0x12, 0x34, 0x56, 0x78];
        for length in 0..=100 {
            for at in 0..=4u64 {
                let mut data: Vec<u8> = (0..length).collect();
                apply_mask(&mut data, mask, at);
                for (place, byte) in data.iter().enumerate() {
                    assert_eq!(*byte, place as u8 ^ mask[(place + at as usize) % 4]);
                }
            }
        }
    }
}
