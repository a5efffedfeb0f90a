//! The reverse proxy between real connections: our own server, servers that misbehave on purpose, and Node's.
#![expect(clippy::unwrap_used, reason = "`unwrap` is how a test says what must hold")]

mod balance;
mod connect;
mod failures;
mod fields;
mod node;
mod smuggling;
mod streaming;
mod support;
mod tls;
mod upgrade;
