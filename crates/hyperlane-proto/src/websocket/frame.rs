//! The head of a frame (RFC 6455 §5.2).

use super::{Error, ErrorKind};

/// The most bytes of a control frame's payload (RFC 6455 §5.5).
pub const CONTROL_PAYLOAD: usize = 125;
const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2_AND_3: u8 = 0x30;
const MASKED: u8 = 0x80;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// Which end of a connection reads: the frames of clients are masked, those of servers are not (RFC 6455 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads what a client sent.
    Server,
    /// Reads what a server sent.
    Client,
}

/// What a frame is (RFC 6455 §11.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OpCode {
    /// The next fragment of a message.
    Continuation,
    /// A message of text, or its first fragment.
    Text,
    /// A message of bytes, or its first fragment.
    Binary,
    /// The end.
    Close,
    /// Wants a pong.
    Ping,
    /// The answer to a ping.
    Pong,
}

impl OpCode {
    fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }

    fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }

    /// Whether it may stand between the fragments of a message.
    pub fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A head that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameHead {
    pub(super) fin: bool,
    /// Whether the message is compressed (RFC 7692 §6).
    pub(super) compressed: bool,
    pub(super) opcode: OpCode,
    pub(super) mask: [u8; 4],
    pub(super) payload: u64,
    /// Its own bytes.
    pub(super) size: usize,
}

impl FrameHead {
    /// Reads the head at the beginning of `input`; `None` if there is more to come. A fault is told as soon as its byte
    /// is there.
    pub(super) fn parse(input: &[u8], role: Role, compression: bool) -> Result<Option<Self>, Error> {
        let Some((&first, rest)) = input.split_first() else {
            return Ok(None);
        };
        let compressed = first & RSV1 != 0;
        if first & RSV2_AND_3 != 0 || (compressed && !compression) {
            return Err(Error::new(ErrorKind::ReservedBit));
        }
        let opcode = OpCode::from_bits(first & 0x0f).ok_or(Error::new(ErrorKind::ReservedOpCode))?;
        // Only the first frame of a message says that it is compressed (RFC 7692 §6.1).
        if compressed && !matches!(opcode, OpCode::Text | OpCode::Binary) {
            return Err(Error::new(ErrorKind::ReservedBit));
        }
        let fin = first & FIN != 0;
        if opcode.is_control() && !fin {
            return Err(Error::new(ErrorKind::FragmentedControl));
        }
        let Some((&second, rest)) = rest.split_first() else {
            return Ok(None);
        };
        match (role, second & MASKED != 0) {
            (Role::Server, false) => return Err(Error::new(ErrorKind::NotMasked)),
            (Role::Client, true) => return Err(Error::new(ErrorKind::Masked)),
            _ => {}
        }
        let short = second & !MASKED;
        if opcode.is_control() && short > CONTROL_PAYLOAD as u8 {
            return Err(Error::new(ErrorKind::ControlTooLong));
        }
        let (payload, rest) = match short {
            LENGTH_16 => {
                let Some((length, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                (u64::from(u16::from_be_bytes(*length)), rest)
            }
            LENGTH_64 => {
                let Some((length, rest)) = rest.split_first_chunk() else {
                    return Ok(None);
                };
                (u64::from_be_bytes(*length), rest)
            }
            short => (u64::from(short), rest),
        };
        if payload >> 63 != 0 {
            return Err(Error::new(ErrorKind::LengthOverflow));
        }
        let minimal = match short {
            LENGTH_16 => payload >= u64::from(LENGTH_16),
            LENGTH_64 => payload > u64::from(u16::MAX),
            _ => true,
        };
        if !minimal {
            return Err(Error::new(ErrorKind::LengthNotMinimal));
        }
        let (mask, rest) = match role {
            Role::Client => ([0; 4], rest),
            Role::Server => match rest.split_first_chunk() {
                Some((mask, rest)) => (*mask, rest),
                None => return Ok(None),
            },
        };
        Ok(Some(Self {
            fin,
            compressed,
            opcode,
            mask,
            payload,
            size: input.len() - rest.len(),
        }))
    }
}

/// Writes the head of an unfragmented frame whose payload has `payload` bytes; `mask` is what a client masks it with
/// afterwards ([`apply_mask`](super::apply_mask)).
///
/// ```
/// use hyperlane_proto::websocket::{OpCode, encode_head};
///
/// let mut frame = Vec::new();
/// encode_head(&mut frame, OpCode::Text, false, 5, None);
/// frame.extend_from_slice(b"Hello");
/// assert_eq!(frame, b"\x81\x05Hello");
/// ```
pub fn encode_head(out: &mut Vec<u8>, opcode: OpCode, compressed: bool, payload: usize, mask: Option<[u8; 4]>) {
    let first = FIN | opcode.bits() | if compressed { RSV1 } else { 0 };
    let masked = if mask.is_some() { MASKED } else { 0 };
    if payload < usize::from(LENGTH_16) {
        out.extend_from_slice(&[first, masked | payload as u8]);
    } else if let Ok(short) = u16::try_from(payload) {
        let [a, b] = short.to_be_bytes();
        out.extend_from_slice(&[first, masked | LENGTH_16, a, b]);
    } else {
        out.extend_from_slice(&[first, masked | LENGTH_64]);
        out.extend_from_slice(&(payload as u64).to_be_bytes());
    }
    out.extend(mask.into_iter().flatten());
}
