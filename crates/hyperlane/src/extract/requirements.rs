//! What handlers need of their server.

use std::any::{TypeId, type_name};

/// What the arguments of a handler need of the server; collected at registration, checked by
/// [`Server::run`](crate::Server::run).
#[derive(Debug, Default)]
pub struct Requirements {
    states: Vec<(TypeId, &'static str)>,
}

impl Requirements {
    /// Needs a value of this type to be given to [`Server::state`](crate::Server::state).
    pub fn state<T: 'static>(&mut self) {
        self.states.push((TypeId::of::<T>(), type_name::<T>()));
    }

    /// The types of states that are needed, with their names.
    pub(crate) fn into_states(self) -> Vec<(TypeId, &'static str)> {
        self.states
    }
}
