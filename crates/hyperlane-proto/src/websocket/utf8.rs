//! Text that arrives in pieces (RFC 6455 §8.1).

/// How far a text was found to be UTF-8, so that a fault is known when its byte arrives and no byte is looked at
/// twice.
#[derive(Debug, Default)]
pub(super) struct Utf8Progress {
    checked: usize,
}

impl Utf8Progress {
    /// Whether nothing was looked at yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.checked == 0
    }

    /// Looks at what has come. False once `text` can't be the beginning of any UTF-8.
    pub(super) fn check(&mut self, text: &[u8]) -> bool {
        let fresh = text.get(self.checked..).unwrap_or_default();
        match std::str::from_utf8(fresh) {
            Ok(_) => self.checked = text.len(),
            Err(fault) if fault.error_len().is_none() => self.checked += fault.valid_up_to(),
            Err(_) => return false,
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_found_at_its_own_byte() {
        // Each with the number of bytes that are still the beginning of some text.
        let cases: [(&[u8], usize); 7] = [
            (b"ab\xff", 2),
            (b"\xed\xa0\x80", 1),
            (b"\xf4\x90\x80\x80", 1),
            (b"\xc0\xaf", 0),
            (b"\xe0\x80\x80", 1),
            (b"\xce\xba\xe1\xbd\xb9\xcf\xf0", 6),
            (b"\xf8\x88", 0),
        ];
        for (bytes, good) in cases {
            let mut progress = Utf8Progress::default();
            let first_bad = (1..=bytes.len()).find(|end| !progress.check(&bytes[..*end]));
            assert_eq!(first_bad, Some(good + 1), "{bytes:x?}");
        }
    }

    #[test]
    fn characters_may_be_cut_anywhere() {
        let text = "aß€😀".as_bytes();
        let mut progress = Utf8Progress::default();
        assert!((0..=text.len()).all(|end| progress.check(&text[..end])));
    }
}
