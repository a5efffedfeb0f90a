//! What the tests have in common.

use std::time::Duration;

use hyperlane_uring::Ring;

/// Longer than anything takes that goes well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Runs a test in a runtime with a ring; `None`, and a word about it, where the kernel has none.
pub(crate) fn with_ring<T>(test: impl AsyncFnOnce(Ring) -> T) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        match Ring::start() {
            Ok(ring) => Some(test(ring).await),
            Err(refused) => {
                eprintln!("SKIPPED: no io_uring on this machine: {refused}");
                None
            }
        }
    })
}

/// Bytes of which none can be missing, doubled or out of place unnoticed.
#[allow(dead_code, reason = "not every test needs it")]
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8 ^ (at / 65_536) as u8).collect()
}
