//! Who is in a room: members, not connections, wherever these are.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::rooms::give_back;

/// A member that is in a room, however many connections it has.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Present {
    /// Its id.
    pub id: Arc<str>,
    /// What was told of it when it came, as JSON.
    pub meta: Option<Arc<RawValue>>,
}

/// The members of one room.
#[derive(Debug, Default)]
pub(crate) struct Roster(HashMap<Arc<str>, Place>);

#[derive(Debug, Default)]
struct Place {
    meta: Option<Arc<RawValue>>,
    /// Connections in this process.
    here: u32,
    /// Other nodes where it has some.
    elsewhere: Vec<u64>,
}

/// What a change means for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// It was nowhere before, or is nowhere now.
    pub(crate) everywhere: bool,
    /// It was not in this process before, or is not now.
    pub(crate) here: bool,
}

impl Roster {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn list(&self, limit: usize) -> Vec<Present> {
        let present = |(id, place): (&Arc<str>, &Place)| Present {
            id: Arc::clone(id),
            meta: place.meta.clone(),
        };
        self.0.iter().take(limit).map(present).collect()
    }

    /// Those who have a connection in this process.
    pub(crate) fn here(&self) -> impl Iterator<Item = Present> {
        let here = self.0.iter().filter(|(_, place)| place.here > 0);
        here.map(|(id, place)| Present {
            id: Arc::clone(id),
            meta: place.meta.clone(),
        })
    }

    pub(crate) fn come(&mut self, member: &Arc<str>, meta: Option<Arc<RawValue>>) -> Change {
        let place = self.0.entry(Arc::clone(member)).or_default();
        let change = Change {
            everywhere: place.here == 0 && place.elsewhere.is_empty(),
            here: place.here == 0,
        };
        place.here += 1;
        if meta.is_some() {
            place.meta = meta;
        }
        change
    }

    pub(crate) fn go(&mut self, member: &str) -> Change {
        let nothing = Change {
            everywhere: false,
            here: false,
        };
        let Some(place) = self.0.get_mut(member) else {
            return nothing;
        };
        place.here = place.here.saturating_sub(1);
        if place.here > 0 {
            return nothing;
        }
        let everywhere = place.elsewhere.is_empty();
        if everywhere {
            self.remove(member);
        }
        Change { everywhere, here: true }
    }

    /// It has a connection at another node. True: it was nowhere before.
    pub(crate) fn come_elsewhere(&mut self, node: u64, member: &Arc<str>, meta: Option<Arc<RawValue>>) -> bool {
        let place = self.0.entry(Arc::clone(member)).or_default();
        let new = place.here == 0 && place.elsewhere.is_empty();
        if !place.elsewhere.contains(&node) {
            place.elsewhere.push(node);
        }
        if meta.is_some() {
            place.meta = meta;
        }
        new
    }

    /// It has none there any more. True: it is nowhere now.
    pub(crate) fn go_elsewhere(&mut self, node: u64, member: &str) -> bool {
        let Some(place) = self.0.get_mut(member) else {
            return false;
        };
        place.elsewhere.retain(|other| *other != node);
        let gone = place.here == 0 && place.elsewhere.is_empty();
        if gone {
            self.remove(member);
        }
        gone
    }

    fn remove(&mut self, member: &str) {
        self.0.remove(member);
        give_back(&mut self.0);
    }

    /// Those who have a connection at that node.
    pub(crate) fn at(&self, node: u64) -> Vec<Arc<str>> {
        let there = self.0.iter().filter(|(_, place)| place.elsewhere.contains(&node));
        there.map(|(id, _)| Arc::clone(id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_with_several_connections_counts_once() {
        let mut roster = Roster::default();
        let ada: Arc<str> = "ada".into();
        assert!(roster.come(&ada, None).everywhere);
        assert!(!roster.come(&ada, None).everywhere);
        assert!(!roster.come_elsewhere(7, &ada, None));
        assert_eq!(roster.len(), 1);
        assert!(!roster.go("ada").here);
        let last_here = roster.go("ada");
        assert!(last_here.here && !last_here.everywhere);
        assert!(roster.go_elsewhere(7, "ada"));
        assert!(roster.is_empty());
        assert!(!roster.go("ada").here);
    }
}
