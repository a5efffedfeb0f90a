//! A client of WebSockets that echoes are asked of: frames made before, and counted when they are back (RFC 6455 §5).

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::Failure;
use crate::load::Exchange;
use crate::server::Server;
use crate::usage;

const TIMEOUT: Duration = Duration::from_secs(10);
const HANDSHAKE: &str = "HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// Of the key above (RFC 6455 §1.3).
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const MASK: [u8; 4] = [0x5a, 0xc3, 0x91, 0x3e];
/// Connections that are opened and closed before, so that threads and pools do not count.
const WARM_UP: usize = 200;

/// What is sent at once, and what must come back.
#[derive(Clone, Debug)]
pub(super) struct Messages {
    pub(super) exchange: Exchange,
    expected: Vec<u8>,
}

/// `count` messages of `length` bytes at once, and as many back.
pub(super) fn messages(length: usize, count: usize, text: bool) -> Messages {
    let payload: Vec<u8> = (b'a'..=b'z').cycle().take(length).collect();
    let first = 0x80 | if text { 1 } else { 2 };
    let message = message(first, &payload);
    let expected = [frame_head(first, length, 0), payload].concat().repeat(count);
    let exchange = Exchange {
        request: message.repeat(count),
        answer: expected.len(),
    };
    Messages { exchange, expected }
}

/// A text as a client sends it (RFC 6455 §5.3).
pub(crate) fn text(payload: &[u8]) -> Vec<u8> {
    message(0x81, payload)
}

fn message(first: u8, payload: &[u8]) -> Vec<u8> {
    let masked: Vec<u8> = payload
        .iter()
        .zip(MASK.iter().cycle())
        .map(|(byte, mask)| byte ^ mask)
        .collect();
    [frame_head(first, payload.len(), 0x80), MASK.to_vec(), masked].concat()
}

fn frame_head(first: u8, length: usize, mask: u8) -> Vec<u8> {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..=125), _) => vec![first, mask | short],
        (_, Ok(medium)) => [&[first, mask | 126][..], &medium.to_be_bytes()].concat(),
        _ => [&[first, mask | 127][..], &(length as u64).to_be_bytes()].concat(),
    }
}

/// A connection to an echo after the handshake.
pub(super) fn open(port: u16) -> io::Result<TcpStream> {
    open_at(port, "/ws")
}

/// A connection after the handshake.
pub(crate) fn open_at(port: u16, path: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(format!("GET {path} {HANDSHAKE}").as_bytes())?;
    let mut head = Vec::new();
    // Byte by byte: what follows is frames.
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head);
    if head.starts_with("HTTP/1.1 101") && head.contains(ACCEPT) {
        Ok(stream)
    } else {
        let line = head.lines().next().unwrap_or_default();
        Err(io::Error::other(format!("no WebSocket: {line}")))
    }
}

/// Sees whether the messages come back as they were, byte for byte.
pub(super) fn verify(port: u16, messages: &Messages) -> io::Result<()> {
    let mut stream = open(port)?;
    stream.write_all(&messages.exchange.request)?;
    let mut answer = vec![0; messages.expected.len()];
    stream.read_exact(&mut answer)?;
    if answer == messages.expected {
        Ok(())
    } else {
        Err(io::Error::other("the messages did not come back as they were sent"))
    }
}

/// Bytes of the server's own memory for each of so many connections that have echoed once.
pub(super) fn idle(server: &Server, connections: usize) -> Result<f64, Failure> {
    let Messages { exchange, .. } = messages(128, 1, true);
    let used = |number: usize| -> Result<TcpStream, Failure> {
        let opened = open(server.port()).and_then(|mut stream| {
            stream.write_all(&exchange.request)?;
            stream.read_exact(&mut vec![0; exchange.answer])?;
            Ok(stream)
        });
        opened.map_err(|error| format!("connection {number} of {connections} failed: {error}"))
    };
    let some: Result<Vec<_>, _> = (1..=WARM_UP).map(used).collect();
    drop(some?);
    let family = server.family();
    let before = usage::anonymous_memory(&family);
    let held: Result<Vec<_>, _> = (1..=connections).map(used).collect();
    let held = held?;
    let after = usage::anonymous_memory(&family);
    Ok(after.saturating_sub(before) as f64 / held.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_in_the_shortest_form() {
        let small = messages(125, 1, true).exchange;
        assert_eq!((small.request.len(), small.answer), (2 + 4 + 125, 2 + 125));
        assert_eq!(small.request[..2], [0x81, 0x80 | 125]);
        let medium = messages(128, 2, false).exchange;
        assert_eq!(
            (medium.request.len(), medium.answer),
            (2 * (4 + 4 + 128), 2 * (4 + 128))
        );
        assert_eq!(medium.request[..4], [0x82, 0x80 | 126, 0, 128]);
        assert_eq!(messages(65_536, 1, false).exchange.answer, 10 + 65_536);
    }
}
