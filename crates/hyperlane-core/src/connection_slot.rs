//! How a body learns on which connection it is sent: it is made before that is known to it.

use std::sync::{Arc, OnceLock};

use crate::{ConnectionInfo, Response};

/// A place among the [extensions](Response::extensions) of a response, into which the engine puts the connection that the
/// response is sent on. The body keeps a clone of it.
///
/// A body that goes on for as long as its client likes, as an event stream does, asks that connection when its server
/// [drains](ConnectionInfo::draining), and ends then by itself.
///
/// ```
/// use hyperlane_core::{ConnectionSlot, Response};
/// use std::sync::Arc;
///
/// let slot = ConnectionSlot::default();
/// let mut response = Response::new("");
/// response.extensions_mut().insert(slot.clone());
/// assert!(slot.connection().is_none());
/// ConnectionSlot::fill(&response, &Arc::default());
/// assert!(slot.connection().is_some());
/// ```
#[derive(Clone, Debug, Default)]
pub struct ConnectionSlot(Arc<OnceLock<Arc<ConnectionInfo>>>);

impl ConnectionSlot {
    /// Puts `connection` where the response has a place for it; the first one stays. For engines, before the body is
    /// begun.
    pub fn fill(response: &Response, connection: &Arc<ConnectionInfo>) {
        if let Some(extensions) = response.extensions()
            && let Some(Self(slot)) = extensions.get()
        {
            slot.get_or_init(|| Arc::clone(connection));
        }
    }

    /// The connection, once the response is on its way.
    pub fn connection(&self) -> Option<&Arc<ConnectionInfo>> {
        self.0.get()
    }
}
