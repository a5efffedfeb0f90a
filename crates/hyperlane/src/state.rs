//! Values that belong to a server and are shared by its handlers, by type.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// At most one value of each type.
#[derive(Default)]
pub(crate) struct States {
    values: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    names: Vec<&'static str>,
}

impl States {
    /// Keeps `value`; returns whether there was one of its type before, which it replaces.
    pub(crate) fn insert<T: Clone + Send + Sync + 'static>(&mut self, value: T) -> bool {
        let replaced = self.values.insert(TypeId::of::<T>(), Arc::new(value)).is_some();
        if !replaced {
            self.names.push(type_name::<T>());
        }
        replaced
    }

    pub(crate) fn get<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.values.get(&TypeId::of::<T>())?.downcast_ref::<T>().cloned()
    }

    /// These, and of `outer` those that these do not have.
    pub(crate) fn inside_of(&self, outer: &Self) -> Self {
        let mut all = Self {
            values: outer.values.clone(),
            names: outer.names.clone(),
        };
        for (id, value) in &self.values {
            all.values.insert(*id, Arc::clone(value));
        }
        all.names.extend(&self.names);
        all
    }

    pub(crate) fn contains(&self, id: TypeId) -> bool {
        self.values.contains_key(&id)
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.names).finish()
    }
}
