//! Frames and messages (RFC 6455 §5 to §8).

use hyperlane_proto::websocket::{CloseCode, CloseFrame, Decoder, ErrorKind, Event, MessageLimits, Role};

use super::{decode, fault, frame, frames, server, text};

#[test]
fn rfc_6455_section_5_7_the_examples_are_read() {
    let fragmented = frames(&[(0x01, b"Hel"), (0x80, b"lo")]);
    assert_eq!(decode(server(), &fragmented, 1), (vec![text("Hello")], None));
    let ping = b"\x89\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(decode(server(), ping, 3).0, [Event::Ping(b"Hello".to_vec())]);
    for length in [0, 125, 126, 256, 65535, 65536] {
        let payload = vec![7; length];
        assert_eq!(
            decode(server(), &frame(0x82, &payload), 1000).0,
            [Event::Binary(payload)]
        );
    }
    let client = Decoder::new(Role::Client, MessageLimits::default());
    assert_eq!(decode(client, b"\x81\x05Hello", 1).0, [text("Hello")]);
}

#[test]
fn rfc_6455_section_5_2_a_broken_head_is_known_at_its_first_bad_byte() {
    let cases: [(&str, &[u8], ErrorKind, usize); 13] = [
        ("rsv1 without an extension", b"\xc1\x80", ErrorKind::ReservedBit, 1),
        ("rsv2", b"\xa1\x80", ErrorKind::ReservedBit, 1),
        ("rsv3", b"\x91\x80", ErrorKind::ReservedBit, 1),
        ("opcode 3", b"\x83\x80", ErrorKind::ReservedOpCode, 1),
        ("opcode 11", b"\x8b\x80", ErrorKind::ReservedOpCode, 1),
        ("opcode 15", b"\x8f\x80", ErrorKind::ReservedOpCode, 1),
        ("fragmented ping", b"\x09\x80", ErrorKind::FragmentedControl, 1),
        ("no mask", b"\x81\x05Hello", ErrorKind::NotMasked, 2),
        ("long ping", b"\x89\xfe\x00\x7e", ErrorKind::ControlTooLong, 2),
        ("long close", b"\x88\xff", ErrorKind::ControlTooLong, 2),
        ("16 bits for 125", b"\x82\xfe\x00\x7d", ErrorKind::LengthNotMinimal, 4),
        (
            "64 bits for 65535",
            b"\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff",
            ErrorKind::LengthNotMinimal,
            10,
        ),
        (
            "64 bits",
            b"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00",
            ErrorKind::LengthOverflow,
            10,
        ),
    ];
    for (name, bytes, kind, at) in cases {
        assert_eq!(fault(server(), bytes), Some((kind, at)), "{name}");
        assert_eq!(
            decode(server(), bytes, 100).1.unwrap().0.close_code(),
            CloseCode::PROTOCOL,
            "{name}"
        );
    }
    let client = Decoder::new(Role::Client, MessageLimits::default());
    assert_eq!(fault(client, &frame(0x81, b"x")), Some((ErrorKind::Masked, 2)));
}

#[test]
fn rfc_6455_section_5_4_fragments_follow_each_other_with_control_frames_between() {
    let stream = frames(&[
        (0x01, b"a"),
        (0x89, b"p"),
        (0x00, b""),
        (0x8a, b"q"),
        (0x80, b"b"),
        (0x82, b"\xff"),
    ]);
    let events = [
        Event::Ping(b"p".to_vec()),
        Event::Pong(b"q".to_vec()),
        text("ab"),
        Event::Binary(vec![0xff]),
    ];
    for step in [1, 2, 5, 1000] {
        assert_eq!(decode(server(), &stream, step), (events.to_vec(), None));
    }
    let cases = [
        (frames(&[(0x80, b"x")]), ErrorKind::UnexpectedContinuation),
        (frames(&[(0x00, b"x")]), ErrorKind::UnexpectedContinuation),
        (frames(&[(0x01, b"a"), (0x81, b"b")]), ErrorKind::ExpectedContinuation),
        (
            frames(&[(0x01, b"a"), (0x80, b"b"), (0x80, b"c")]),
            ErrorKind::UnexpectedContinuation,
        ),
    ];
    for (bytes, kind) in cases {
        assert_eq!(fault(server(), &bytes).unwrap().0, kind);
    }
}

