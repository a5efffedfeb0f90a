//! Compression (RFC 7692).

use hyperlane_proto::websocket::{
    CloseCode, Decoder, DeflateSettings, Deflater, ErrorKind, Event, Inflater, MessageLimits, Role, parse_extensions,
};

use super::{decode, deflated, fault, frame, frames, inflating, server, text};

#[test]
fn rfc_7692_section_7_2_3_the_examples_are_read() {
    let hello = |first, payload: &[u8]| decode(inflating(), &frame(first, payload), 1);
    // 7.2.3.1: one frame, and the same in two.
    let compressed = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
    assert_eq!(hello(0xc1, compressed), (vec![text("Hello")], None));
    let two = frames(&[(0x41, &compressed[..3]), (0x80, &compressed[3..])]);
    assert_eq!(decode(inflating(), &two, 1).0, [text("Hello")]);
    // 7.2.3.2: the second refers to the first.
    let shared = frames(&[(0xc1, compressed), (0xc1, b"\xf2\x00\x11\x00\x00")]);
    assert_eq!(decode(inflating(), &shared, 1).0, [text("Hello"), text("Hello")]);
    // 7.2.3.3: a block without compression.
    assert_eq!(
        hello(0xc1, b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00").0,
        [text("Hello")]
    );
    // 7.2.3.4: a final block.
    assert_eq!(hello(0xc1, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00").0, [text("Hello")]);
    // And what follows one refers to what was before, however it is cut.
    for step in [1, 2, 100] {
        let stream = frame(0x42, b"\xdb\xdb\x00\x00\xdb\xdb\x0a\x42\x56\xf3\xe3");
        assert_eq!(decode(inflating(), &stream, step), (vec![], None));
    }
    // 7.2.3.5: two blocks.
    assert_eq!(
        hello(0xc1, b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00").0,
        [text("Hello")]
    );
    // 7.2.3.6: an empty message.
    assert_eq!(hello(0xc1, b"\x00").0, [text("")]);
    // A message may go uncompressed.
    assert_eq!(hello(0x81, b"Hello").0, [text("Hello")]);
}

#[test]
fn rfc_7692_section_6_1_only_the_first_frame_of_a_message_says_that_it_is_compressed() {
    for list in [
        &[(0xc9_u8, &b"x"[..])][..],
        &[(0xc8, b"")],
        &[(0x41, b"\xf2"), (0xc0, b"\x48")],
    ] {
        assert_eq!(fault(inflating(), &frames(list)).unwrap().0, ErrorKind::ReservedBit);
    }
}

#[test]
fn what_does_not_decompress_is_refused_with_1007() {
    let (error, _) = decode(inflating(), &frame(0xc1, b"\x07\xff\xff"), 1).1.unwrap();
    assert_eq!(
        (error.kind(), error.close_code()),
        (ErrorKind::InvalidCompression, CloseCode::INVALID_DATA)
    );
    let invalid_text = deflated(b"ab\xff", 15);
    assert_eq!(
        fault(inflating(), &frame(0xc1, &invalid_text)).unwrap().0,
        ErrorKind::InvalidUtf8
    );
}

#[test]
fn a_bomb_takes_no_more_memory_than_the_limit() {
    let bomb = deflated(&vec![0; 16 * 1024 * 1024], 15);
    assert!(bomb.len() < 100_000, "{} bytes", bomb.len());
    let limits = MessageLimits {
        message_bytes: 1024 * 1024,
        ..MessageLimits::default()
    };
    let decoder = || Decoder::new(Role::Server, limits).with_inflater(Inflater::new(15, false));
    let (error, at) = decode(decoder(), &frame(0xc2, &bomb), 1000).1.unwrap();
    assert_eq!(error.kind(), ErrorKind::MessageTooLarge);
    assert!(at < bomb.len() / 8, "refused after {at} of {} bytes", bomb.len());
    // One byte more or less.
    let exact = deflated(&vec![0; 1024 * 1024], 15);
    assert_eq!(decode(decoder(), &frame(0xc2, &exact), 1000).1, None);
    let over = deflated(&vec![0; 1024 * 1024 + 1], 15);
    assert_eq!(
        fault(decoder(), &frame(0xc2, &over)).unwrap().0,
        ErrorKind::MessageTooLarge
    );
}

#[test]
fn endless_empty_blocks_are_refused() {
    let blocks = b"\x00\x00\x00\xff\xff".repeat(400_000);
    assert_eq!(
        fault(inflating(), &frame(0xc2, &blocks)).unwrap().0,
        ErrorKind::MessageTooLarge
    );
}

#[test]
fn compressed_messages_come_back_for_every_window_and_effort() {
    let mut data: Vec<u8> = (0..200_000u32)
        .map(|n| ((n / 7) ^ (n.wrapping_mul(2_654_435_761) >> 29)) as u8)
        .collect();
    data.extend_from_within(..1000);
    for bits in 9..=15 {
        for level in [1, 3, 6, 9] {
            for takeover in [true, false] {
                let mut deflater = Deflater::new(bits, level, takeover);
                let mut decoder = server().with_inflater(Inflater::new(bits, takeover));
                for _ in 0..3 {
                    let mut out = Vec::new();
                    assert!(deflater.deflate(&data, &mut out, false));
                    let mut bytes = frame(0xc2, &out);
                    let decoded = decoder.decode(&mut bytes).unwrap();
                    assert_eq!(decoded.consumed, bytes.len());
                    assert!(
                        decoded.event == Some(Event::Binary(data.clone())),
                        "{bits} {level} {takeover}"
                    );
                }
            }
        }
    }
}

#[test]
fn empty_messages_are_a_byte_each_however_many_follow() {
    let mut deflater = Deflater::new(15, 6, true);
    let mut decoder = inflating();
    for data in ["", "", "words", "", "words"] {
        let mut out = Vec::new();
        assert!(deflater.deflate(data.as_bytes(), &mut out, true));
        let mut bytes = frame(0xc1, &out);
        assert_eq!(decoder.decode(&mut bytes).unwrap().event, Some(text(data)));
    }
}

#[test]
fn what_does_not_get_shorter_is_sent_as_it_is() {
    let mut out = b"before".to_vec();
    assert!(!Deflater::new(15, 6, false).deflate(b"x", &mut out, false));
    assert_eq!(out, b"before");
}

#[test]
fn rfc_7692_section_7_1_offers_are_taken_or_declined() {
    let own = DeflateSettings {
        context_takeover: true,
        window_bits: 12,
    };
    let full = DeflateSettings {
        context_takeover: true,
        window_bits: 15,
    };
    let lean = DeflateSettings {
        context_takeover: false,
        window_bits: 15,
    };
    let none = "";
    let cases = [
        (full, "permessage-deflate", "permessage-deflate"),
        (full, "x-webkit-deflate-frame", none),
        (full, "PERMESSAGE-DEFLATE; client_max_window_bits", "permessage-deflate"),
        (
            lean,
            "permessage-deflate",
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
        ),
        (
            full,
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate; server_no_context_takeover",
        ),
        (
            full,
            "permessage-deflate; client_no_context_takeover",
            "permessage-deflate; client_no_context_takeover",
        ),
        (
            full,
            "permessage-deflate; server_max_window_bits=10",
            "permessage-deflate; server_max_window_bits=10",
        ),
        (
            full,
            "permessage-deflate; server_max_window_bits=\"10\"",
            "permessage-deflate; server_max_window_bits=10",
        ),
        (
            full,
            "permessage-deflate; client_max_window_bits=10",
            "permessage-deflate; client_max_window_bits=10",
        ),
        (
            own,
            "permessage-deflate",
            "permessage-deflate; server_max_window_bits=12",
        ),
        (
            own,
            "permessage-deflate; client_max_window_bits; server_max_window_bits=15",
            "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12",
        ),
        // 8 bits can't be kept to by the compressor; the next offer is taken.
        (full, "permessage-deflate; server_max_window_bits=8", none),
        (
            full,
            "permessage-deflate; server_max_window_bits=8, permessage-deflate",
            "permessage-deflate",
        ),
        (
            full,
            "permessage-deflate; client_max_window_bits=8",
            "permessage-deflate; client_max_window_bits=8",
        ),
        // Unknown, without or with a value where none or one belongs, out of range, not decimal, and twice.
        (full, "permessage-deflate; unknown", none),
        (full, "permessage-deflate; server_max_window_bits", none),
        (full, "permessage-deflate; server_no_context_takeover=1", none),
        (full, "permessage-deflate; client_no_context_takeover=true", none),
        (full, "permessage-deflate; server_max_window_bits=7", none),
        (full, "permessage-deflate; server_max_window_bits=16", none),
        (full, "permessage-deflate; server_max_window_bits=010", none),
        (full, "permessage-deflate; server_max_window_bits=1e1", none),
        (full, "permessage-deflate; client_max_window_bits=99999", none),
        (
            full,
            "permessage-deflate; client_max_window_bits; client_max_window_bits",
            none,
        ),
        (
            full,
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            none,
        ),
    ];
    for (settings, offers, wanted) in cases {
        let agreed = settings.agree(&parse_extensions(offers).unwrap());
        let header = agreed.map(|agreed| agreed.to_header()).unwrap_or_default();
        assert_eq!(header, wanted, "{offers}");
    }
}

#[test]
fn a_message_without_a_limit_is_read() {
    let limits = MessageLimits {
        message_bytes: usize::MAX,
        ..MessageLimits::default()
    };
    let decoder = Decoder::new(Role::Server, limits).with_inflater(Inflater::new(15, false));
    let hello = frame(0xc1, b"\xf2\x48\xcd\xc9\xc9\x07\x00");
    assert_eq!(decode(decoder, &hello, 1), (vec![text("Hello")], None));
}
