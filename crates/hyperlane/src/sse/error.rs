//! Why an event could not be sent.

use std::error::Error as StdError;
use std::fmt;

#[cfg(feature = "json")]
use hyperlane_core::BoxError;

/// Why an event could not be made, sent or published.
#[derive(Debug)]
pub struct EventError(Kind);

#[derive(Debug)]
pub(super) enum Kind {
    /// A line end or NUL in this field.
    Field(&'static str),
    #[cfg(feature = "json")]
    Json(BoxError),
    TooLarge {
        bytes: usize,
        limit: usize,
    },
    Full,
    Closed,
}

impl EventError {
    pub(super) fn new(kind: Kind) -> Self {
        Self(kind)
    }

    /// Whether the event itself can't go on the wire: its id or name holds a line end or NUL, or its data can't be
    /// written as JSON.
    pub fn is_invalid(&self) -> bool {
        match self.0 {
            Kind::Field(_) => true,
            #[cfg(feature = "json")]
            Kind::Json(_) => true,
            Kind::TooLarge { .. } | Kind::Full | Kind::Closed => false,
        }
    }

    /// Whether the event is larger than what an [`EventLog`](super::EventLog) may keep.
    pub fn is_too_large(&self) -> bool {
        matches!(self.0, Kind::TooLarge { .. })
    }

    /// Whether the channel has no room at the moment.
    pub fn is_full(&self) -> bool {
        matches!(self.0, Kind::Full)
    }

    /// Whether nobody receives any more: the client has left, or the server shuts down.
    pub fn is_closed(&self) -> bool {
        matches!(self.0, Kind::Closed)
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Field(field) => write!(f, "{field} of an event holds a line end or nul: encode it first"),
            #[cfg(feature = "json")]
            Kind::Json(_) => f.write_str("data of an event can't be written as json"),
            Kind::TooLarge { bytes, limit } => {
                write!(
                    f,
                    "event of {bytes} bytes exceeds the {limit} bytes that its log may keep"
                )
            }
            Kind::Full => f.write_str("event channel is full: wait with `send`, or drop the event"),
            Kind::Closed => f.write_str("event stream has ended: nobody receives it"),
        }
    }
}

impl StdError for EventError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0 {
            #[cfg(feature = "json")]
            Kind::Json(source) => Some(&**source),
            _ => None,
        }
    }
}
