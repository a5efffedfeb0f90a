//! Hashes of paths, for the table of the patterns that are all text.
//!
//! The keys are the patterns of the program, so that a client can't choose them to collide: speed is all that counts.

use std::hash::Hasher;

/// An odd number without a pattern in its bits: the golden ratio's fraction.
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

/// Eight bytes at a time, mixed by a multiplication.
#[derive(Clone, Debug, Default)]
pub(crate) struct PathHasher(u64);

impl PathHasher {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(MIX);
    }
}

impl Hasher for PathHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let last = rest
            .iter()
            .fold(rest.len() as u64, |last, byte| last << 8 | u64::from(*byte));
        self.mix(last);
    }

    fn write_u8(&mut self, byte: u8) {
        self.mix(u64::from(byte));
    }

    fn finish(&self) -> u64 {
        // The table looks at the highest bits and at the lowest.
        self.0 ^ self.0 >> 32
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::hash::{BuildHasher, BuildHasherDefault};

    use super::*;

    #[test]
    fn paths_that_look_alike_have_different_hashes() {
        let hash = BuildHasherDefault::<PathHasher>::default();
        let paths = (0..10_000).flat_map(|n| [format!("/a/{n}"), format!("/{n}/a"), format!("/users/of/{n}/x")]);
        let paths: Vec<_> = paths
            .chain(["/".into(), String::new(), "/a".into(), "/a/".into()])
            .collect();
        let whole: HashSet<_> = paths.iter().map(|path| hash.hash_one(path.as_str())).collect();
        assert_eq!(whole.len(), paths.len());
        let low: HashSet<_> = paths.iter().map(|path| hash.hash_one(path.as_str()) & 0xffff).collect();
        assert!(low.len() > 20_000, "{} of 65,536 places", low.len());
    }
}
