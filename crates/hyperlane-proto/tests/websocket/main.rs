//! The rules of RFC 6455 and RFC 7692 for what is received, one table for each section.

mod deflate;
mod frames;
mod properties;

use hyperlane_proto::websocket::{
    Decoder, Deflater, Error, ErrorKind, Event, Inflater, MessageLimits, OpCode, Role, apply_mask, encode_head,
};

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame by its first byte and its payload, masked, with the shortest length.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_head(&mut bytes, OpCode::Text, false, payload.len(), Some(MASK));
    bytes[0] = first;
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    apply_mask(&mut bytes[start..], MASK, 0);
    bytes
}

pub(crate) fn frames(list: &[(u8, &[u8])]) -> Vec<u8> {
    list.iter()
        .flat_map(|(first, payload)| frame(*first, payload))
        .collect()
}

pub(crate) fn server() -> Decoder {
    Decoder::new(Role::Server, MessageLimits::default())
}

pub(crate) fn inflating() -> Decoder {
    server().with_inflater(Inflater::new(15, true))
}

/// Events and the fault at their end, with the number of bytes after which the fault was certain.
pub(crate) fn decode(mut decoder: Decoder, bytes: &[u8], step: usize) -> (Vec<Event>, Option<(Error, usize)>) {
    let mut events = Vec::new();
    let mut buffer = Vec::new();
    let mut given = 0;
    loop {
        match decoder.decode(&mut buffer) {
            Ok(decoded) => {
                buffer.drain(..decoded.consumed);
                match decoded.event {
                    Some(event) => events.push(event),
                    None if given == bytes.len() => return (events, None),
                    None => {
                        assert!(buffer.len() < 139, "all but a head or a control frame is consumed");
                        let end = (given + step).min(bytes.len());
                        buffer.extend_from_slice(&bytes[given..end]);
                        given = end;
                    }
                }
            }
            Err(error) => return (events, Some((error, given))),
        }
    }
}

pub(crate) fn fault(decoder: Decoder, bytes: &[u8]) -> Option<(ErrorKind, usize)> {
    decode(decoder, bytes, 1).1.map(|(error, at)| (error.kind(), at))
}

pub(crate) fn text(text: &str) -> Event {
    Event::Text(text.to_owned())
}

/// Compressed as the beginning of a connection.
pub(crate) fn deflated(data: &[u8], bits: u8) -> Vec<u8> {
    let mut out = Vec::new();
    assert!(Deflater::new(bits, 6, true).deflate(data, &mut out, true));
    out
}
