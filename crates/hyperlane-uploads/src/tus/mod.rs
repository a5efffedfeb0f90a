//! Uploads that go on where they broke off: the protocol [tus](https://tus.io/protocols/resumable-upload) 1.0.0.
//!
//! Core, and the extensions creation, creation-with-upload, creation-defer-length, checksum, expiration, termination and
//! concatenation. Any client of the protocol works, such as `tus-js-client` in browsers.

mod append;
pub(crate) mod checksum;
mod concat;
mod create;
pub(crate) mod locks;
mod metadata;
mod reply;
pub(crate) mod state;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use hyperlane::{Context, Method, OnDisconnect, Problem, Response, Route, Router, StatusCode};

use crate::error::UploadError;
use crate::id::UploadId;
use crate::store::{UploadStore, blocking};
use crate::stored::StoredFile;

use locks::{Lock, TakenOver};
pub use metadata::TusMetadata;
use state::{Found, TusState};

/// An upload that has just been finished, for [`Tus::on_complete`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CompletedUpload {
    /// The file.
    pub file: StoredFile,
    /// What its client said of it.
    pub metadata: TusMetadata,
}

type Hook = dyn Fn(CompletedUpload) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync;

/// Resumable uploads into an [`UploadStore`], by the protocol tus 1.0.0.
///
/// The offset of an upload is the length of its file, so that it survives whatever happens to the process. A request for
/// an upload takes it over from the one that writes it, which may hang on a connection that is long dead: that one keeps
/// what it has received, and ends.
///
/// The limits are those of the store. Uploads without progress expire after
/// [`abandoned_after`](crate::UploadSettings::abandoned_after).
///
/// ```no_run
/// use hyperlane::*;
/// use hyperlane_uploads::{Tus, UploadStore};
///
/// # async fn run() -> Result<(), Error> {
/// let store = UploadStore::open("uploads").await?;
/// let tus = Tus::new(store).on_complete(async |upload| println!("{} came", upload.file.id));
/// let server = Server::new();
/// server.nest("/files", tus.router());
/// # Ok(()) }
/// ```
///
/// # Across origins
///
/// A page of another origin needs [`Cors`](https://docs.rs/hyperlane) in front, which admits the methods and headers of
/// [`Tus::CORS_METHODS`] and [`Tus::CORS_HEADERS`] and exposes those of [`Tus::CORS_EXPOSED`].
#[derive(Clone)]
pub struct Tus {
    store: UploadStore,
    hook: Option<Arc<Hook>>,
    location: Option<Arc<str>>,
    keep_finished: bool,
}

impl Tus {
    /// The methods that a page of another origin has to be admitted with.
    pub const CORS_METHODS: [&'static str; 5] = ["POST", "HEAD", "PATCH", "DELETE", "OPTIONS"];
    /// The headers that it sends.
    pub const CORS_HEADERS: [&'static str; 9] = [
        "content-type",
        "tus-resumable",
        "upload-checksum",
        "upload-concat",
        "upload-defer-length",
        "upload-length",
        "upload-metadata",
        "upload-offset",
        "x-http-method-override",
    ];
    /// The headers that it reads.
    pub const CORS_EXPOSED: [&'static str; 10] = [
        "location",
        "tus-extension",
        "tus-max-size",
        "tus-resumable",
        "tus-version",
        "upload-defer-length",
        "upload-expires",
        "upload-length",
        "upload-metadata",
        "upload-offset",
    ];

    /// Resumable uploads into this store.
    pub fn new(store: UploadStore) -> Self {
        Self {
            store,
            hook: None,
            location: None,
            keep_finished: false,
        }
    }

    /// Calls a function when an upload is finished and its file stored, before the client is told so. It is called again
    /// if the process ends in between: at least once for each file.
    #[must_use]
    pub fn on_complete<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(CompletedUpload) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.hook = Some(Arc::new(move |upload| Box::pin(hook(upload))));
        self
    }

    /// What stands before the id in the address of an upload, where the path of the request is not it: a proxy in front
    /// serves it elsewhere. Default: the path that the upload was created under.
    #[must_use]
    pub fn location(mut self, prefix: &str) -> Self {
        self.location = Some(prefix.trim_end_matches('/').into());
        self
    }

    /// Refuses to remove finished uploads (403): `DELETE` needs nothing but the id, which is that of the stored file.
    /// Without it whoever is shown the address of a file can remove it.
    #[must_use]
    pub fn keep_finished(mut self) -> Self {
        self.keep_finished = true;
        self
    }

