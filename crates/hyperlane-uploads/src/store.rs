//! The store: a folder of files that were uploaded, with its limits.

use std::cmp::Reverse;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{UploadError, UploadErrorKind};
use crate::folder::{self, Folder};
use crate::id::UploadId;
use crate::quota::Quota;
use crate::settings::UploadSettings;
use crate::stored::{Record, StoredFile};
use crate::sweep;
use crate::tus::locks::Locks;

/// How often what was abandoned is looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// A folder of files that were uploaded. It is a cheap handle.
///
/// A file is in it whole, with its name, type and checksum, or not at all: whatever breaks off in between (the client,
/// the process, the disk) leaves nothing that is not removed again. Several processes may share the folder on Unix.
///
/// ```no_run
/// use hyperlane::*;
/// use hyperlane_uploads::{StoredFile, UploadError, UploadStore};
///
/// async fn upload(form: Multipart, State(store): State<UploadStore>) -> Result<Json<Vec<StoredFile>>, UploadError> {
///     let form = store.receive_form(form).await?;
///     Ok(Json(form.files.into_iter().map(|(_field, file)| file).collect()))
/// }
///
/// # async fn run() -> Result<(), Error> {
/// let store = UploadStore::open("uploads").await?;
/// let server = Server::new();
/// server.state(store.clone()).post("/upload", Route::new(upload).body_limit(3 << 30));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct UploadStore(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    root: PathBuf,
    pub(crate) folder: Folder,
    pub(crate) settings: UploadSettings,
    pub(crate) quota: Arc<Quota>,
    concurrent: Arc<Semaphore>,
    pub(crate) locks: Locks,
    /// Resumable uploads that are begun and not finished.
    pub(crate) unfinished: AtomicUsize,
    /// Files that are stored.
    pub(crate) stored: AtomicUsize,
}

