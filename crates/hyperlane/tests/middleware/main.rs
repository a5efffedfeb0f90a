//! The ready-made middleware: what each does, what it refuses, and that streams stay streams.
#![expect(clippy::unwrap_used, reason = "`unwrap` is how a test says what must hold")]

mod access_log;
mod basic_auth;
mod bearer_auth;
mod body_limit;
mod catch_panic;
mod compression;
mod concurrency_limit;
mod cors;
mod csrf;
mod decompression;
mod etag;
mod jwt;
mod order;
mod rate_limit;
mod request_id;
mod security_headers;
mod session;
mod session_stores;
mod settings;
mod support;
mod timeout;
mod together;
mod trace;
