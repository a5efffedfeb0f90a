//! What is sent and received: whole messages.

use bytes::Bytes;
use bytestring::ByteString;
use hyperlane_proto::websocket::{CloseFrame, Event};
#[cfg(feature = "json")]
use serde::{Serialize, de::DeserializeOwned};

#[cfg(feature = "json")]
use super::WebSocketError;

/// A message, or a control frame.
///
/// Text and bytes are cheap to clone, so that one message can be sent to thousands.
///
/// ```
/// use hyperlane::Bytes;
/// use hyperlane::websocket::Message;
///
/// assert_eq!(Message::from("hello").as_text(), Some("hello"));
/// assert_eq!(Message::from(vec![1, 2]), Message::Binary(Bytes::from_static(&[1, 2])));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text, which is UTF-8.
    Text(ByteString),
    /// Bytes.
    Binary(Bytes),
    /// A ping of up to 125 bytes. Sent by hand it is of use to nobody but a test: a socket
    /// [asks by itself](super::WebSocketUpgrade::keep_alive) whether its peer is there. Received ones are answered and
    /// not handed out.
    Ping(Bytes),
    /// A pong of up to 125 bytes, sent unasked. Received ones are not handed out.
    Pong(Bytes),
    /// The end, with its reason. Received, it is the last message; it is answered by the socket itself.
    Close(Option<CloseFrame>),
}

impl Message {
    /// A message of text.
    pub fn text(text: impl Into<ByteString>) -> Self {
        Self::Text(text.into())
    }

    /// A message of bytes.
    pub fn binary(bytes: impl Into<Bytes>) -> Self {
        Self::Binary(bytes.into())
    }

    /// A value as a message of text, in JSON.
    ///
    /// # Errors
    ///
    /// The value can't be written as JSON.
    #[cfg(feature = "json")]
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self, WebSocketError> {
        let text = serde_json::to_string(value).map_err(WebSocketError::json)?;
        Ok(Self::text(text))
    }

    /// The value that text or bytes hold as JSON.
    ///
    /// # Errors
    ///
    /// They are no JSON, or not of this type, or it is another kind of message.
    #[cfg(feature = "json")]
    pub fn to_json<T: DeserializeOwned>(&self) -> Result<T, WebSocketError> {
        match self.data() {
            Some(data) => serde_json::from_slice(data).map_err(WebSocketError::json),
            None => Err(WebSocketError::invalid("a control frame holds no json")),
        }
    }

    /// The text, if it is some.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The content of text or bytes.
    pub fn data(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text.as_bytes()),
            Self::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The bytes that it takes.
    pub(super) fn size(&self) -> usize {
        self.data().map_or(0, <[u8]>::len)
    }

    /// What of a peer's events is for the application.
    pub(super) fn of_event(event: Event) -> Self {
        match event {
            Event::Text(text) => Self::Text(text.into()),
            Event::Binary(bytes) => Self::Binary(bytes.into()),
            Event::Ping(payload) => Self::Ping(payload.into()),
            Event::Pong(payload) => Self::Pong(payload.into()),
            Event::Close(frame) => Self::Close(frame),
        }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<ByteString> for Message {
    fn from(text: ByteString) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::binary(bytes)
    }
}

impl From<Bytes> for Message {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}

impl From<CloseFrame> for Message {
    fn from(frame: CloseFrame) -> Self {
        Self::Close(Some(frame))
    }
}
