//! From bytes to messages: frames, fragments, masks, compression and UTF-8 in one forward pass.

#[cfg(feature = "deflate")]
use super::Inflater;
use super::frame::FrameHead;
use super::utf8::Utf8Progress;
use super::{CloseFrame, Error, ErrorKind, OpCode, Role, apply_mask};

/// A buffer for a message grows by no more than this at once: a peer that announces much has to send it before it
/// takes memory.
const GROWTH: usize = 64 * 1024;

/// What a message may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageLimits {
    /// The most bytes of a message, decompressed. Default: 1,048,576 (1 MiB): a connection holds up to one message that
    /// is not complete, and there may be tens of thousands of connections. A frame needs no limit of its own: it is
    /// refused by its announced length, before any of it arrives, if the message would be too large.
    pub message_bytes: usize,
    /// The most fragments of a message. Default: 16,384: enough for the largest message in fragments of 64 bytes, and
    /// an end to empty ones, which otherwise could follow each other for ever.
    pub fragments: usize,
}

impl Default for MessageLimits {
    fn default() -> Self {
        Self {
            message_bytes: 1024 * 1024,
            fragments: 16 * 1024,
        }
    }
}

/// Something complete that a peer sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message of text.
    Text(String),
    /// A message of bytes.
    Binary(Vec<u8>),
    /// A ping, which wants a pong with its payload (RFC 6455 §5.5.2).
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// The end: nothing behind it is looked at (RFC 6455 §5.5.1).
    Close(Option<CloseFrame>),
}

/// What a call of [`Decoder::decode`] did.
#[derive(Debug)]
pub struct Decoded {
    /// The bytes that are done with.
    pub consumed: usize,
    /// What was completed by them; `None`: more bytes are needed.
    pub event: Option<Event>,
}

/// Makes messages of bytes.
#[derive(Debug)]
pub struct Decoder {
    role: Role,
    limits: MessageLimits,
    /// The data frame whose payload is coming.
    frame: Option<Frame>,
    /// The message whose fragments are coming.
    message: Option<Message>,
    closed: bool,
    #[cfg(feature = "deflate")]
    inflater: Option<Box<Inflater>>,
}

#[derive(Debug)]
struct Frame {
    fin: bool,
    mask: [u8; 4],
    payload: u64,
    received: u64,
}

#[derive(Debug)]
struct Message {
    is_text: bool,
    compressed: bool,
    data: Vec<u8>,
    utf8: Utf8Progress,
    /// The bytes of its frames so far, announced or received.
    announced: u64,
    fragments: usize,
}

impl Decoder {
    /// Reads what the peer of `role` sends.
    pub fn new(role: Role, limits: MessageLimits) -> Self {
        Self {
            role,
            limits,
            frame: None,
            message: None,
            closed: false,
            #[cfg(feature = "deflate")]
            inflater: None,
        }
    }

    /// The same, of a peer that may compress its messages (RFC 7692).
    #[cfg(feature = "deflate")]
    #[must_use]
    pub fn with_inflater(mut self, inflater: Inflater) -> Self {
        self.inflater = Some(Box::new(inflater));
        self
    }

    /// Reads on to the next event. `input` begins with the byte behind those that were consumed before; what of it is
    /// consumed is unmasked in place and of no further use.
    ///
    /// A head is consumed as a whole, a control frame too (together they have at most 139 bytes); the rest as it comes.
    ///
    /// # Errors
    ///
    /// The peer broke a rule, or exceeded a limit. Nothing may be decoded afterwards.
    pub fn decode(&mut self, input: &mut [u8]) -> Result<Decoded, Error> {
        let mut consumed = 0;
        let event = loop {
            let Some(rest) = input.get_mut(consumed..) else {
                break None;
            };
            if self.closed {
                // What follows a close means nothing.
                consumed = input.len();
                break None;
            }
            if self.frame.is_some() {
                let (taken, event) = self.take_payload(rest)?;
                consumed += taken;
                if event.is_some() || self.frame.is_some() {
                    break event;
                }
                continue;
            }
            let Some(head) = FrameHead::parse(rest, self.role, self.allows_compression())? else {
                break None;
            };
            if head.opcode.is_control() {
                let Some(payload) = rest.get_mut(head.size..head.size + head.payload as usize) else {
                    break None;
                };
                apply_mask(payload, head.mask, 0);
                let event = self.control(head.opcode, payload)?;
                consumed += head.size + head.payload as usize;
                break Some(event);
            }
            self.begin_frame(&head)?;
            consumed += head.size;
        };
        Ok(Decoded { consumed, event })
    }

    /// The bytes of the frame's payload that are still to come.
    pub fn remaining(&self) -> u64 {
        self.frame.as_ref().map_or(0, |frame| frame.payload - frame.received)
    }

