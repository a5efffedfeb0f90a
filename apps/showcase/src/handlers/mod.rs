//! One file for each demo.

pub(crate) mod async_data;
pub(crate) mod best_practices;
pub(crate) mod concurrent_ops;
pub(crate) mod errors;
pub(crate) mod notes;
pub(crate) mod performance;
pub(crate) mod scenarios;
pub(crate) mod stream;
pub(crate) mod sync_data;
pub(crate) mod visitor;
