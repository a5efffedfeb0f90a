//! Uploads that are put together to one ("Concatenation"): a client sends parts side by side.

use std::fs::{File, OpenOptions};
use std::io;
use std::sync::Arc;

use hyperlane::{Context, Problem, Response, StatusCode};

use crate::error::UploadError;
use crate::id::UploadId;
use crate::quota::Reservation;
use crate::stored::TusNotes;

use super::state::{self, Found, TusState};
use super::{Tus, reply};

/// The most parts of an upload: each is a file that is opened.
const MAX_PARTS: usize = 1000;

impl Tus {
    /// Makes a file of parts that are finished. The parts stay until they expire.
    pub(super) async fn concatenate(
        &self,
        ctx: &Context,
        parts: &str,
        metadata: Option<String>,
    ) -> Result<Response, Problem> {
        if ctx.headers().contains_key("upload-length") || ctx.headers().contains_key("upload-defer-length") {
            let detail = "an upload that is put together has the length of its parts: leave `upload-length` out";
            return Err(reply::refuse(StatusCode::BAD_REQUEST, detail));
        }
        let mut ids = Vec::new();
        for part in parts.split(' ').filter(|part| !part.is_empty()) {
            let id = part.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            let id: UploadId = id
                .parse()
                .map_err(|_| reply::refuse(StatusCode::BAD_REQUEST, "`upload-concat` names what is no upload"))?;
            ids.push(id);
        }
        if ids.is_empty() || ids.len() > MAX_PARTS {
            let detail = format!("`upload-concat` must name 1 to {MAX_PARTS} uploads");
            return Err(reply::refuse(StatusCode::BAD_REQUEST, detail));
        }
        let mut length: u64 = 0;
        for id in &ids {
            let (_lock, _) = self.take_over(id).await?;
            let part = match self.find(id).await? {
                Found::Unfinished { state, offset, .. } if state.is_partial() && state.length == Some(offset) => offset,
                Found::Unfinished { state, .. } if state.is_partial() => {
                    let detail = format!("part {id} is not finished");
                    return Err(reply::refuse(StatusCode::CONFLICT, detail));
                }
                Found::Missing | Found::Expired => return Err(reply::missing()),
                Found::Unfinished { .. } | Found::Finished(_) => {
                    let detail = format!("upload {id} was not begun as a part");
                    return Err(reply::refuse(StatusCode::BAD_REQUEST, detail));
                }
            };
            length = length.saturating_add(part);
        }
        self.check_length(length)?;
        let reservation = Reservation::new(&self.store.0.quota);
        reservation.grow(length)?;

        let state = TusState {
            // Not known to be whole until all is copied.
            length: None,
            notes: TusNotes {
                metadata,
                concat: Some(format!("final;{parts}")),
            },
            verify_from: None,
        };
        let place = self.store.admit()?;
        let id = self.begin(&state).await?;
        let (lock, _) = self.store.0.locks.take_over(&id).await.ok_or_else(reply::locked)?;
        let inner = Arc::clone(&self.store.0);
        let copied = tokio::task::spawn_blocking(move || {
            let _place = place;
            let copied = copy(&inner, &ids, &id);
            match &copied {
                Ok(bytes) => reservation.keep(*bytes),
                // What was copied is given back with the reservation, and not a second time.
                Err(_) => {
                    let _ = OpenOptions::new()
                        .write(true)
                        .open(inner.folder.tus_data(&id))
                        .and_then(|file| file.set_len(0));
                    let _ = state::remove(&inner, &id);
                }
            }
            copied
        });
        let copied = copied.await.map_err(io::Error::other).and_then(|copied| copied);
        let state = TusState {
            length: Some(copied.map_err(UploadError::from)?),
            ..state
        };
        // From here on it is whole, for whoever finds it after a crash or a hook that failed.
        self.write_state(&id, &state).await?;
        self.complete(&id, state, None, lock).await?;
        Ok(self.created(ctx, &id))
    }
}

fn copy(store: &crate::store::Inner, parts: &[UploadId], to: &UploadId) -> io::Result<u64> {
    let mut whole = OpenOptions::new().append(true).open(store.folder.tus_data(to))?;
    // So that it is not swept meanwhile.
    let _ = crate::lock::try_lock(&whole);
    let mut bytes = 0;
    for part in parts {
        bytes += io::copy(&mut File::open(store.folder.tus_data(part))?, &mut whole)?;
    }
    Ok(bytes)
}
