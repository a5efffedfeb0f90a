//! Why a socket can't go on.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use hyperlane_proto::websocket as proto;

/// Why something could not be received or sent.
///
/// After an error of receiving there is nothing more to receive: the connection is over, or being closed with the code
/// that fits.
#[derive(Debug)]
pub struct WebSocketError(Box<Kind>);

#[derive(Debug)]
enum Kind {
    Closed,
    Disconnected(Option<io::Error>),
    Protocol(proto::Error),
    Silent(Duration),
    Stalled(Duration),
    Invalid(&'static str),
    #[cfg(feature = "json")]
    Json(serde_json::Error),
}

impl WebSocketError {
    pub(super) fn closed() -> Self {
        Self(Box::new(Kind::Closed))
    }

    pub(super) fn disconnected(error: Option<io::Error>) -> Self {
        Self(Box::new(Kind::Disconnected(error)))
    }

    pub(super) fn protocol(error: proto::Error) -> Self {
        Self(Box::new(Kind::Protocol(error)))
    }

    pub(super) fn silent(after: Duration) -> Self {
        Self(Box::new(Kind::Silent(after)))
    }

    pub(super) fn stalled(after: Duration) -> Self {
        Self(Box::new(Kind::Stalled(after)))
    }

    pub(super) fn invalid(why: &'static str) -> Self {
        Self(Box::new(Kind::Invalid(why)))
    }

    #[cfg(feature = "json")]
    pub(super) fn json(error: serde_json::Error) -> Self {
        Self(Box::new(Kind::Json(error)))
    }

    /// Whether the socket is closed, or closing, so that nothing can be sent.
    pub fn is_closed(&self) -> bool {
        matches!(*self.0, Kind::Closed)
    }

    /// Whether the connection ended without a close frame: the peer died, or its network did.
    pub fn is_disconnect(&self) -> bool {
        matches!(*self.0, Kind::Disconnected(_) | Kind::Silent(_) | Kind::Stalled(_))
    }

    /// Whether the peer did not answer a ping, or took nothing of what was sent, for too long.
    pub fn is_timeout(&self) -> bool {
        matches!(*self.0, Kind::Silent(_) | Kind::Stalled(_))
    }

    /// Whether the peer broke the protocol, or exceeded a limit; it was told by the close code.
    pub fn is_protocol(&self) -> bool {
        matches!(*self.0, Kind::Protocol(_))
    }

    /// Whether a message exceeded its limit.
    pub fn is_too_large(&self) -> bool {
        matches!(&*self.0, Kind::Protocol(error) if error.kind() == proto::ErrorKind::MessageTooLarge)
    }

    /// Whether a message is not the JSON that it should be, or could not be written as JSON. The socket goes on.
    pub fn is_json(&self) -> bool {
        #[cfg(feature = "json")]
        return matches!(*self.0, Kind::Json(_));
        #[cfg(not(feature = "json"))]
        return false;
    }
}

impl fmt::Display for WebSocketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Closed => f.write_str("websocket is closed"),
            Kind::Disconnected(None) => f.write_str("websocket ended without a close frame"),
            Kind::Disconnected(Some(error)) => write!(f, "websocket ended without a close frame: {error}"),
            Kind::Protocol(error) => write!(f, "peer broke the websocket protocol: {error}"),
            Kind::Silent(after) => write!(f, "peer did not answer a ping within {after:?}"),
            Kind::Stalled(after) => write!(f, "peer took nothing of what was sent for {after:?}"),
            Kind::Invalid(why) => write!(f, "message can't be sent or read: {why}"),
            #[cfg(feature = "json")]
            Kind::Json(error) => write!(f, "message is not the json that it should be: {error}"),
        }
    }
}

impl StdError for WebSocketError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &*self.0 {
            Kind::Disconnected(Some(error)) => Some(error),
            Kind::Protocol(error) => Some(error),
            #[cfg(feature = "json")]
            Kind::Json(error) => Some(error),
            _ => None,
        }
    }
}
