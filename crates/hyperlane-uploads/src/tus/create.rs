//! `POST`: a new upload ("Creation").

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use hyperlane::{Context, Problem, Response, StatusCode};

use crate::error::{UploadError, UploadErrorKind};
use crate::id::UploadId;
use crate::receive::refuse_encoded;
use crate::store::blocking;
use crate::stored::TusNotes;

use super::checksum::Promise;
use super::state::{self, TusState};
use super::{Tus, TusMetadata, append, reply};

impl Tus {
    pub(super) async fn create(&self, ctx: &Context) -> Result<Response, Problem> {
        let metadata = ctx.headers().get("upload-metadata");
        let metadata = metadata.map(|value| value.to_str().unwrap_or("\0").to_owned());
        if let Some(metadata) = &metadata {
            TusMetadata::read(metadata)?;
        }
        let concat = ctx.header("upload-concat").map(str::to_owned);
        if let Some(parts) = concat.as_deref().and_then(|concat| concat.strip_prefix("final;")) {
            return self.concatenate(ctx, parts, metadata).await;
        }
        if concat.as_deref().is_some_and(|concat| concat != "partial") {
            let detail = "`upload-concat` must be `partial`, or `final;` and the uploads";
            return Err(reply::refuse(StatusCode::BAD_REQUEST, detail));
        }
        let length = self.announced_length(ctx)?;
        let body = ctx.body_stream();
        let has_body = !body.is_empty();
        if has_body {
            append::check_content_type(ctx)?;
            refuse_encoded(ctx.headers())?;
        }
        let promise = ctx.header("upload-checksum").map(Promise::read).transpose()?;

        let state = TusState {
            length,
            notes: TusNotes { metadata, concat },
            verify_from: None,
        };
        let id = self.begin(&state).await?;
        let (lock, taken_over) = self.store.0.locks.take_over(&id).await.ok_or_else(reply::locked)?;
        let appended = self.append(ctx, &id, state, 0, body, promise, lock, taken_over).await;
        let appended = match appended {
            Ok(appended) => appended,
            Err(problem) => {
                // The client does not know where it is, and begins anew.
                let inner = Arc::clone(&self.store.0);
                blocking(move || state::remove(&inner, &id))
                    .await
                    .map_err(UploadError::from)?;
                return Err(problem);
            }
        };
        let mut response = self.created(ctx, &id);
        if has_body {
            response = response.with_header("upload-offset", appended.offset.to_string());
        }
        if !appended.finished {
            let expires = SystemTime::now().checked_add(self.store.0.settings.abandoned_after);
            response = reply::with_expiry(response, expires);
        }
        Ok(response)
    }

    /// The length of the new upload: `Upload-Length`, or `Upload-Defer-Length: 1` for one that is not known yet.
    fn announced_length(&self, ctx: &Context) -> Result<Option<u64>, Problem> {
        let deferred = ctx.header("upload-defer-length");
        let length = match (reply::number(ctx, "upload-length")?, deferred) {
            (Some(length), None) => Some(length),
            (None, Some("1")) => None,
            (Some(_), Some(_)) => {
                let detail = "give `upload-length` or `upload-defer-length`, not both";
                return Err(reply::refuse(StatusCode::BAD_REQUEST, detail));
            }
            (None, _) => {
                let detail = "give `upload-length`, or `upload-defer-length: 1`";
                return Err(reply::refuse(StatusCode::BAD_REQUEST, detail));
            }
        };
        if let Some(length) = length {
            self.check_length(length)?;
        }
        Ok(length)
    }

    pub(super) fn check_length(&self, length: u64) -> Result<(), Problem> {
        let limit = self.store.0.settings.max_file_bytes;
        if length > limit {
            return Err(UploadError::new(UploadErrorKind::TooLarge { limit }).into());
        }
        if !self.store.0.quota.has_room(length) {
            return Err(UploadError::new(UploadErrorKind::StoreFull).into());
        }
        Ok(())
    }

    /// Makes the upload, while there are not too many.
    pub(super) async fn begin(&self, state: &TusState) -> Result<UploadId, Problem> {
        self.store.check_stored()?;
        let inner = Arc::clone(&self.store.0);
        let most = inner.settings.max_unfinished;
        let one_more = |count: usize| (count < most).then_some(count + 1);
        let counted = inner
            .unfinished
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        counted.map_err(|_| UploadError::new(UploadErrorKind::Busy))?;
        let state = state.clone();
        let made = blocking(move || {
            let made = state::create(&inner, &state);
            if made.is_err() {
                inner.unfinished.fetch_sub(1, Ordering::Relaxed);
            }
            made
        });
        Ok(made.await.map_err(UploadError::from)?)
    }

    /// `201` and where it is.
    pub(super) fn created(&self, ctx: &Context, id: &UploadId) -> Response {
        let prefix = self
            .location
            .as_deref()
            .unwrap_or_else(|| ctx.path().trim_end_matches('/'));
        Response::default()
            .with_status(StatusCode::CREATED)
            .with_header("location", format!("{prefix}/{id}"))
    }
}
