//! Why somebody could not join, or something could not be sent.

use std::error::Error as StdError;
use std::fmt;

/// Why a hub refused.
#[derive(Debug)]
pub struct HubError(Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    Closed,
    Name {
        what: &'static str,
        limit: usize,
    },
    TooLarge {
        what: &'static str,
        bytes: usize,
        limit: usize,
    },
    TooManyRooms(usize),
    RoomFull(usize),
    Busy,
    Json(serde_json::Error),
}

impl HubError {
    pub(crate) fn new(kind: Kind) -> Self {
        Self(kind)
    }

    /// Whether the hub is closed.
    pub fn is_closed(&self) -> bool {
        matches!(self.0, Kind::Closed)
    }

    /// Whether a name, a message or what is told of a member can't be: it is empty or too long, or no JSON.
    pub fn is_invalid(&self) -> bool {
        matches!(self.0, Kind::Name { .. } | Kind::TooLarge { .. } | Kind::Json(_))
    }

    /// Whether there is no room for one more, or not at the moment.
    pub fn is_full(&self) -> bool {
        matches!(self.0, Kind::TooManyRooms(_) | Kind::RoomFull(_) | Kind::Busy)
    }
}

impl fmt::Display for HubError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Closed => f.write_str("hub is closed"),
            Kind::Name { what, limit } => write!(f, "{what} must have 1 to {limit} bytes"),
            Kind::TooLarge { what, bytes, limit } => write!(f, "{what} of {bytes} bytes exceeds {limit} bytes"),
            Kind::TooManyRooms(limit) => write!(f, "hub has {limit} rooms in use: raise `max_rooms` or leave some"),
            Kind::RoomFull(limit) => write!(f, "room has {limit} connections: raise `max_members`"),
            Kind::Busy => f.write_str("too many messages wait for the other nodes: try again"),
            Kind::Json(_) => f.write_str("message can't be written as json"),
        }
    }
}

impl StdError for HubError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.0 {
            Kind::Json(source) => Some(source),
            _ => None,
        }
    }
}