#[test]
fn rfc_6455_section_5_5_1_a_close_has_a_code_that_may_be_sent_or_nothing() {
    let close = |payload: &[u8]| decode(server(), &frame(0x88, payload), 1);
    assert_eq!(close(b"").0, [Event::Close(None)]);
    assert_eq!(
        close(b"\x03\xe8bye").0,
        [Event::Close(Some(CloseFrame::new(1000, "bye")))]
    );
    let faults: [(&[u8], ErrorKind, u16); 5] = [
        (b"\x03", ErrorKind::TruncatedCloseCode, 1002),
        (b"\x03\xed", ErrorKind::InvalidCloseCode, 1002),
        (b"\x00\x00", ErrorKind::InvalidCloseCode, 1002),
        (b"\x13\x88", ErrorKind::InvalidCloseCode, 1002),
        (b"\x03\xe8\xff", ErrorKind::InvalidUtf8, 1007),
    ];
    for (payload, kind, code) in faults {
        let (error, _) = close(payload).1.unwrap();
        assert_eq!((error.kind(), error.close_code().as_u16()), (kind, code), "{payload:?}");
    }
}

#[test]
fn rfc_6455_section_5_5_1_nothing_behind_a_close_is_looked_at() {
    let mut stream = frame(0x88, b"");
    stream.extend_from_slice(b"\xff\xff\xff");
    assert_eq!(decode(server(), &stream, 1), (vec![Event::Close(None)], None));
}

#[test]
fn rfc_6455_section_8_1_text_fails_at_the_byte_that_is_no_utf8() {
    // In the second of three fragments, at its third byte.
    let stream = frames(&[(0x01, "κόσμ".as_bytes()), (0x00, b"\xce\xb5\xff\x65\x64"), (0x80, b"x")]);
    let end_of_first = frame(0x01, "κόσμ".as_bytes()).len();
    assert_eq!(
        fault(server(), &stream),
        Some((ErrorKind::InvalidUtf8, end_of_first + 6 + 3))
    );
    // A character may be cut by fragments, and not by the end.
    let euro = "€".as_bytes();
    assert_eq!(
        decode(server(), &frames(&[(0x01, &euro[..1]), (0x80, &euro[1..])]), 1).0,
        [text("€")]
    );
    assert_eq!(
        fault(server(), &frame(0x81, &euro[..2])).unwrap().0,
        ErrorKind::InvalidUtf8
    );
    // Bytes may be anything.
    assert_eq!(decode(server(), &frame(0x82, b"\xff"), 1).1, None);
}

#[test]
fn a_message_is_refused_by_its_announced_length() {
    let limits = MessageLimits {
        message_bytes: 10,
        fragments: 3,
    };
    let decoder = || Decoder::new(Role::Server, limits);
    assert_eq!(decode(decoder(), &frame(0x82, &[0; 10]), 1).1, None);
    let huge = b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0";
    assert_eq!(fault(decoder(), huge), Some((ErrorKind::MessageTooLarge, 14)));
    let eleven = frames(&[(0x02, &[0; 6]), (0x80, &[0; 5])]);
    let second_head = frame(0x02, &[0; 6]).len() + 6;
    assert_eq!(
        fault(decoder(), &eleven),
        Some((ErrorKind::MessageTooLarge, second_head))
    );
    assert_eq!(
        decode(decoder(), &eleven, 1).1.unwrap().0.close_code(),
        CloseCode::TOO_LARGE
    );
    let many = frames(&[(0x02, b""), (0x00, b""), (0x00, b""), (0x00, b"")]);
    let (error, _) = decode(decoder(), &many, 1).1.unwrap();
    assert_eq!(
        (error.kind(), error.close_code()),
        (ErrorKind::TooManyFragments, CloseCode::POLICY)
    );
    assert_eq!(error.to_string(), "message exceeds 3 fragments");
}
