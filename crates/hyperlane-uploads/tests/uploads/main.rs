//! Uploads through the engine: whole ones, resumable ones, and what breaks off.

#![expect(
    clippy::unwrap_used,
    reason = "how a test says what must hold, in its helpers as well"
)]

mod faults;
mod form;
mod support;
mod tus;
mod tus_client;
mod tus_extensions;
mod tus_resuming;
mod whole;
