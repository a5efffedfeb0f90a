//! Files over the test client, which talks to the engine that serves, and over a real socket to curl.

mod conditions;
mod curl;
mod directories;
mod downloads;
#[cfg(unix)]
mod hostile;
mod memory;
mod protocols;
mod ranges;
mod streaming;
mod support;
mod variants;
