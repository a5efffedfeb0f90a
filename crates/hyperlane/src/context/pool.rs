//! Memory of contexts, kept by each thread for the next request: in the steady state a context costs no allocation.

use std::cell::RefCell;
use std::sync::Arc;

use super::Inner;

/// Contexts kept by each thread; more are freed.
const POOLED: usize = 64;

thread_local! {
    static POOL: RefCell<Vec<Arc<Inner>>> = const { RefCell::new(Vec::new()) };
}

/// The memory of an earlier request, or new memory, prepared by `fill`.
pub(super) fn take(fill: impl FnOnce(&mut Inner)) -> Arc<Inner> {
    let mut inner = POOL
        .try_with(|pool| pool.borrow_mut().pop())
        .ok()
        .flatten()
        .unwrap_or_default();
    match Arc::get_mut(&mut inner) {
        Some(unique) => fill(unique),
        None => {
            // Never taken: a pooled one has no other handle.
            let mut fresh = Inner::default();
            fill(&mut fresh);
            inner = Arc::new(fresh);
        }
    }
    inner
}

/// Keeps the memory for a later request, if this was the last handle.
pub(super) fn give_back(inner: Arc<Inner>) {
    // Usually another handle is still there, which will come here. To see that is cheaper than to ask for the only one;
    // when two are dropped at once by two threads, both may see each other, and the memory is freed.
    if Arc::strong_count(&inner) == 1 {
        let _ = give_back_if(inner, |_| true);
    }
}

/// Keeps the memory for a later request, if this was the last handle and `condition` holds; else it comes back.
pub(super) fn give_back_if(
    mut inner: Arc<Inner>,
    condition: impl FnOnce(&mut Inner) -> bool,
) -> Result<(), Arc<Inner>> {
    let Some(unique) = Arc::get_mut(&mut inner) else {
        return Err(inner);
    };
    if !condition(unique) {
        return Err(inner);
    }
    // Before the pool is borrowed: values of the application are dropped here, which may use contexts themselves.
    unique.reset();
    // While a thread ends its pool may be gone already: then the memory is simply freed.
    let _ = POOL.try_with(|pool| {
        let mut pool = pool.borrow_mut();
        if pool.len() < POOLED {
            pool.push(inner);
        }
    });
    Ok(())
}
