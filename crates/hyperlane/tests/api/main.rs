//! The framework's API in memory: an app is called with requests, no socket is opened.
#![expect(clippy::unwrap_used, reason = "`unwrap` is how a test says what must hold")]

mod bodies;
mod cookies;
mod deadline;
mod errors;
mod extract;
mod forms;
mod forwarded;
mod merge;
mod middleware;
mod multipart;
mod optional;
mod pool;
mod problems;
mod registration;
mod responses;
mod routing;
mod stream;
mod stream_end;
mod support;
mod ui;
mod valid;
mod without_head;
