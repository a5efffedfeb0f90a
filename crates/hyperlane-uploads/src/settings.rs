//! The limits of a store.

use std::borrow::Cow;
use std::time::Duration;

use crate::kind::AllowedTypes;

const GIB: u64 = 1024 * 1024 * 1024;

/// The limits of an [`UploadStore`](crate::UploadStore), each with a default.
///
/// ```
/// use hyperlane_uploads::UploadSettings;
///
/// let settings = UploadSettings::new().max_file_bytes(20 * 1024 * 1024).allow_types(["image/*", "application/pdf"]);
/// ```
#[derive(Clone, Debug)]
pub struct UploadSettings {
    pub(crate) max_file_bytes: u64,
    pub(crate) max_request_bytes: u64,
    pub(crate) max_files: usize,
    pub(crate) quota: u64,
    pub(crate) max_stored: usize,
    pub(crate) max_concurrent: usize,
    pub(crate) max_unfinished: usize,
    pub(crate) abandoned_after: Duration,
    pub(crate) types: AllowedTypes,
    pub(crate) durable: bool,
}

impl UploadSettings {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            max_file_bytes: GIB,
            max_request_bytes: 2 * GIB,
            max_files: 20,
            quota: 10 * GIB,
            max_stored: 1_000_000,
            max_concurrent: 256,
            max_unfinished: 10_000,
            abandoned_after: Duration::from_secs(24 * 3600),
            types: AllowedTypes::default(),
            durable: true,
        }
    }

    /// The most bytes of one file: 413 beyond it. Default: 1 GiB, a long film of a phone.
    ///
    /// A route takes no more than its own [`body_limit`](hyperlane::Route::body_limit), which has to be raised as well;
    /// [`Tus`](crate::Tus) does so itself.
    #[must_use]
    pub fn max_file_bytes(mut self, bytes: u64) -> Self {
        self.max_file_bytes = bytes;
        self
    }

    /// The most bytes of all files of a form together: 413 beyond it. Default: 2 GiB, two of the largest.
    #[must_use]
    pub fn max_request_bytes(mut self, bytes: u64) -> Self {
        self.max_request_bytes = bytes;
        self
    }

    /// The most files of a form: 413 beyond it. Default: 20, as many as a person picks at a time.
    #[must_use]
    pub fn max_files(mut self, files: usize) -> Self {
        self.max_files = files;
        self
    }

    /// The most bytes that the store holds, unfinished uploads included: 507 beyond it. Default: 10 GiB, so that a disk
    /// is not filled by strangers. It is counted by each process for itself, from what it finds when it opens the folder.
    #[must_use]
    pub fn quota(mut self, bytes: u64) -> Self {
        self.quota = bytes;
        self
    }

    /// The most files that the store holds: 507 beyond it, give or take those that are being received. Default: a million.
    /// An empty file is no byte of the [`quota`](Self::quota), and two files on disk all the same.
    #[must_use]
    pub fn max_stored(mut self, files: usize) -> Self {
        self.max_stored = files;
        self
    }

    /// The most uploads that are received at once, at least one: 503 with `Retry-After` beyond it. Default: 256, which
    /// have 64 MiB of memory at most: each has two buffers of 128 KiB.
    #[must_use]
    pub fn max_concurrent(mut self, uploads: usize) -> Self {
        self.max_concurrent = uploads.max(1);
        self
    }

    /// The most resumable uploads that are begun and not finished: 503 with `Retry-After` beyond it. Default: 10,000,
    /// since each is two files however small it is.
    #[must_use]
    pub fn max_unfinished(mut self, uploads: usize) -> Self {
        self.max_unfinished = uploads;
        self
    }

    /// After how long without progress a resumable upload is given up and removed. Default: a day, so that who loses the
    /// network in the evening resumes in the morning. What is left of others is removed as soon as nobody writes it.
    #[must_use]
    pub fn abandoned_after(mut self, time: Duration) -> Self {
        self.abandoned_after = time;
        self
    }

    /// Takes only files whose first bytes are of these media types: `image/png`, or `image/*`; 415 otherwise. Neither
    /// name nor header of a file is believed. Default: all types.
    #[must_use]
    pub fn allow_types(mut self, types: impl IntoIterator<Item = impl Into<Cow<'static, str>>>) -> Self {
        self.types = AllowedTypes::only(types);
        self
    }

    /// Whether a file is written through to the disk (`fsync`) before it is said to be stored. Default: yes: a client
    /// may delete its own copy then. Without it a loss of power can lose the files of the last half minute.
    #[must_use]
    pub fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }
}

impl Default for UploadSettings {
    fn default() -> Self {
        Self::new()
    }
}