    /// Whether a message has begun and not ended.
    pub fn in_message(&self) -> bool {
        self.message.is_some()
    }

    #[cfg(feature = "deflate")]
    fn allows_compression(&self) -> bool {
        self.inflater.is_some()
    }

    #[cfg(not(feature = "deflate"))]
    fn allows_compression(&self) -> bool {
        false
    }

    fn control(&mut self, opcode: OpCode, payload: &[u8]) -> Result<Event, Error> {
        Ok(match opcode {
            OpCode::Ping => Event::Ping(payload.to_vec()),
            OpCode::Pong => Event::Pong(payload.to_vec()),
            _ => {
                let close = CloseFrame::parse(payload)?;
                self.closed = true;
                Event::Close(close)
            }
        })
    }

    /// Takes a data frame in, if its place is right and there is room for it.
    fn begin_frame(&mut self, head: &FrameHead) -> Result<(), Error> {
        let message = match (&mut self.message, head.opcode) {
            (None, OpCode::Continuation) => return Err(Error::new(ErrorKind::UnexpectedContinuation)),
            (Some(_), OpCode::Text | OpCode::Binary) => return Err(Error::new(ErrorKind::ExpectedContinuation)),
            (Some(message), _) => message,
            (none, opcode) => none.insert(Message {
                is_text: opcode == OpCode::Text,
                compressed: head.compressed,
                data: Vec::new(),
                utf8: Utf8Progress::default(),
                announced: 0,
                fragments: 0,
            }),
        };
        message.fragments += 1;
        if message.fragments > self.limits.fragments {
            return Err(Error::over(ErrorKind::TooManyFragments, self.limits.fragments));
        }
        message.announced = message.announced.saturating_add(head.payload);
        let most = self.limits.message_bytes as u64;
        let most = match message.compressed {
            // What does not compress gets longer by a little (RFC 1951 §3.2.4).
            true => most.saturating_add(most / 16).saturating_add(1024),
            false => most,
        };
        if message.announced > most {
            return Err(Error::over(ErrorKind::MessageTooLarge, self.limits.message_bytes));
        }
        self.frame = Some(Frame {
            fin: head.fin,
            mask: head.mask,
            payload: head.payload,
            received: 0,
        });
        Ok(())
    }

    /// Takes what there is of the frame's payload.
    fn take_payload(&mut self, input: &mut [u8]) -> Result<(usize, Option<Event>), Error> {
        let (Some(frame), Some(message)) = (&mut self.frame, &mut self.message) else {
            return Ok((0, None));
        };
        let left = frame.payload - frame.received;
        let taken = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
        let piece = input.get_mut(..taken).unwrap_or_default();
        if self.role == Role::Server {
            apply_mask(piece, frame.mask, frame.received);
        }
        frame.received += taken as u64;
        let frame_done = frame.received == frame.payload;
        let done = frame_done && frame.fin;
        let still_to_come = frame.payload - frame.received;
        if frame_done {
            self.frame = None;
        }
        if message.compressed {
            #[cfg(feature = "deflate")]
            if let Some(inflater) = &mut self.inflater {
                let limit = self.limits.message_bytes;
                let mut inflated = inflater.inflate(piece, &mut message.data, limit);
                if done && inflated.is_ok() {
                    inflated = inflater.end_message(&mut message.data, limit);
                }
                if inflated.is_err() && message.is_text && !message.utf8.check(&message.data) {
                    // Of two faults the one that comes first.
                    return Err(Error::new(ErrorKind::InvalidUtf8));
                }
                inflated?;
            }
        } else {
            message.append(piece, still_to_come);
        }
        // A text that is there at once is looked at once, when it is made a string.
        if message.is_text && !(done && message.utf8.is_fresh()) && !message.utf8.check(&message.data) {
            return Err(Error::new(ErrorKind::InvalidUtf8));
        }
        if !done {
            return Ok((taken, None));
        }
        let event = self.message.take().map(Message::complete).transpose()?;
        Ok((taken, event))
    }
}

impl Message {
    /// Adds a piece; `still_to_come` bytes of its frame are announced behind it.
    fn append(&mut self, piece: &[u8], still_to_come: u64) {
        if self.data.capacity() - self.data.len() < piece.len() {
            let ahead = usize::try_from(still_to_come).unwrap_or(usize::MAX);
            let growth = ahead.min(GROWTH.max(self.data.len()));
            self.data.reserve_exact(piece.len().saturating_add(growth));
        }
        self.data.extend_from_slice(piece);
    }

    fn complete(self) -> Result<Event, Error> {
        if !self.is_text {
            return Ok(Event::Binary(self.data));
        }
        let text = String::from_utf8(self.data).map_err(|_| Error::new(ErrorKind::InvalidUtf8))?;
        Ok(Event::Text(text))
    }
}
