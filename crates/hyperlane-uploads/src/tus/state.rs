//! A resumable upload on disk. Its offset is the length of its file, so that no crash can make the two differ.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{UploadError, UploadErrorKind};
use crate::folder;
use crate::id::UploadId;
use crate::kind::{self, HEAD_BYTES};
use crate::lock;
use crate::name;
use crate::store::Inner;
use crate::stored::{Record, StoredFile, TusNotes, hex, now_ms};

use super::TusMetadata;

/// What is written beside the bytes of an upload that is not finished.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TusState {
    /// `None` while the client does not know it.
    pub(super) length: Option<u64>,
    pub(super) notes: TusNotes,
    /// The bytes from here on came with a checksum and were not compared with it yet. They are cut off when they are
    /// found so: the process has ended in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) verify_from: Option<u64>,
}

/// An upload as it was found.
#[derive(Debug)]
pub(super) enum Found {
    Unfinished {
        state: TusState,
        offset: u64,
        /// `None` if it is beyond what a clock can say.
        expires: Option<SystemTime>,
    },
    /// It is a file of the store.
    Finished(Box<Record>),
    /// It was without progress for too long, and was removed.
    Expired,
    Missing,
}

/// Whether an upload is all there and waits only for the next process that makes a file of it.
pub(crate) fn waits_to_be_stored(state: &Path, bytes: u64) -> io::Result<bool> {
    let state = folder::read_json::<TusState>(state)?;
    Ok(state.is_some_and(|state| state.is_complete(bytes) && state.verify_from.is_none()))
}

impl TusState {
    pub(super) fn is_partial(&self) -> bool {
        self.notes.concat.as_deref() == Some("partial")
    }

    /// Whether a file can be made of it.
    pub(super) fn is_complete(&self, offset: u64) -> bool {
        self.length == Some(offset) && !self.is_partial()
    }

    pub(super) fn metadata(&self) -> TusMetadata {
        let text = self.notes.metadata.as_deref();
        text.and_then(|text| TusMetadata::read(text).ok()).unwrap_or_default()
    }
}

/// Makes a new upload.
pub(super) fn create(store: &Inner, state: &TusState) -> io::Result<UploadId> {
    let id = UploadId::random()?;
    // The bytes first: a state without them would be one whose bytes were lost.
    File::create_new(store.folder.tus_data(&id))?;
    if let Err(error) = store.folder.write_json(&store.folder.tus_state(&id), state) {
        let _ = folder::remove(&store.folder.tus_data(&id));
        return Err(error);
    }
    Ok(id)
}

/// Looks for an upload. Who calls holds its lock, so that nobody writes meanwhile.
pub(super) fn find(store: &Inner, id: &UploadId) -> io::Result<Found> {
    let folder = &store.folder;
    let Some(mut state) = folder::read_json::<TusState>(&folder.tus_state(id))? else {
        let record = folder::read_json::<Record>(&folder.record(id))?;
        // What came otherwise is not for this protocol.
        let record = record.filter(|record| record.tus.is_some());
        return Ok(record.map_or(Found::Missing, |record| Found::Finished(Box::new(record))));
    };
    let data = folder.tus_data(id);
    let metadata = match std::fs::metadata(&data) {
        Ok(metadata) => metadata,
        // The process ended when they were at their place and not yet recorded.
        Err(error) if error.kind() == io::ErrorKind::NotFound => match std::fs::metadata(folder.file(id)) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
            Err(error) => return Err(error),
        },
        Err(error) => return Err(error),
    };
    let touched = metadata
        .modified()?
        .max(std::fs::metadata(folder.tus_state(id))?.modified()?);
    let expires = touched.checked_add(store.settings.abandoned_after);
    let mut offset = metadata.len();
    if let Some(verified) = state.verify_from {
        let file = OpenOptions::new().write(true).open(&data)?;
        // Another process may be receiving them at this moment.
        let is_left = lock::try_lock(&file).unwrap_or(true);
        if verified < offset {
            if is_left {
                file.set_len(verified)?;
                store.quota.give_back(offset - verified);
            }
            offset = verified;
        }
        if is_left {
            state.verify_from = None;
            folder.write_json(&folder.tus_state(id), &state)?;
        }
    }
    if !state.is_complete(offset) && expires.is_some_and(|expires| expires <= SystemTime::now()) {
        remove(store, id)?;
        return Ok(Found::Expired);
    }
    Ok(Found::Unfinished { state, offset, expires })
}

/// Removes an upload that is not finished.
pub(super) fn remove(store: &Inner, id: &UploadId) -> io::Result<()> {
    // It may be recorded as a stored file already, where the hook failed: a record without bytes would stay for ever.
    folder::remove(&store.folder.record(id))?;
    forget(store, id)?;
    // Its bytes may be at the place of a stored file already.
    for data in [store.folder.tus_data(id), store.folder.file(id)] {
        let bytes = folder::length(&data)?.unwrap_or_default();
        folder::remove(&data)?;
        store.quota.give_back(bytes);
    }
    Ok(())
}

/// Makes an upload whose bytes are all there a file of the store. It stays unfinished until [`forget`], so that a crash
/// in between lets it be done again.
pub(super) fn store(
    store: &Inner,
    id: &UploadId,
    state: &TusState,
    sum: Option<Sha256>,
) -> Result<StoredFile, UploadError> {
    let folder = &store.folder;
    let data = folder.tus_data(id);
    let from = if data.exists() { data } else { folder.file(id) };
    // Written to as well: without that right Windows refuses to flush it.
    let mut file = OpenOptions::new().read(true).write(true).open(&from)?;
    let mut head = Vec::new();
    Read::by_ref(&mut file).take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    let found = kind::sniff(&head);
    if !store.settings.types.admit(found) {
        remove(store, id)?;
        return Err(UploadError::new(UploadErrorKind::Type { found }));
    }
    let sum = match sum {
        Some(sum) => sum,
        None => {
            let mut sum = Sha256::new();
            sum.update(&head);
            io::copy(&mut file, &mut sum)?;
            sum
        }
    };
    let file_name = state.metadata();
    let record = Record {
        file: StoredFile {
            id: *id,
            name: file_name.file_name().and_then(name::clean),
            bytes: file.metadata()?.len(),
            content_type: found.to_owned(),
            sha256: hex(&sum.finalize()),
            stored_ms: now_ms(),
        },
        tus: Some(state.notes.clone()),
    };
    let is_new = !folder.record(id).exists();
    folder.store(id, &file, &from, &record)?;
    if is_new {
        store.stored.fetch_add(1, Ordering::Relaxed);
    }
    Ok(record.file)
}

/// Ends an upload that has become a file.
pub(super) fn forget(store: &Inner, id: &UploadId) -> io::Result<()> {
    match std::fs::remove_file(store.folder.tus_state(id)) {
        Ok(()) => {}
        // Counted by who removed it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    let less = |count: usize| Some(count.saturating_sub(1));
    let _ = store
        .unfinished
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    Ok(())
}
