//! Each rule of the protocol, by name. What whole streams mean is in `golden.rs`, that cutting them does
//! not matter in `splits.rs`.

#![expect(clippy::unwrap_used, reason = "it is how a test says what must hold")]

mod chunked;
mod encode;
mod framing;
mod head;
