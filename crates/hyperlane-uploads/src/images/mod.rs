//! Conversions: thumbnails and other formats of images, made on threads of their own.

mod convert;
mod job;
mod queue;

use std::fmt;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use hyperlane::sse::EventLog;

use crate::error::UploadError;
use crate::id::UploadId;
use crate::store::UploadStore;

pub use convert::{Conversion, TargetFormat};
pub use job::{Job, Progress};
use queue::Shared;

/// Makes images of images that were uploaded: thumbnails, other formats. It is a cheap handle; when the last is dropped,
/// its threads end with what they are doing.
///
/// The work is done on threads of its own, so that requests are answered meanwhile, and it is bounded: so many jobs
/// wait at most, an image has so many pixels at most, and a job takes so long at most. What is made has neither the
/// place where a photo was taken nor the other data that cameras write, and is stored whole or not at all, at
/// [`UploadStore::derived_path`].
///
/// Jobs do not outlive the process. Who needs that submits again what has no result.
///
/// ```no_run
/// use hyperlane::sse::{LastEventId, Sse};
/// use hyperlane::*;
/// use hyperlane_uploads::{Conversion, Conversions, UploadError, UploadStore};
///
/// async fn upload(
///     ctx: Context,
///     State(store): State<UploadStore>,
///     State(conversions): State<Conversions>,
/// ) -> Result<StatusCode, UploadError> {
///     let file = store.receive(&ctx, None).await?;
///     // 503 with `Retry-After` where too many wait.
///     conversions.submit(&file.id, Conversion::thumbnail("small", 320))?;
///     Ok(StatusCode::ACCEPTED)
/// }
///
/// async fn progress(State(conversions): State<Conversions>, LastEventId(last): LastEventId) -> Sse {
///     Sse::new(conversions.log().subscribe(last.as_deref()))
/// }
/// # async fn run() -> Result<(), Error> {
/// let store = UploadStore::open("uploads").await?;
/// let server = Server::new();
/// server.state(Conversions::start(store.clone())?).state(store).post("/images", upload).get("/progress", progress);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Conversions(Arc<Owner>);

/// All clones of a handle; its end lets the threads end.
struct Owner(Arc<Shared>);

/// The limits of [`Conversions`], each with a default.
#[derive(Clone, Debug)]
pub struct ConversionSettings {
    workers: usize,
    queue: usize,
    max_pixels: u64,
    max_memory: u64,
    time_limit: Duration,
}

impl ConversionSettings {
    /// The defaults.
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            workers: cores.saturating_sub(1).max(1),
            queue: 64,
            max_pixels: 50_000_000,
            max_memory: 256 * 1024 * 1024,
            time_limit: Duration::from_secs(30),
        }
    }

    /// How many images are worked at at once, at least one. Default: one less than there are cores, so that one is left
    /// for requests.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// How many jobs may wait: 503 with `Retry-After` beyond it. Default: 64, some seconds of work.
    #[must_use]
    pub fn queue(mut self, jobs: usize) -> Self {
        self.queue = jobs;
        self
    }

    /// The most pixels of an image that is read. Default: 50 million, as the cameras of phones have. It is looked at
    /// before anything is decoded: a few kilobytes can unpack to gigabytes.
    #[must_use]
    pub fn max_pixels(mut self, pixels: u64) -> Self {
        self.max_pixels = pixels;
        self
    }

    /// The most memory of a decoded image, in bytes, for each worker; its copy in another size comes to that. A file may
    /// have half of it: decoders read some whole. Default: 256 MiB, which is 50 million pixels of four bytes and some.
    #[must_use]
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.max_memory = bytes;
        self
    }

    /// The longest time of a job once it runs. Default: 30 s, ten times what the largest image takes.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }
}

impl Default for ConversionSettings {
    fn default() -> Self {
        Self::new()
    }
}

impl Conversions {
    /// Starts the threads, with the default limits.
    ///
    /// # Errors
    ///
    /// The system gives no threads.
    pub fn start(store: UploadStore) -> std::io::Result<Self> {
        Self::start_with(store, ConversionSettings::new())
    }

    /// Starts the threads, with limits of your own.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_with(store: UploadStore, settings: ConversionSettings) -> std::io::Result<Self> {
        let workers = settings.workers;
        let handle = Self(Arc::new(Owner(Arc::new(Shared::new(store, settings)))));
        for number in 0..workers {
            let shared = Arc::clone(&handle.0.0);
            shared.begin_worker();
            let thread = std::thread::Builder::new().name(format!("conversion-{number}"));
            let own = Arc::clone(&shared);
            if let Err(error) = thread.spawn(move || own.work()) {
                shared.end_worker();
                return Err(error);
            }
        }
        Ok(handle)
    }

    /// Adds a job. The same conversion of the same file that waits or runs already is that job.
    ///
    /// # Errors
    ///
    /// As many jobs wait as may: [`Busy`](crate::UploadErrorKind::Busy). The name of the conversion is none
    /// ([`NotFound`](crate::UploadErrorKind::NotFound)).
    pub fn submit(&self, file: &UploadId, conversion: Conversion) -> Result<Job, UploadError> {
        self.0.0.submit(file, conversion)
    }

    /// The job that makes, or has lately made, what has this name of a file. The last 1024 that ended are known.
    pub fn job(&self, file: &UploadId, name: &str) -> Option<Job> {
        self.0.0.job(file, name)
    }

    /// What happens, as events that [`Sse`](hyperlane::sse::Sse) sends: each has the name `conversion`, and as data
    /// `{"file":"…","name":"small","state":"running","percent":40}`. `state` is `queued`, `running`, `done` (with
    /// `content_type`, `bytes`, `width` and `height`), `failed` (with `reason`) or `cancelled`.
    pub fn log(&self) -> &EventLog {
        self.0.0.log()
    }

    /// Cancels all jobs, and waits until the threads have ended. Later jobs are refused as if too many waited.
    pub async fn close(&self) {
        self.0.0.stop();
        self.0.0.ended().await;
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl fmt::Debug for Conversions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversions")
            .field("settings", &self.0.0.settings)
            .finish_non_exhaustive()
    }
}
