//! A client by hand: frames as bytes, right or wrong.

use quinn::{Connection, ReadError, ReadToEndError, RecvStream, SendStream};

use crate::support::within;

/// The numbers of RFC 9114 §8.1 and RFC 9204 §6.
pub(crate) const NO_ERROR: u64 = 0x100;
pub(crate) const FRAME_UNEXPECTED: u64 = 0x105;
pub(crate) const EXCESSIVE_LOAD: u64 = 0x107;
pub(crate) const REQUEST_INCOMPLETE: u64 = 0x10d;
pub(crate) const MESSAGE_ERROR: u64 = 0x10e;
pub(crate) const QPACK_DECOMPRESSION_FAILED: u64 = 0x200;

/// Field lines of a request (RFC 9204 §4.5), of the static table where that has them.
pub(crate) const METHOD_GET: &[u8] = &[0xd1];
pub(crate) const METHOD_POST: &[u8] = &[0xd4];
pub(crate) const SCHEME: &[u8] = &[0xd7];
pub(crate) const ROOT: &[u8] = &[0xc1];

pub(crate) fn authority(value: &str) -> Vec<u8> {
    [&[0x50, short(value.len())], value.as_bytes()].concat()
}

pub(crate) fn path(value: &str) -> Vec<u8> {
    [&[0x51, short(value.len())], value.as_bytes()].concat()
}

/// A literal with a literal name.
pub(crate) fn field(name: &str, value: &str) -> Vec<u8> {
    let mut line = prefixed(0x20, 3, name.len());
    line.extend_from_slice(name.as_bytes());
    line.extend(prefixed(0, 7, value.len()));
    line.extend_from_slice(value.as_bytes());
    line
}

/// A number in the last `bits` of its first byte (RFC 7541 §5.1).
fn prefixed(first: u8, bits: u32, number: usize) -> Vec<u8> {
    let most = (1 << bits) - 1;
    if number < most {
        return vec![first | short(number)];
    }
    let mut bytes = vec![first | short(most)];
    let mut rest = number - most;
    while rest >= 0x80 {
        bytes.push(short(rest & 0x7f) | 0x80);
        rest >>= 7;
    }
    bytes.push(short(rest));
    bytes
}

fn short(number: usize) -> u8 {
    u8::try_from(number).expect("short")
}

/// A HEADERS frame with these lines.
pub(crate) fn headers(lines: &[&[u8]]) -> Vec<u8> {
    let section = [&[0, 0], &lines.concat()[..]].concat();
    frame(0x01, &section)
}

pub(crate) fn data(bytes: &[u8]) -> Vec<u8> {
    frame(0x00, bytes)
}

pub(crate) fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    [&[kind], &number(payload.len())[..], payload].concat()
}

/// A number of QUIC (RFC 9000 §16), in four bytes.
pub(crate) fn number(value: usize) -> [u8; 4] {
    (u32::try_from(value).expect("small") | 0x8000_0000).to_be_bytes()
}

/// Begins as a client of HTTP/3 does: a control stream with empty SETTINGS.
pub(crate) async fn greet(connection: &Connection) -> SendStream {
    let mut control = within(connection.open_uni()).await.expect("allowed");
    control.write_all(&[0x00, 0x04, 0x00]).await.expect("open");
    control
}

/// Sends `bytes` as a request, and ends it.
pub(crate) async fn request(connection: &Connection, bytes: &[u8]) -> RecvStream {
    let (mut send, recv) = within(connection.open_bi()).await.expect("allowed");
    let _ = send.write_all(bytes).await;
    let _ = send.finish();
    recv
}

/// How a stream ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// In order, with these bytes.
    Finished(Vec<u8>),
    Reset(u64),
    ConnectionClosed(u64),
}

pub(crate) async fn end(mut recv: RecvStream) -> End {
    match within(recv.read_to_end(1 << 20)).await {
        Ok(bytes) => End::Finished(bytes),
        Err(ReadToEndError::Read(ReadError::Reset(code))) => End::Reset(code.into_inner()),
        Err(ReadToEndError::Read(ReadError::ConnectionLost(error))) => End::ConnectionClosed(close_code(&error)),
        Err(error) => panic!("{error}"),
    }
}

fn close_code(error: &quinn::ConnectionError) -> u64 {
    match error {
        quinn::ConnectionError::ApplicationClosed(close) => close.error_code.into_inner(),
        error => panic!("closed by the transport: {error}"),
    }
}

/// The code by which the server closes the connection.
pub(crate) async fn closed(connection: &Connection) -> u64 {
    close_code(&within(connection.closed()).await)
}

/// The status of a response whose head has one of the usual ones, which are in the static table.
pub(crate) fn status(end: &End) -> Option<u16> {
    let End::Finished(bytes) = end else {
        return None;
    };
    // The kind of the frame, its length in one or two bytes, and the prefix of the section.
    let section = match bytes.get(1)? >> 6 {
        0 => bytes.get(2..)?,
        _ => bytes.get(3..)?,
    };
    let line = section.get(2..)?;
    match line {
        [first, ..] if first & 0xc0 == 0xc0 => {
            let index = match first & 0x3f {
                0x3f => 63 + u16::from(*line.get(1)?),
                index => u16::from(index),
            };
            let known = [
                (24, 103),
                (25, 200),
                (26, 304),
                (27, 404),
                (28, 503),
                (63, 100),
                (64, 204),
                (65, 206),
                (66, 302),
                (67, 400),
                (68, 403),
                (69, 421),
                (70, 425),
                (71, 500),
            ];
            known
                .iter()
                .find(|(known, _)| *known == index)
                .map(|(_, status)| *status)
        }
        // A literal with the name of an entry, and three digits; in the Huffman code digits have five or six bits.
        _ => Some(0),
    }
}
