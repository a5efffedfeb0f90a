//! Frames mean the same however they are cut, no more is consumed than is there, no message is larger than its limit,
//! and what was compressed comes back.

#![no_main]

use hyperlane_proto::websocket::{
    CloseCode, Decoder, DeflateSettings, Deflater, Event, Inflater, MessageLimits, OpCode, Role, encode_head,
    parse_extensions,
};
use libfuzzer_sys::fuzz_target;

const LIMITS: MessageLimits = MessageLimits {
    message_bytes: 4096,
    fragments: 20,
};

fuzz_target!(|stream: &[u8]| {
    for role in [Role::Server, Role::Client] {
        for compressed in [false, true] {
            let decoder = || {
                let decoder = Decoder::new(role, LIMITS);
                if compressed {
                    decoder.with_inflater(Inflater::new(15, true))
                } else {
                    decoder
                }
            };
            let whole = decode(decoder(), stream, stream.len().max(1));
            for step in [1, 2, 7, 1 + stream.len() / 3] {
                assert_eq!(whole, decode(decoder(), stream, step), "in steps of {step}");
            }
        }
    }
    assert_round_trip(stream);
    if let Ok(header) = std::str::from_utf8(stream)
        && let Some(offers) = parse_extensions(header)
    {
        let settings = DeflateSettings {
            context_takeover: true,
            window_bits: 15,
        };
        if let Some(agreement) = settings.agree(&offers) {
            assert!(parse_extensions(&agreement.to_header()).is_some());
            assert!((9..=15).contains(&agreement.server_window_bits));
        }
    }
});

/// Events, and the code of the fault at their end: which of two faults of one compressed message is told may differ.
fn decode(mut decoder: Decoder, stream: &[u8], step: usize) -> (Vec<Event>, Option<CloseCode>) {
    let (mut given, mut buffer, mut events) = (0, Vec::new(), Vec::new());
    loop {
        let decoded = match decoder.decode(&mut buffer) {
            Ok(decoded) => decoded,
            Err(error) => return (events, Some(error.close_code())),
        };
        assert!(decoded.consumed <= buffer.len());
        buffer.drain(..decoded.consumed);
        match decoded.event {
            Some(event) => {
                let size = match &event {
                    Event::Text(text) => text.len(),
                    Event::Binary(bytes) => bytes.len(),
                    Event::Ping(bytes) | Event::Pong(bytes) => {
                        assert!(bytes.len() <= 125);
                        0
                    }
                    Event::Close(frame) => {
                        assert!(frame.as_ref().is_none_or(|frame| frame.is_sendable()));
                        0
                    }
                };
                assert!(size <= LIMITS.message_bytes);
                events.push(event);
            }
            None => {
                assert!(buffer.len() < 139, "all but a head or a control frame is consumed");
                if given == stream.len() {
                    return (events, None);
                }
                let end = (given + step).min(stream.len());
                buffer.extend_from_slice(&stream[given..end]);
                given = end;
            }
        }
    }
}

fn assert_round_trip(data: &[u8]) {
    let data = &data[..data.len().min(LIMITS.message_bytes)];
    for takeover in [false, true] {
        let mut deflater = Deflater::new(9 + (data.len() % 7) as u8, 1, takeover);
        let mut decoder = Decoder::new(Role::Client, LIMITS).with_inflater(Inflater::new(15, takeover));
        for _ in 0..2 {
            let mut payload = Vec::new();
            let compressed = deflater.deflate(data, &mut payload, data.len() % 2 == 0);
            let payload = if compressed { &payload[..] } else { data };
            let mut frame = Vec::new();
            encode_head(&mut frame, OpCode::Binary, compressed, payload.len(), None);
            frame.extend_from_slice(payload);
            let decoded = decoder.decode(&mut frame).expect("it is well-formed");
            assert_eq!(decoded.event, Some(Event::Binary(data.to_vec())));
        }
    }
}
