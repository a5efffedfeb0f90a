//! One hub over several nodes: what is heard, who is there, and what becomes of both when something dies.

#![expect(
    clippy::unwrap_used,
    reason = "how a test says what must hold, in its helpers as well"
)]

mod nats;
mod outage;
mod redis;
mod support;
mod unix;