    /// The routes, to be nested where the uploads shall be. Uploads that an earlier process received whole and did not
    /// store are stored meanwhile.
    pub fn router(self) -> Router {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let tus = self.clone();
            runtime.spawn(async move { tus.recover().await });
        }
        let router = Router::new();
        let limit = self.store.0.settings.max_file_bytes;
        let one = {
            let tus = self.clone();
            move |ctx: Context| {
                let tus = tus.clone();
                async move { tus.answer(&ctx).await }
            }
        };
        let all = one.clone();
        // A client that is gone has sent what is to be kept.
        let route = Route::new(all).body_limit(limit).on_disconnect(OnDisconnect::Finish);
        #[cfg(feature = "openapi")]
        let route = route.undocumented();
        router.route("/", route);
        let route = Route::new(one).body_limit(limit).on_disconnect(OnDisconnect::Finish);
        #[cfg(feature = "openapi")]
        let route = route.undocumented();
        router.route("/{upload}", route);
        router
    }

    async fn answer(&self, ctx: &Context) -> Response {
        reply::finish(self.dispatch(ctx).await)
    }

    async fn dispatch(&self, ctx: &Context) -> Result<Response, Problem> {
        let method = reply::method(ctx)?;
        if method == Method::OPTIONS {
            return Ok(reply::options(self.store.0.settings.max_file_bytes));
        }
        reply::check_version(ctx)?;
        let Some(id) = ctx.param("upload") else {
            return match method {
                Method::POST => self.create(ctx).await,
                _ => Err(reply::not_allowed()),
            };
        };
        let id: UploadId = id.parse().map_err(|_| reply::missing())?;
        match method {
            Method::HEAD => self.head(&id).await,
            Method::PATCH => self.patch(ctx, &id).await,
            Method::DELETE => self.terminate(&id).await,
            _ => Err(reply::not_allowed()),
        }
    }

    /// `HEAD` ("Core protocol", "HEAD"): where to go on.
    async fn head(&self, id: &UploadId) -> Result<Response, Problem> {
        let (lock, _) = self.take_over(id).await?;
        match self.find(id).await? {
            Found::Unfinished { state, offset, .. } if state.is_complete(offset) => {
                // The process ended before it was stored.
                let sum = None;
                let file = self.complete(id, state.clone(), sum, lock).await?;
                Ok(reply::state(file.bytes, Some(file.bytes), &state.notes, None))
            }
            Found::Unfinished { state, offset, expires } => {
                Ok(reply::state(offset, state.length, &state.notes, expires))
            }
            Found::Finished(record) => {
                let notes = record.tus.unwrap_or_default();
                Ok(reply::state(record.file.bytes, Some(record.file.bytes), &notes, None))
            }
            Found::Expired => Err(reply::expired()),
            Found::Missing => Err(reply::missing()),
        }
    }

    /// `DELETE` ("Termination"): an upload, finished or not, is gone for good.
    async fn terminate(&self, id: &UploadId) -> Result<Response, Problem> {
        let (_lock, _) = self.take_over(id).await?;
        match self.find(id).await? {
            Found::Unfinished { .. } => {
                let (inner, id) = (Arc::clone(&self.store.0), *id);
                let removed = blocking(move || state::remove(&inner, &id)).await;
                removed.map_err(UploadError::from)?;
            }
            Found::Finished(_) if self.keep_finished => {
                let detail = "the upload is finished and is not removed here";
                return Err(reply::refuse(StatusCode::FORBIDDEN, detail));
            }
            Found::Finished(record) => {
                self.store.remove(&record.file.id).await.map_err(UploadError::from)?;
            }
            Found::Expired => return Err(reply::expired()),
            Found::Missing => return Err(reply::missing()),
        }
        Ok(Response::default().with_status(StatusCode::NO_CONTENT))
    }

    async fn take_over(&self, id: &UploadId) -> Result<(Lock, TakenOver), Problem> {
        // Nothing is kept for ids that are made up.
        let (inner, own) = (Arc::clone(&self.store.0), *id);
        let known = blocking(move || Ok(inner.folder.tus_state(&own).exists() || inner.folder.record(&own).exists()));
        if !known.await.map_err(UploadError::from)? {
            return Err(reply::missing());
        }
        self.store.0.locks.take_over(id).await.ok_or_else(reply::locked)
    }

    async fn find(&self, id: &UploadId) -> Result<Found, Problem> {
        let (inner, id) = (Arc::clone(&self.store.0), *id);
        let found = blocking(move || state::find(&inner, &id)).await;
        Ok(found.map_err(UploadError::from)?)
    }

    /// Makes a file of an upload whose bytes are all there. It is done to its end, whoever waits for it.
    async fn complete(
        &self,
        id: &UploadId,
        state: TusState,
        sum: Option<sha2::Sha256>,
        lock: Lock,
    ) -> Result<StoredFile, Problem> {
        let (inner, hook, id) = (Arc::clone(&self.store.0), self.hook.clone(), *id);
        let work = async move {
            let _lock = lock;
            let metadata = state.metadata();
            let own = Arc::clone(&inner);
            let stored = tokio::task::spawn_blocking(move || state::store(&own, &id, &state, sum)).await;
            let file = stored.map_err(std::io::Error::other)??;
            if let Some(hook) = hook {
                let file = file.clone();
                hook(CompletedUpload { file, metadata }).await;
            }
            blocking(move || state::forget(&inner, &id)).await?;
            Ok::<_, UploadError>(file)
        };
        let done = tokio::spawn(work).await.map_err(std::io::Error::other);
        Ok(done.map_err(UploadError::from)??)
    }

    /// Stores what an earlier process has received whole.
    async fn recover(&self) {
        let inner = Arc::clone(&self.store.0);
        let listed = blocking(move || {
            let ids =
                crate::folder::ids(&inner.folder.tus)?.filter(|(_, extension)| extension.as_deref() == Some("json"));
            Ok(ids.map(|(id, _)| id).collect::<Vec<_>>())
        });
        let ids = listed.await.unwrap_or_default();
        for id in ids {
            let inner = Arc::clone(&self.store.0);
            // Most are not complete: nobody is disturbed for those.
            let complete = blocking(move || {
                let state = crate::folder::read_json::<TusState>(&inner.folder.tus_state(&id))?;
                let bytes = match crate::folder::length(&inner.folder.tus_data(&id))? {
                    Some(bytes) => Some(bytes),
                    None => crate::folder::length(&inner.folder.file(&id))?,
                };
                Ok(state
                    .zip(bytes)
                    .is_some_and(|(state, bytes)| state.is_complete(bytes) && state.verify_from.is_none()))
            });
            if complete.await.unwrap_or(false)
                && let Err(problem) = self.head(&id).await
            {
                tracing::error!(%problem, %id, "an upload that was received whole could not be stored");
            }
        }
    }
}

impl fmt::Debug for Tus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tus")
            .field("store", &self.store)
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}
