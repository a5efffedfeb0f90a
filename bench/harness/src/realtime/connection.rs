//! One WebSocket of the crowd, as small as can be: no buffer while nothing is half received.

use std::io::{self, Read, Write};
use std::net::TcpStream;

/// What a connection has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Connecting,
    /// The request is sent, and the answer has not ended.
    Opening,
    Open,
    Closed,
}

#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    pub(super) state: State,
    /// Which messages of the present round have come, by their number.
    pub(super) heard: u64,
    /// What is half received.
    rest: Vec<u8>,
}

/// What was received.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// The WebSocket is open.
    Open,
    /// Message number `.1` of round `.0` to all.
    Broadcast(u32, u32),
    /// What this connection has sent.
    Echo,
    Ping,
    /// The connection is over.
    Closed,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            state: State::Connecting,
            heard: 0,
            rest: Vec::new(),
        }
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Asks for the WebSocket, once the connection is made.
    pub(super) fn ask(&mut self) -> io::Result<()> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        self.state = State::Opening;
        // The key of RFC 6455 §1.3. A new socket has room for it all.
        (&self.stream).write_all(
            b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        )
    }

    /// Sends a text of at most 125 bytes.
    pub(super) fn send(&self, text: &str) -> io::Result<()> {
        self.frame(0x81, text.as_bytes())
    }

    /// The mask is four zeros, which leaves the text as it is: there is no proxy here that it could confuse.
    fn frame(&self, first: u8, payload: &[u8]) -> io::Result<()> {
        let length = u8::try_from(payload.len()).unwrap_or(125).min(125);
        let mut frame = vec![first, 0x80 | length, 0, 0, 0, 0];
        frame.extend(payload.iter().take(usize::from(length)));
        (&self.stream).write_all(&frame)
    }

    /// Reads what has come, and tells of each part of it.
    pub(super) fn receive(&mut self, buffer: &mut [u8], mut tell: impl FnMut(&mut Self, Event)) {
        let read = match self.stream.read(buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(_) => 0,
        };
        if read == 0 {
            self.state = State::Closed;
            return tell(self, Event::Closed);
        }
        let mut whole = std::mem::take(&mut self.rest);
        let received = buffer.get(..read).unwrap_or_default();
        let received = match whole.is_empty() {
            true => received,
            false => {
                whole.extend_from_slice(received);
                &whole
            }
        };
        let mut left = received;
        if self.state == State::Opening {
            let Some(end) = left.windows(4).position(|four| four == b"\r\n\r\n") else {
                self.rest = left.to_vec();
                return;
            };
            if !left.starts_with(b"HTTP/1.1 101") {
                self.state = State::Closed;
                return tell(self, Event::Closed);
            }
            self.state = State::Open;
            left = left.get(end + 4..).unwrap_or_default();
            tell(self, Event::Open);
        }
        while let Some((first, payload, behind)) = frame(left) {
            left = behind;
            match first & 0x0f {
                1 | 2 => {
                    if let Some(event) = message(payload) {
                        tell(self, event);
                    }
                }
                8 => {
                    self.state = State::Closed;
                    return tell(self, Event::Closed);
                }
                9 if self.frame(0x8a, payload).is_ok() => tell(self, Event::Ping),
                _ => {}
            }
        }
        self.rest = left.to_vec();
    }
}

/// The first frame: its first byte, what it holds, and what stands behind it. `None`: it is not all there.
fn frame(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    let (length, head) = match second & 0x7f {
        126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
        127 => (
            usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?,
            10,
        ),
        length => (usize::from(length), 2),
    };
    let payload = bytes.get(head..)?.get(..length)?;
    Some((first, payload, bytes.get(head + length..)?))
}

/// How a message to all is written: `#b3.7#` is number 7 of round 3.
pub(super) fn broadcast(round: u32, number: u32) -> String {
    format!("#b{round}.{number}#")
}

pub(super) const ECHO: &str = "#e#";

/// What a message is, whatever the hub has put around it.
fn message(payload: &[u8]) -> Option<Event> {
    let text = std::str::from_utf8(payload).ok()?;
    if text.contains(ECHO) {
        return Some(Event::Echo);
    }
    let (_, rest) = text.split_once("#b")?;
    let (numbers, _) = rest.split_once('#')?;
    let (round, number) = numbers.split_once('.')?;
    Some(Event::Broadcast(round.parse().ok()?, number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn frames_in_pieces_are_put_together() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let stream = TcpStream::connect(listener.local_addr().expect("bound")).expect("listening");
        let (mut server, _) = listener.accept().expect("connected");
        let mut connection = Connection::new(stream);
        connection.ask().expect("connected");
        let long = format!("{}{}", " ".repeat(200), broadcast(2, 5));
        let mut sent = b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x06#b2.4#\x89\x01!".to_vec();
        sent.extend([0x81, 126, 0, u8::try_from(long.len()).expect("short")]);
        sent.extend(long.as_bytes());
        sent.extend(b"\x81\x03#e#\x88\x00");
        let mut events = Vec::new();
        for byte in sent {
            server.write_all(&[byte]).expect("open");
            connection.receive(&mut [0; 64], |_, event| events.push(event));
        }
        assert_eq!(
            events,
            [
                Event::Open,
                Event::Broadcast(2, 4),
                Event::Ping,
                Event::Broadcast(2, 5),
                Event::Echo,
                Event::Closed
            ]
        );
        assert!(connection.rest.capacity() == 0);
    }
}
