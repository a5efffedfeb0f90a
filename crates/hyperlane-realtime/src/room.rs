//! A room, as the application sees it.

use std::sync::Arc;

use serde::Serialize;

use crate::delivery::Delivery;
use crate::error::HubError;
use crate::hub::Hub;
use crate::presence::Present;

/// A room of a [`Hub`], by its name. It need not exist yet.
///
/// ```
/// use hyperlane_realtime::Hub;
///
/// # fn main() -> Result<(), hyperlane_realtime::HubError> {
/// let lobby = Hub::new().room("lobby");
/// lobby.broadcast(&"the doors are open")?;
/// assert_eq!(lobby.history(10).last().map(|said| said.data().to_owned()).as_deref(), Some("\"the doors are open\""));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Room {
    hub: Hub,
    name: Arc<str>,
}

impl Room {
    pub(crate) fn new(hub: Hub, name: Arc<str>) -> Self {
        Self { hub, name }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Sends a value to all members, as JSON that is written once. It waits for nobody; the time it takes
    /// grows with the members.
    ///
    /// With a backplane it is heard when it comes back from there, so that all nodes hear the same order.
    ///
    /// # Errors
    ///
    /// The value is larger than a message may be, or no JSON; the hub is closed; too much waits for the other nodes.
    pub fn broadcast<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), HubError> {
        self.hub.0.say(&self.name, None, value)
    }

    /// The same on behalf of a member.
    ///
    /// # Errors
    ///
    /// Those of [`broadcast`](Self::broadcast).
    pub fn broadcast_from<T: Serialize + ?Sized>(
        &self,
        member: impl Into<Arc<str>>,
        value: &T,
    ) -> Result<(), HubError> {
        self.hub.0.say(&self.name, Some(&member.into()), value)
    }

    /// Who is there, at all nodes, in no order.
    pub fn presence(&self) -> Vec<Present> {
        let room = self.hub.0.rooms.get(&self.name);
        room.map(|room| room.lock().roster.list(usize::MAX)).unwrap_or_default()
    }

    /// How many members are there, at all nodes.
    pub fn members(&self) -> usize {
        let room = self.hub.0.rooms.get(&self.name);
        room.map_or(0, |room| room.lock().roster.len())
    }

    /// The last messages of those that are kept, up to so many, the oldest first.
    pub fn history(&self, number: usize) -> Vec<Delivery> {
        let room = self.hub.0.rooms.get(&self.name);
        room.map(|room| room.lock().history.last(number, &self.hub.0.limits))
            .unwrap_or_default()
    }
}
