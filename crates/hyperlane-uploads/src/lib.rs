//! Uploads to disk with bounded memory, resumable ones too, and conversions of what came.
//!
//! It stands behind handlers, in step 8 of the walk of a request: [`UploadStore`] takes the body of a request or the files
//! of a form, [`Tus`] serves uploads that go on where they broke off, and `Conversions` (feature `images`) makes
//! thumbnails of what came.
//!
//! ```no_run
//! use hyperlane::*;
//! use hyperlane_uploads::{StoredFile, Tus, UploadError, UploadSettings, UploadStore};
//!
//! async fn upload(ctx: Context, State(store): State<UploadStore>) -> Result<Json<StoredFile>, UploadError> {
//!     Ok(Json(store.receive(&ctx, ctx.query("name").as_deref()).await?))
//! }
//!
//! # async fn run() -> Result<(), Error> {
//! let settings = UploadSettings::new().max_file_bytes(100 << 20).allow_types(["image/*"]);
//! let store = UploadStore::open_with("uploads", settings).await?;
//! let server = Server::new();
//! server
//!     .nest("/resumable", Tus::new(store.clone()).router())
//!     .state(store)
//!     .put("/upload", Route::new(upload).body_limit(100 << 20));
//! # Ok(()) }
//! ```
//!
//! # Limits
//!
//! | limit | default | why |
//! |---|---|---|
//! | [`max_file_bytes`](UploadSettings::max_file_bytes) | 1 GiB | a long film of a phone |
//! | [`max_request_bytes`](UploadSettings::max_request_bytes) | 2 GiB | two of the largest |
//! | [`max_files`](UploadSettings::max_files) | 20 in a form | as many as a person picks at a time |
//! | [`quota`](UploadSettings::quota) | 10 GiB | strangers must not fill the disk |
//! | [`max_stored`](UploadSettings::max_stored) | a million files | each is two files on disk, however small |
//! | [`max_concurrent`](UploadSettings::max_concurrent) | 256 | 64 MiB of memory at most |
//! | [`max_unfinished`](UploadSettings::max_unfinished) | 10,000 | each is two files, however small |
//! | [`abandoned_after`](UploadSettings::abandoned_after) | a day | who stops in the evening goes on in the morning |
//! | text fields of a form | 64 KiB each, 256 KiB in all | they are kept in memory |
//! | `Upload-Metadata` | 4 KiB, 32 pairs | clients send a handful |
//! | parts of a concatenation | 1000 | each is a file that is opened |
//! | `ConversionSettings` | 64 waiting, 50 million pixels, 256 MiB, 30 s | bombs, and crowds |
#![forbid(unsafe_code)]

mod digest;
mod error;
mod folder;
mod id;
#[cfg(feature = "images")]
mod images;
mod kind;
mod lock;
mod name;
mod quota;
mod receive;
mod settings;
mod store;
mod stored;
mod sweep;
mod tus;
mod writer;

pub use error::{UploadError, UploadErrorKind};
pub use id::{InvalidId, UploadId};
#[cfg(feature = "images")]
pub use images::{Conversion, ConversionSettings, Conversions, Job, Progress, TargetFormat};
pub use receive::UploadedForm;
pub use settings::UploadSettings;
pub use store::UploadStore;
pub use stored::StoredFile;
pub use tus::{CompletedUpload, Tus, TusMetadata};

/// The programs of the guide, compiled.
#[cfg(all(doctest, feature = "images"))]
#[doc = include_str!("../../../docs/guide/uploads.md")]
struct Guide;
