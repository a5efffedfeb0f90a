//! The second scenario: what was sent is streamed to disk and converted in a bounded queue.

use std::io;

use contract::scenarios::{Photo, Settings, Stored, THUMBNAIL};
use hyperlane::{Context, Error, Json, State};
use hyperlane_uploads::{
    Conversion, ConversionSettings, Conversions, Progress, UploadError, UploadSettings, UploadStore,
};

const GIB: u64 = 1024 * 1024 * 1024;
/// Of one upload.
pub(crate) const LARGEST: u64 = 64 * GIB;
/// More uploads at once than the load has clients.
const AT_ONCE: usize = 1024;

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Uploads {
    store: UploadStore,
    conversions: Conversions,
}

impl Uploads {
    pub(crate) async fn open(settings: &Settings) -> io::Result<Self> {
        let limits = UploadSettings::new()
            .max_file_bytes(LARGEST)
            .quota(2 * LARGEST)
            .max_concurrent(AT_ONCE)
            // The other side does not wait for the disk either.
            .durable(false);
        let store = UploadStore::open_with(settings.uploads(), limits).await?;
        // All cores convert, as they do on the other side.
        let queue = ConversionSettings::new().workers(contract::cores());
        let conversions = Conversions::start_with(store.clone(), queue)?;
        Ok(Self { store, conversions })
    }
}

pub(crate) async fn photo(ctx: Context, State(uploads): State<Uploads>) -> Result<Json<Photo>, Error> {
    let file = uploads.store.receive(&ctx, None).await?;
    let thumbnail = Conversion::thumbnail("thumbnail", THUMBNAIL);
    let job = uploads.conversions.submit(&file.id, thumbnail)?;
    match job.ended().await {
        Progress::Done { width, height, .. } => Ok(Json(Photo {
            bytes: file.bytes,
            sha256: file.sha256,
            width,
            height,
        })),
        other => Err(Error::new(format!("no thumbnail: {other:?}"))),
    }
}

pub(crate) async fn large(ctx: Context, State(uploads): State<Uploads>) -> Result<Json<Stored>, UploadError> {
    let file = uploads.store.receive(&ctx, None).await?;
    Ok(Json(Stored {
        bytes: file.bytes,
        sha256: file.sha256,
    }))
}
