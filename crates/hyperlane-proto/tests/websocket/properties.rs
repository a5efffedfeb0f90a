//! What holds for any bytes.

use hyperlane_proto::websocket::{Decoder, Error, Event, MessageLimits, Role, parse_extensions};
use proptest::prelude::*;

use super::{decode, deflated, frame, inflating};

fn any_frames() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => prop::sample::select(vec![0x01_u8, 0x02, 0x00, 0x80, 0x81, 0x82, 0x89, 0x8a, 0xc1, 0xc2, 0x41, 0x42]),
        1 => prop::sample::select(vec![0x88_u8]),
        1 => any::<u8>(),
    ];
    let payload = prop_oneof![
        "[a-zß€😀]{0,40}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..200),
        "[a-c]{0,300}".prop_map(|text| deflated(text.as_bytes(), 15)),
    ];
    prop::collection::vec((first, payload), 0..8).prop_map(|list| {
        list.iter()
            .flat_map(|(first, payload)| frame(*first, payload))
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_of_the_bytes_gives_the_same_events(stream in any_frames(), step in 1_usize..40) {
        // Which of two faults of one compressed message is told may differ; both have one code.
        let kinds = |outcome: (Vec<Event>, Option<(Error, usize)>)| (outcome.0, outcome.1.map(|(error, _)| error.close_code()));
        let whole = kinds(decode(inflating(), &stream, stream.len().max(1)));
        prop_assert_eq!(&whole, &kinds(decode(inflating(), &stream, step)));
        prop_assert_eq!(&whole, &kinds(decode(inflating(), &stream, 1)));
    }

    #[test]
    fn no_bytes_make_it_panic(stream in prop::collection::vec(any::<u8>(), 0..400), step in 1_usize..50) {
        let _ = decode(inflating(), &stream, step);
        let _ = decode(Decoder::new(Role::Client, MessageLimits::default()), &stream, step);
    }

    #[test]
    fn no_extension_header_makes_the_grammar_panic(value in "[a-z;=,\"\\\\ é]{0,40}") {
        let _ = parse_extensions(&value);
    }
}
