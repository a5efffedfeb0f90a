//! What nodes say to each other, as lines of JSON in the log.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::position::Origin;

/// An entry of the log.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Which node says it.
    pub(crate) node: u64,
    /// The number of the entry among those of this node.
    pub(crate) number: u64,
    /// When, in milliseconds since 1970.
    pub(crate) at: u64,
    pub(crate) body: Body,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Body {
    /// Something for the members of a room.
    Say {
        room: Arc<str>,
        from: Option<Arc<str>>,
        data: Arc<RawValue>,
    },
    /// Something for one member.
    Direct {
        to: Arc<str>,
        from: Option<Arc<str>>,
        data: Arc<RawValue>,
    },
    /// A member has its first connection at this node.
    Come(Stay),
    /// A member has lost its last.
    Go { room: Arc<str>, member: Arc<str> },
    /// All members of this node, in parts: what was known of it before is void.
    Here { stays: Vec<Stay>, first: bool, last: bool },
    /// The node is new, or was away: it asks the others for their members.
    Hello,
    /// The node is there.
    Alive,
    /// The node ends.
    Bye,
    /// The node was cut off, and so many messages are lost to the others.
    Lost(u64),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Stay {
    pub(crate) room: Arc<str>,
    pub(crate) member: Arc<str>,
    pub(crate) meta: Option<Arc<RawValue>>,
}

impl Entry {
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            node: self.node,
            number: self.number,
        }
    }
}
