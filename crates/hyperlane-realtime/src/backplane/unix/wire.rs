//! What the processes say on the socket: a kind, a length, and a payload.

use std::io;

use hyperlane::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::super::Position;

/// Larger than any entry of a hub may be: a peer that says more is none.
const MAX_PAYLOAD: usize = 64 * 1024 * 1024;

/// A frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// The follower was there, or wants the last entries.
    Hello {
        resume: Option<Position>,
        backlog: u32,
    },
    /// Up to where the leader knows the log of its predecessor.
    Welcome {
        known: Position,
        /// The upper half of the places that it gives.
        epoch: u64,
    },
    /// What follows is everything behind this place.
    Begin(Position),
    Entry(Position, Bytes),
    CaughtUp,
    /// The follower wants this in the log.
    Append(Bytes),
}

impl Frame {
    pub(super) async fn write(&self, io: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let mut head = Vec::with_capacity(32);
        let mut payload = &Bytes::new();
        let kind = match self {
            Self::Hello { resume, backlog } => {
                put(&mut head, resume.unwrap_or_default());
                head.push(u8::from(resume.is_some()));
                head.extend_from_slice(&backlog.to_be_bytes());
                1
            }
            Self::Welcome { known, epoch } => {
                put(&mut head, *known);
                put(&mut head, Position::new(*epoch, 0));
                2
            }
            Self::Begin(position) => {
                put(&mut head, *position);
                3
            }
            Self::Entry(position, entry) => {
                put(&mut head, *position);
                payload = entry;
                4
            }
            Self::CaughtUp => 5,
            Self::Append(entry) => {
                payload = entry;
                6
            }
        };
        let length = u32::try_from(head.len() + payload.len()).map_err(io::Error::other)?;
        io.write_u8(kind).await?;
        io.write_u32(length).await?;
        io.write_all(&head).await?;
        io.write_all(payload).await
    }

    /// Reads one. `None` at the end.
    pub(super) async fn read(io: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Self>> {
        let kind = match io.read_u8().await {
            Ok(kind) => kind,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        };
        let length = io.read_u32().await? as usize;
        if length > MAX_PAYLOAD {
            return Err(invalid());
        }
        let mut payload = Vec::new();
        // Memory grows with what arrives.
        let read = io.take(length as u64).read_to_end(&mut payload).await?;
        if read < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut payload = Bytes::from(payload);
        Ok(Some(match kind {
            1 => {
                let position = get(&mut payload)?;
                let rest: [u8; 5] = payload.as_ref().try_into().map_err(|_| invalid())?;
                let [is_there, backlog @ ..] = rest;
                Self::Hello {
                    resume: (is_there == 1).then_some(position),
                    backlog: u32::from_be_bytes(backlog),
                }
            }
            2 => Self::Welcome {
                known: get(&mut payload)?,
                epoch: get(&mut payload)?.log(),
            },
            3 => Self::Begin(get(&mut payload)?),
            4 => Self::Entry(get(&mut payload)?, payload),
            5 => Self::CaughtUp,
            6 => Self::Append(payload),
            _ => return Err(invalid()),
        }))
    }
}

fn put(head: &mut Vec<u8>, position: Position) {
    head.extend_from_slice(&position.log().to_be_bytes());
    head.extend_from_slice(&position.number().to_be_bytes());
}

fn get(payload: &mut Bytes) -> io::Result<Position> {
    if payload.len() < 16 {
        return Err(invalid());
    }
    let place = payload.split_to(16);
    let (log, number) = place.split_at(8);
    let half = |bytes: &[u8]| bytes.try_into().map(u64::from_be_bytes).map_err(|_| invalid());
    Ok(Position::new(half(log)?, half(number)?))
}

fn invalid() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "frame on the bus is none: who speaks is no hub of this version",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_are_read_as_they_are_written() {
        let place = Position::new(7, 9);
        let frames = [
            Frame::Hello {
                resume: None,
                backlog: 5,
            },
            Frame::Hello {
                resume: Some(place),
                backlog: 0,
            },
            Frame::Welcome { known: place, epoch: 8 },
            Frame::Begin(place),
            Frame::Entry(place, Bytes::from_static(b"abc")),
            Frame::CaughtUp,
            Frame::Append(Bytes::from_static(b"")),
        ];
        let mut bytes = Vec::new();
        for frame in &frames {
            frame.write(&mut bytes).await.expect("memory");
        }
        let mut read = &bytes[..];
        for frame in frames {
            assert_eq!(Frame::read(&mut read).await.expect("valid"), Some(frame));
        }
        assert_eq!(Frame::read(&mut read).await.expect("the end"), None);
        for broken in [
            &b"\x09\0\0\0\0"[..],
            b"\x02\0\0\0\x01x",
            b"\x04\xff\xff\xff\xff",
            b"\x06\0\0\0\x02x",
        ] {
            assert!(Frame::read(&mut &*broken).await.is_err(), "{broken:?}");
        }
    }
}
