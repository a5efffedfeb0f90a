//! One request at a time writes an upload, and the newest of them does.
//!
//! A client that comes back has lost its connection, of which the server may know nothing yet. So whoever asks for an
//! upload takes it over: the request that writes it is told, keeps what it has, and ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sha2::Sha256;
use tokio::sync::{OwnedMutexGuard, watch};
use tokio::time::timeout;

use crate::id::UploadId;

/// The longest wait for the request before to end. It has to write two pieces at most.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who holds it writes the upload. It also keeps the sum of the bytes so far, so that they need not be read again.
pub(crate) type Lock = OwnedMutexGuard<Known>;

/// The sum of the first bytes of an upload, and of how many.
#[derive(Debug, Default)]
pub(crate) struct Known(pub(crate) Option<(Sha256, u64)>);

/// The locks of all uploads that somebody has asked for.
#[derive(Debug, Default)]
pub(crate) struct Locks(Mutex<HashMap<UploadId, Arc<Slot>>>);

#[derive(Debug)]
struct Slot {
    known: Arc<tokio::sync::Mutex<Known>>,
    /// Counts who has asked.
    asked: watch::Sender<u64>,
}

impl Locks {
    /// Takes an upload over. `None` if the one before does not end in time.
    pub(crate) async fn take_over(&self, id: &UploadId) -> Option<(Lock, TakenOver)> {
        let slot = self.slot(id);
        slot.asked.send_modify(|asked| *asked = asked.wrapping_add(1));
        let taken_over = TakenOver(slot.asked.subscribe());
        let lock = timeout(PATIENCE, Arc::clone(&slot.known).lock_owned()).await.ok()?;
        Some((lock, taken_over))
    }

    /// Forgets the uploads that are gone and that nobody holds.
    pub(crate) fn forget(&self, gone: impl Fn(&UploadId) -> bool) {
        self.map()
            .retain(|id, slot| Arc::strong_count(&slot.known) > 1 || !gone(id));
    }

    fn slot(&self, id: &UploadId) -> Arc<Slot> {
        let mut map = self.map();
        let slot = map.entry(*id).or_insert_with(|| {
            Arc::new(Slot {
                known: Arc::default(),
                asked: watch::channel(0).0,
            })
        });
        Arc::clone(slot)
    }

    /// No code that may panic halfway runs under the lock, so a poisoned one holds a sound map.
    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<UploadId, Arc<Slot>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells a request that a later one wants its upload.
#[derive(Debug)]
pub(crate) struct TakenOver(watch::Receiver<u64>);

impl TakenOver {
    /// Ends when a later request asks.
    pub(crate) async fn wait(&mut self) {
        if self.0.changed().await.is_err() {
            // Forgotten, hence gone: nobody will ask.
            std::future::pending::<()>().await;
        }
    }
}
