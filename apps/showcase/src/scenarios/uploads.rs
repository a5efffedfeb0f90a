//! `/uploads`: files that are dragged in, resumed when a connection breaks, and shown as thumbnails.
//!
//! Nobody is shown what others uploaded: the page remembers its own uploads, whose names can't be guessed. All are removed
//! after an hour.

use std::time::Duration;

use hyperlane::{
    Error, IntoResponse, Json, Path, Problem, Response, Route, Router, State, StatusCode,
    middleware::{Csrf, RateLimit},
};
use hyperlane_uploads::{
    Conversion, ConversionSettings, Conversions, Progress, StoredFile, Tus, UploadId, UploadSettings, UploadStore,
};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::task::JoinHandle;

use crate::{args::Args, page, sources::SourceError};

/// The most bytes of a file: a photo of the largest cameras.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// The most bytes of all.
const QUOTA: u64 = 512 * 1024 * 1024;
/// How long a file stays.
const KEPT: Duration = Duration::from_secs(3600);
/// The longer side of a thumbnail in pixels: twice what the page shows, for fine screens.
const SIDE: u32 = 320;
/// The name of what is made of each image.
const THUMBNAIL: &str = "thumbnail";

/// What the page needs.
#[derive(Debug)]
pub(super) struct Uploads {
    desk: Desk,
    cleaner: JoinHandle<()>,
    writes_per_minute: u32,
}

/// What its handlers share.
#[derive(Debug, Clone)]
struct Desk {
    store: UploadStore,
    conversions: Conversions,
}

impl Uploads {
    /// Opens its folder, and starts the threads that make thumbnails.
    pub(super) async fn open(args: &Args) -> Result<Self, SourceError> {
        let told = |error: std::io::Error| SourceError::new("uploads", error);
        let settings = UploadSettings::new()
            .max_file_bytes(MAX_FILE)
            .quota(QUOTA)
            .max_unfinished(200)
            .abandoned_after(KEPT)
            .allow_types(["image/png", "image/jpeg", "image/webp"]);
        let folder = args.data_dir.join("uploads");
        let store = UploadStore::open_with(folder, settings).await.map_err(told)?;
        let conversions = Conversions::start_with(store.clone(), ConversionSettings::new()).map_err(told)?;
        Ok(Self {
            cleaner: tokio::spawn(clean(store.clone())),
            desk: Desk { store, conversions },
            writes_per_minute: args.writes_per_minute,
        })
    }

    /// Its page and what the page asks.
    pub(super) fn routes(&self) -> Router {
        let conversions = self.desk.conversions.clone();
        let tus = Tus::new(self.desk.store.clone()).on_complete(move |upload| {
            // Where too many wait the page asks again later.
            let _ = conversions.submit(&upload.file.id, Conversion::thumbnail(THUMBNAIL, SIDE));
            async {}
        });
        let files = Router::new();
        files
            .middleware(RateLimit::new(
                self.writes_per_minute.saturating_mul(4),
                Duration::from_secs(60),
            ))
            .middleware(Csrf::new())
            .nest("/uploads/files", tus.router());

        let router = Router::new();
        router
            .state(self.desk.clone())
            .get(
                "/uploads",
                Route::new(async || page::html(include_str!("../assets/scenarios/uploads.html"))).undocumented(),
            )
            .get(
                "/assets/scenarios/uploads.js",
                Route::new(async || page::script(include_str!("../assets/scenarios/uploads.js"))).undocumented(),
            )
            .get(
                "/assets/scenarios/tus.js",
                Route::new(async || page::script(include_str!("../assets/scenarios/tus.js"))).undocumented(),
            )
            .get(
                "/assets/scenarios/uploads.css",
                Route::new(async || {
                    let css = [
                        ("content-type", "text/css; charset=utf-8"),
                        ("cache-control", "no-cache"),
                    ];
                    (css, include_str!("../assets/scenarios/uploads.css"))
                })
                .undocumented(),
            )
            .get(
                "/uploads/{id}",
                Route::new(state).openapi(|operation| {
                    let operation = operation
                        .summary("Tells what became of an uploaded image")
                        .tag("scenarios");
                    operation.problem(404, "there is no such file")
                }),
            )
            .get("/uploads/{id}/progress", Route::new(progress).undocumented())
            .get("/uploads/{id}/thumbnail", Route::new(thumbnail).undocumented())
            .merge(files);
        router
    }

