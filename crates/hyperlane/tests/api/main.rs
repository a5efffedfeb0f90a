//! The framework's API in memory: an app is called with requests, no socket is opened.
#![expect(clippy::unwrap_used, reason = "`unwrap` is how a test says what must hold")]

mod extract;
mod merge;
mod middleware;
mod pool;
mod registration;
mod routing;
mod stream;
mod stream_end;
mod support;
mod ui;
