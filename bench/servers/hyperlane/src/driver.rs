//! Which of its runtimes hyperlane is measured with.

use std::env;

use hyperlane::Runtime;

/// From the environment variable `DRIVER`: `portable`, which is also the default, `per-core` or `io-uring`.
///
/// # Panics
///
/// It is something else.
pub(crate) fn runtime() -> Runtime {
    match env::var("DRIVER").as_deref() {
        Err(_) | Ok("portable") => Runtime::Shared,
        Ok("per-core") => Runtime::PerCore,
        Ok("io-uring") => Runtime::IoUring,
        Ok(other) => panic!("DRIVER is `{other}`: write `portable`, `per-core` or `io-uring`"),
    }
}