    /// Ends what runs in the background.
    pub(super) async fn close(&self) {
        self.cleaner.abort();
        self.desk.conversions.close().await;
    }
}

/// An image that was uploaded whole.
#[derive(Debug, Serialize, JsonSchema)]
struct Image {
    /// What its visitor calls it.
    name: Option<String>,
    /// Its length in bytes.
    bytes: u64,
    /// What it is, by its first bytes.
    content_type: String,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    sha256: String,
    /// Whether its thumbnail is there.
    has_thumbnail: bool,
}

/// `GET /uploads/{id}`: what became of an uploaded image.
async fn state(State(desk): State<Desk>, Path(id): Path<String>) -> Result<Json<Image>, Error> {
    let file = desk.find(&id).await?;
    let thumbnail = desk.store.derived_path(&file.id, THUMBNAIL);
    let has_thumbnail = match thumbnail {
        Some(path) => tokio::fs::try_exists(path).await?,
        None => false,
    };
    Ok(Json(Image {
        name: file.name,
        bytes: file.bytes,
        content_type: file.content_type,
        sha256: file.sha256,
        has_thumbnail,
    }))
}

/// `GET /uploads/{id}/progress`: how far the thumbnail is, as events. One that is not there and not being made is begun.
async fn progress(State(desk): State<Desk>, Path(id): Path<String>) -> Response {
    let file = match desk.find(&id).await {
        Ok(file) => file,
        Err(error) => return error.into_response(),
    };
    let known = desk.conversions.job(&file.id, THUMBNAIL);
    if let Some(job) = known.filter(|job| job.progress() != Progress::Cancelled) {
        return job.sse().into_response();
    }
    match desk
        .conversions
        .submit(&file.id, Conversion::thumbnail(THUMBNAIL, SIDE))
    {
        Ok(job) => job.sse().into_response(),
        Err(error) => error.into_response(),
    }
}

/// `GET /uploads/{id}/thumbnail`.
async fn thumbnail(State(desk): State<Desk>, Path(id): Path<String>) -> Result<Response, Error> {
    let file = desk.find(&id).await?;
    let path = desk.store.derived_path(&file.id, THUMBNAIL).ok_or_else(missing)?;
    // It is small, and of our own making.
    let bytes = tokio::fs::read(path).await.map_err(|_| missing())?;
    Ok(Response::new(bytes)
        .with_header("content-type", "image/jpeg")
        .with_header("x-content-type-options", "nosniff")
        .with_header("cache-control", "private, max-age=600"))
}

impl Desk {
    async fn find(&self, id: &str) -> Result<StoredFile, Error> {
        let id: UploadId = id.parse().map_err(|_| missing())?;
        self.store.find(&id).await?.ok_or_else(missing)
    }
}

fn missing() -> Error {
    Error::problem(Problem::new(StatusCode::NOT_FOUND).with_detail("there is no such file"))
}

/// Removes what has been here for long enough, every few minutes.
async fn clean(store: UploadStore) {
    loop {
        match store.list().await {
            Ok(files) => {
                let old = |file: &&StoredFile| file.stored_at().elapsed().is_ok_and(|age| age >= KEPT);
                for file in files.iter().filter(old) {
                    if let Err(error) = store.remove(&file.id).await {
                        tracing::error!(%error, "an old upload could not be removed");
                    }
                }
            }
            Err(error) => tracing::error!(%error, "old uploads could not be listed"),
        }
        tokio::time::sleep(KEPT / 12).await;
    }
}