impl UploadStore {
    /// Opens a folder with the default limits, and makes it if it is not there. What an earlier process left unfinished
    /// is removed, but for uploads that can be resumed.
    ///
    /// # Errors
    ///
    /// The folder can't be made or read.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn open(folder: impl AsRef<Path>) -> io::Result<Self> {
        Self::open_with(folder, UploadSettings::new()).await
    }

    /// Opens a folder with limits of your own.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn open_with(folder: impl AsRef<Path>, settings: UploadSettings) -> io::Result<Self> {
        let root = folder.as_ref().to_owned();
        let inner = blocking(move || {
            let folder = Folder::open(&root, settings.durable)?;
            sweep::sweep(&folder, settings.abandoned_after)?;
            let used = sweep::used_bytes(&folder)?;
            Ok(Inner {
                root,
                quota: Arc::new(Quota::new(used, settings.quota)),
                concurrent: Arc::new(Semaphore::new(settings.max_concurrent)),
                settings,
                locks: Locks::default(),
                unfinished: AtomicUsize::new(sweep::unfinished(&folder)?),
                stored: AtomicUsize::new(sweep::stored(&folder)?),
                folder,
            })
        })
        .await?;
        let store = Self(Arc::new(inner));
        store.sweep_for_ever();
        Ok(store)
    }

    /// What is known of a file; `None` if there is no such file.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub async fn find(&self, id: &UploadId) -> io::Result<Option<StoredFile>> {
        Ok(self.record(id).await?.map(|record| record.file))
    }

    pub(crate) async fn record(&self, id: &UploadId) -> io::Result<Option<Record>> {
        let path = self.0.folder.record(id);
        blocking(move || folder::read_json(&path)).await
    }

    /// All files, the newest first.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub async fn list(&self) -> io::Result<Vec<StoredFile>> {
        let inner = Arc::clone(&self.0);
        blocking(move || {
            let mut files = Vec::new();
            for (id, extension) in folder::ids(&inner.folder.files)? {
                if extension.as_deref() != Some("json") {
                    continue;
                }
                match folder::read_json::<Record>(&inner.folder.record(&id)) {
                    // It may have been removed meanwhile.
                    Ok(record) => files.extend(record.map(|record| record.file)),
                    Err(error) => tracing::error!(%error, "a stored file is left out of the list"),
                }
            }
            files.sort_by_key(|file| Reverse((file.stored_ms, file.id)));
            Ok(files)
        })
        .await
    }

    /// Removes a file and what was made of it; tells whether it was there.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub async fn remove(&self, id: &UploadId) -> io::Result<bool> {
        let (inner, id) = (Arc::clone(&self.0), *id);
        blocking(move || {
            let record = inner.folder.record(&id);
            // Twice at once, its bytes are given back once: by who removed its record.
            match std::fs::remove_file(&record) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                Err(error) => return Err(error),
            }
            let less = |count: usize| Some(count.saturating_sub(1));
            let _ = inner.stored.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
            let path = inner.folder.file(&id);
            let bytes = folder::length(&path)?.unwrap_or_default();
            folder::remove(&path)?;
            inner.quota.give_back(bytes);
            for (other, name) in folder::ids(&inner.folder.derived)? {
                if let (true, Some(name)) = (other == id, name) {
                    folder::remove(&inner.folder.derived.join(format!("{id}.{name}")))?;
                }
            }
            Ok(true)
        })
        .await
    }

    /// Where the bytes of a stored file are. It is there while [`find`](Self::find) finds the file.
    ///
    /// Send such a file with `X-Content-Type-Options: nosniff`, and as an attachment unless its type is one that can
    /// run no script: it is a stranger's.
    pub fn path(&self, id: &UploadId) -> PathBuf {
        self.0.folder.file(id)
    }

    /// Where something that was made of a file is, by the name of what was made: a thumbnail, for instance.
    ///
    /// `None` if the name is not made of letters, digits and `-`.
    pub fn derived_path(&self, id: &UploadId, name: &str) -> Option<PathBuf> {
        let valid = !name.is_empty() && name.len() <= 64;
        let valid = valid && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        valid.then(|| self.0.folder.derived.join(format!("{id}.{name}")))
    }

    /// The bytes that the store holds, unfinished uploads included, as this process counts them.
    pub fn used_bytes(&self) -> u64 {
        self.0.quota.used()
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.0.root
    }

    /// The limits.
    pub fn settings(&self) -> &UploadSettings {
        &self.0.settings
    }

    /// Removes what was abandoned: resumable uploads without progress for [longer than they
    /// may](UploadSettings::abandoned_after), and what a process left behind that has ended. It is done when the store is
    /// opened and every ten minutes, too.
    ///
    /// # Errors
    ///
    /// The disk fails.
    pub async fn sweep(&self) -> io::Result<()> {
        let inner = Arc::clone(&self.0);
        blocking(move || {
            let freed = sweep::sweep(&inner.folder, inner.settings.abandoned_after)?;
            inner.quota.give_back(freed);
            inner
                .unfinished
                .store(sweep::unfinished(&inner.folder)?, Ordering::Relaxed);
            inner.stored.store(sweep::stored(&inner.folder)?, Ordering::Relaxed);
            inner.locks.forget(|id| !inner.folder.tus_state(id).exists());
            Ok(())
        })
        .await
    }

    /// Refuses one more file where the store holds as many as it may.
    pub(crate) fn check_stored(&self) -> Result<(), UploadError> {
        if self.0.stored.load(Ordering::Relaxed) >= self.0.settings.max_stored {
            return Err(UploadError::new(UploadErrorKind::StoreFull));
        }
        Ok(())
    }

    /// A place among the uploads that run at once.
    pub(crate) fn admit(&self) -> Result<OwnedSemaphorePermit, UploadError> {
        Arc::clone(&self.0.concurrent)
            .try_acquire_owned()
            .map_err(|_| UploadError::new(UploadErrorKind::Busy))
    }

    /// Sweeps every few minutes, for as long as anybody has the store.
    fn sweep_for_ever(&self) {
        let store = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP_EVERY).await;
                let Some(inner) = store.upgrade() else { return };
                if let Err(error) = Self(inner).sweep().await {
                    tracing::error!(%error, "abandoned uploads could not be removed");
                }
            }
        });
    }
}

impl fmt::Debug for UploadStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadStore")
            .field("root", &self.0.root)
            .field("settings", &self.0.settings)
            .field("used_bytes", &self.used_bytes())
            .finish_non_exhaustive()
    }
}

/// Runs what blocks on a thread that may.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(io::Error::other(error)),
    }
}
