//! Members of a room: one speaks, all others listen, on one thread with epoll.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

use super::measure::Sample;
use crate::Failure;
use crate::protocols::websocket::{open_at, text};

/// Messages that are on their way at once.
const WINDOW: u64 = 16;
const LENGTH: usize = 128;
/// Nothing is heard for so long: what followed the joining is over.
const QUIET: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 300_000_000,
};
const PATIENCE: Timespec = Timespec { tv_sec: 10, tv_nsec: 0 };
const EVENTS: usize = 256;
const BUFFER: usize = 64 * 1024;

/// Those who listen.
struct Room {
    epoll: rustix::fd::OwnedFd,
    members: Vec<Member>,
    buffer: Vec<u8>,
}

struct Member {
    stream: TcpStream,
    frames: Frames,
    /// Until it is said what was heard.
    last: Vec<u8>,
}

/// Counts what a server sends (RFC 6455 §5.2).
#[derive(Debug, Default)]
struct Frames {
    head: Vec<u8>,
    /// Of the payload.
    left: u64,
    texts: u64,
}

/// What arrives in a second, and the time of one message to all.
pub(super) fn talk(port: u16, members: usize, time: Duration) -> Result<Sample, Failure> {
    talk_in(port, members, time).map_err(|error| format!("the room broke: {error}"))
}

fn talk_in(port: u16, members: usize, time: Duration) -> io::Result<Sample> {
    let mut room = Room::open(port, members - 1)?;
    let mut speaker = open_at(port, "/chat")?;
    room.drain()?;
    let said: Vec<u8> = (b'a'..=b'z').cycle().take(LENGTH).collect();
    let message = text(&said);
    speaker.write_all(&message)?;
    let listeners = room.members.len() as u64;
    room.hear(listeners)?;
    if !room.members.iter().all(|member| contains(&member.last, &said)) {
        return Err(io::Error::other("a member heard something else than what was said"));
    }
    let began = Instant::now();
    let (mut sent, mut heard) = (0, 0);
    // What servers send to the speaker itself must not fill its socket.
    speaker.set_nonblocking(true)?;
    while began.elapsed() < time {
        while sent * listeners < heard + WINDOW * listeners {
            write_all(&mut speaker, &message)?;
            sent += 1;
        }
        heard += room.hear(1)?;
        skip(&mut speaker, &mut room.buffer)?;
    }
    let seconds = began.elapsed().as_secs_f64();
    let delivered = heard;
    while heard < sent * listeners {
        heard += room.hear(1)?;
    }
    Ok(Sample {
        figure: delivered as f64 / seconds,
        ..Sample::default()
    })
}

impl Room {
    fn open(port: u16, count: usize) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let mut members = Vec::with_capacity(count);
        for number in 0..count {
            let stream = open_at(port, "/chat")?;
            stream.set_nonblocking(true)?;
            epoll::add(&epoll, &stream, EventData::new_u64(number as u64), EventFlags::IN)?;
            members.push(Member {
                stream,
                frames: Frames::default(),
                last: Vec::new(),
            });
        }
        Ok(Self {
            epoll,
            members,
            buffer: vec![0; BUFFER],
        })
    }

    /// What is told of who joined.
    fn drain(&mut self) -> io::Result<()> {
        while self.turn(&QUIET)?.is_some() {}
        for member in &mut self.members {
            member.last.clear();
        }
        Ok(())
    }

    /// At least so many texts, and as many as have come.
    fn hear(&mut self, least: u64) -> io::Result<u64> {
        let mut heard = 0;
        while heard < least {
            heard += self.turn(&PATIENCE)?.ok_or(io::ErrorKind::TimedOut)?;
        }
        Ok(heard)
    }

    /// The texts that arrived; `None` when nothing came.
    fn turn(&mut self, patience: &Timespec) -> io::Result<Option<u64>> {
        let mut events = Vec::with_capacity(EVENTS);
        let spare = rustix::buffer::spare_capacity(&mut events);
        match epoll::wait(&self.epoll, spare, Some(patience)) {
            Err(rustix::io::Errno::INTR) => return Ok(Some(0)),
            other => other?,
        };
        if events.is_empty() {
            return Ok(None);
        }
        let mut heard = 0;
        for event in &events {
            let Some(member) = self.members.get_mut(event.data.u64() as usize) else {
                continue;
            };
            let n = member.stream.read(&mut self.buffer)?;
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let bytes = self.buffer.get(..n).unwrap_or_default();
            if member.last.len() < 4 * LENGTH {
                member.last.extend_from_slice(bytes);
            }
            let before = member.frames.texts;
            member.frames.take(bytes);
            heard += member.frames.texts - before;
        }
        Ok(Some(heard))
    }
}

impl Frames {
    fn take(&mut self, mut bytes: &[u8]) {
        loop {
            let n = self.left.min(bytes.len() as u64);
            self.left -= n;
            bytes = bytes.get(n as usize..).unwrap_or_default();
            if self.left > 0 {
                return;
            }
            self.finish();
            let Some((first, rest)) = bytes.split_first() else {
                return;
            };
            self.head.push(*first);
            bytes = rest;
            if let Some(length) = length(&self.head) {
                self.left = length;
                if length == 0 {
                    self.finish();
                }
            }
        }
    }

    /// A frame whose payload is over.
    fn finish(&mut self) {
        if length(&self.head).is_some() {
            let opcode = self.head.first().map_or(0, |first| first & 0x0f);
            self.texts += u64::from(opcode == 1);
            self.head.clear();
        }
    }
}

/// Of the payload, once the head is there.
fn length(head: &[u8]) -> Option<u64> {
    match head {
        [_, short @ ..=125] => Some(u64::from(*short)),
        [_, 126, high, low] => Some(u64::from(u16::from_be_bytes([*high, *low]))),
        [_, 127, rest @ ..] => Some(u64::from_be_bytes(rest.try_into().ok()?)),
        _ => None,
    }
}

/// To a socket that does not block, and will soon be free.
fn write_all(stream: &mut TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(n) => bytes = bytes.get(n..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn skip(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    match stream.read(buffer) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Ok(()),
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_texts_however_the_bytes_are_split() {
        let long = [&[0x81, 126, 1, 0][..], &[b'x'; 256]].concat();
        let bytes = [&[0x81, 2, b'h', b'i'][..], &[0x89, 0], &long, &[0x81, 0], &[0x82, 1, 0]].concat();
        for size in 1..bytes.len() {
            let mut frames = Frames::default();
            for piece in bytes.chunks(size) {
                frames.take(piece);
            }
            assert_eq!(frames.texts, 3, "pieces of {size}");
        }
    }
}
