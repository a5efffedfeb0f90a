//! Whatever a client sends over HTTP/2, in whatever pieces: the inspector says the same, and stops before the fault.

use std::time::Duration;

use hyperlane_proto::h2::{Inspector, Limits, PREFACE, Violation};
use proptest::collection::vec;
use proptest::prelude::*;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend_from_slice(&[kind, flags]);
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// The fault in `bytes`, received in pieces of this size, and how many bytes were passed on.
fn inspect(bytes: &[u8], piece: usize) -> (Option<Violation>, usize) {
    let mut inspector = Inspector::new(Limits::default());
    let mut passed = 0;
    for piece in bytes.chunks(piece) {
        match inspector.received(piece, Duration::ZERO) {
            Ok(()) => passed += piece.len(),
            Err(stop) => {
                assert!(
                    stop.passable < piece.len(),
                    "the last byte that was looked at is held back"
                );
                return (Some(stop.violation), passed + stop.passable);
            }
        }
    }
    (None, passed)
}

fn frames() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let block = prop_oneof![
        Just(b"\x82\x86\x84\x01\x01a".to_vec()),
        Just(b"\x40\x01x\x01y\xbe".to_vec()),
        vec(any::<u8>(), 0..40),
    ];
    let payload = prop_oneof![
        block,
        Just(vec![0; 4]),
        Just(vec![0; 5]),
        Just(vec![0; 6]),
        Just(vec![0; 8])
    ];
    // Mostly kinds, flags and streams that there are.
    let flags = prop_oneof![Just(0), Just(1), Just(4), Just(5), any::<u8>()];
    let any_frame = (0_u8..12, flags, 0_u32..12, payload);
    vec(
        any_frame.prop_map(|(kind, flags, stream, payload)| frame(kind, flags, stream, &payload)),
        0..12,
    )
}

proptest! {
    #[test]
    fn the_outcome_does_not_depend_on_the_pieces(frames in frames(), piece in 1_usize..64) {
        let bytes = [&PREFACE[..], &frame(4, 0, 0, b""), &frames.concat()].concat();
        let (at_once, passed) = inspect(&bytes, usize::MAX);
        let (in_pieces, _) = inspect(&bytes, piece);
        prop_assert_eq!(at_once, in_pieces);
        if at_once.is_some() {
            // All frames before the one with the fault were passed on, and that one not to its end.
            let mut end = PREFACE.len() + 9;
            let mut faulty = false;
            for frame in &frames {
                let begin = end;
                end += frame.len();
                faulty |= passed >= begin && passed < end;
            }
            prop_assert!(faulty || passed < PREFACE.len() + 9);
        }
    }

    #[test]
    fn arbitrary_bytes_are_no_danger(bytes in vec(any::<u8>(), 0..400), sent in vec(any::<u8>(), 0..400)) {
        inspect(&[&PREFACE[..], &bytes].concat(), 7);
        let mut inspector = Inspector::new(Limits::default());
        let _ = inspector.sent(&sent, Duration::ZERO);
    }
}
