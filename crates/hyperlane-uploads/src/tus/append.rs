//! `PATCH`: more bytes of an upload ("Core protocol", "PATCH").

use std::fs::{File, OpenOptions};
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyperlane::{Body, BodyError, Context, Problem, Response, StatusCode};
use sha2::{Digest, Sha256};
use tokio::sync::OwnedSemaphorePermit;

use crate::error::{UploadError, UploadErrorKind};
use crate::id::UploadId;
use crate::kind::{self, HEAD_BYTES};
use crate::lock;
use crate::quota::Reservation;
use crate::receive::refuse_encoded;
use crate::store::{Inner, blocking};
use crate::writer::{Disk, DiskWriter, Sums};

use super::checksum::Promise;
use super::locks::{Known, Lock, TakenOver};
use super::state::{self, Found, TusState};
use super::{Tus, reply};

/// How often, and how long, another process is asked to let go of an upload.
const TRIES: u32 = 50;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// Where an upload stands behind a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Appended {
    pub(super) offset: u64,
    /// Whether it is a file now.
    pub(super) finished: bool,
}

/// Why no more bytes were taken.
enum End {
    /// There were no more.
    Whole,
    Broken(BodyError),
    TakenOver,
    TooLong,
    Failed(UploadError),
}

impl Tus {
    pub(super) async fn patch(&self, ctx: &Context, id: &UploadId) -> Result<Response, Problem> {
        check_content_type(ctx)?;
        refuse_encoded(ctx.headers())?;
        let Some(claimed) = reply::number(ctx, "upload-offset")? else {
            return Err(reply::refuse(StatusCode::BAD_REQUEST, "`upload-offset` is missing"));
        };
        let promise = ctx.header("upload-checksum").map(Promise::read).transpose()?;
        let announced = reply::number(ctx, "upload-length")?;
        let (lock, taken_over) = self.take_over(id).await?;
        let (mut state, offset) = match self.find(id).await? {
            Found::Unfinished { state, offset, .. } => (state, offset),
            Found::Finished(record) => {
                return finished(
                    ctx,
                    claimed,
                    record.file.bytes,
                    record.tus.is_some_and(|notes| notes.concat.is_some()),
                );
            }
            Found::Expired => return Err(reply::expired()),
            Found::Missing => return Err(reply::missing()),
        };
        if claimed != offset {
            return Err(conflict(offset));
        }
        if let Some(length) = announced {
            self.announce(id, &mut state, offset, length).await?;
        }
        let body = ctx.body_stream();
        let appended = self
            .append(ctx, id, state, offset, body, promise, lock, taken_over)
            .await?;
        let mut response = Response::default()
            .with_status(StatusCode::NO_CONTENT)
            .with_header("upload-offset", appended.offset.to_string());
        if !appended.finished {
            let expires = SystemTime::now().checked_add(self.store.0.settings.abandoned_after);
            response = reply::with_expiry(response, expires);
        }
        Ok(response)
    }

    /// The length of an upload that was begun without one. Once said it stays ("creation-defer-length").
    async fn announce(&self, id: &UploadId, state: &mut TusState, offset: u64, length: u64) -> Result<(), Problem> {
        match state.length {
            Some(known) if known == length => return Ok(()),
            Some(_) => {
                let detail = "`upload-length` is another than was said before";
                return Err(reply::refuse(StatusCode::BAD_REQUEST, detail));
            }
            None => {}
        }
        if length < offset {
            let detail = "`upload-length` is less than what has been sent";
            return Err(reply::refuse(StatusCode::BAD_REQUEST, detail));
        }
        let limit = self.store.0.settings.max_file_bytes;
        if length > limit {
            return Err(UploadError::new(UploadErrorKind::TooLarge { limit }).into());
        }
        state.length = Some(length);
        Ok(self.write_state(id, state).await?)
    }

    pub(super) async fn write_state(&self, id: &UploadId, state: &TusState) -> Result<(), UploadError> {
        let (inner, id, state) = (Arc::clone(&self.store.0), *id, state.clone());
        let written = blocking(move || inner.folder.write_json(&inner.folder.tus_state(&id), &state));
        Ok(written.await?)
    }

    /// Appends the bytes of a body. With a checksum they are kept all or not at all; without one what has come is kept.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is another thing, and two requests have all of them"
    )]
    pub(super) async fn append(
        &self,
        ctx: &Context,
        id: &UploadId,
        mut state: TusState,
        offset: u64,
        mut body: Body,
        promise: Option<Promise>,
        mut lock: Lock,
        mut taken_over: TakenOver,
    ) -> Result<Appended, Problem> {
        let limit = state.length.unwrap_or(self.store.0.settings.max_file_bytes);
        let announced = ctx.header("content-length").and_then(|text| text.parse::<u64>().ok());
        if announced.is_some_and(|bytes| bytes > limit.saturating_sub(offset)) {
            return Err(UploadError::new(UploadErrorKind::TooLarge { limit }).into());
        }
        if body.is_empty() && promise.is_none() {
            if state.is_complete(offset) {
                let sum = lock.0.take().filter(|(_, bytes)| *bytes == offset).map(|(sum, _)| sum);
                self.complete(id, state, sum, lock).await?;
                return Ok(Appended { offset, finished: true });
            }
            return Ok(Appended {
                offset,
                finished: false,
            });
        }
        let place = self.store.admit()?;
        let file = self.open(id, offset).await?;
        if promise.is_some() {
            state.verify_from = Some(offset);
            self.write_state(id, &state).await?;
        }
        let known = lock.0.take().filter(|(_, bytes)| *bytes == offset).map(|(sum, _)| sum);
        let sums = Sums {
            sha256: if offset == 0 { Some(Sha256::new()) } else { known },
            sha512: None,
            chunk: promise.as_ref().map(|promise| promise.sum.clone()),
        };
        let before = sums.sha256.clone();
        let reservation = Reservation::new(&self.store.0.quota);
        let mut writer = DiskWriter::new(file, offset, sums, Some(reservation.clone()), Some(lock));
        let mut end = self
            .take_all(&mut body, &mut writer, &reservation, &mut taken_over, limit)
            .await;
        // What has come is kept, whyever no more comes.
        if matches!(end, End::Whole | End::Broken(_) | End::TakenOver)
            && let Err(error) = writer.flush().await
        {
            end = End::Failed(error.into());
        }
        let kind_fits = !matches!(end, End::Failed(ref error) if matches!(error.kind(), UploadErrorKind::Type { .. }));
        let mut disk = writer
            .give_up()
            .await
            .ok_or_else(|| UploadError::from(io::Error::other("the thread that wrote the upload has ended")))?;
        let kept = match (&promise, &end) {
            (Some(promise), End::Whole) => promise.is_kept_by(disk.sums.chunk.take()),
            (Some(_), _) | (None, End::TooLong) => false,
            (None, _) => true,
        };
        if !kept {
            disk = cut(disk, offset, before, Arc::clone(&self.store.0)).await?;
        }
        drop(reservation);
        if promise.is_some() {
            state.verify_from = None;
            self.write_state(id, &state).await?;
        }
        if !kind_fits {
            let (inner, id) = (Arc::clone(&self.store.0), *id);
            blocking(move || state::remove(&inner, &id))
                .await
                .map_err(UploadError::from)?;
        }
        self.conclude(id, state, disk, end, kept, limit, place).await
    }

    /// Answers by how it ended.
    #[expect(clippy::too_many_arguments, reason = "the other half of `append`")]
    async fn conclude(
        &self,
        id: &UploadId,
        state: TusState,
        mut disk: Disk,
        end: End,
        kept: bool,
        limit: u64,
        place: OwnedSemaphorePermit,
    ) -> Result<Appended, Problem> {
        let offset = disk.written;
        let sum = disk.sums.sha256.take();
        let Some(mut lock) = disk.lock.take() else {
            return Err(UploadError::from(io::Error::other("an upload was written without its lock")).into());
        };
        // The lock against other processes ends with the file.
        drop(disk);
        drop(place);
        if kept && matches!(end, End::Whole) && state.is_complete(offset) {
            self.complete(id, state, sum, lock).await?;
            return Ok(Appended { offset, finished: true });
        }
        *lock = Known(sum.map(|sum| (sum, offset)));
        match end {
            End::Whole if !kept => Err(reply::mismatch()),
            End::Whole => Ok(Appended {
                offset,
                finished: false,
            }),
            End::Broken(error) => Err(UploadError::from(error).into()),
            End::TakenOver => {
                let detail = "a later request has taken this upload over";
                Err(reply::refuse(StatusCode::BAD_REQUEST, detail))
            }
            End::TooLong => Err(UploadError::new(UploadErrorKind::TooLarge { limit }).into()),
            End::Failed(error) => Err(error.into()),
        }
    }

    async fn take_all(
        &self,
        body: &mut Body,
        writer: &mut DiskWriter,
        reservation: &Reservation,
        taken_over: &mut TakenOver,
        limit: u64,
    ) -> End {
        let mut looked = false;
        loop {
            let chunk = tokio::select! {
                biased;
                () = taken_over.wait() => return End::TakenOver,
                chunk = body.chunk() => chunk,
            };
            let chunk = match chunk {
                None => return End::Whole,
                Some(Err(error)) => return End::Broken(error),
                Some(Ok(chunk)) => chunk,
            };
            if writer.end().saturating_add(chunk.len() as u64) > limit {
                return End::TooLong;
            }
            if let Err(error) = reservation.grow(chunk.len() as u64) {
                return End::Failed(error);
            }
            if let Err(error) = writer.write(&chunk).await {
                return End::Failed(error.into());
            }
            // What is not taken is refused early where it can be; otherwise at the end.
            if !looked && writer.head().len() == HEAD_BYTES {
                looked = true;
                let found = kind::sniff(writer.head());
                if !self.store.0.settings.types.admit(found) {
                    return End::Failed(UploadError::new(UploadErrorKind::Type { found }));
                }
            }
        }
    }

    /// Opens the bytes of an upload, locked against other processes.
    async fn open(&self, id: &UploadId, offset: u64) -> Result<File, Problem> {
        let (inner, id) = (Arc::clone(&self.store.0), *id);
        let opened = blocking(move || OpenOptions::new().write(true).open(inner.folder.tus_data(&id))).await;
        let file = opened.map_err(UploadError::from)?;
        for _ in 0..TRIES {
            // A file system without locks has one process.
            if !lock::try_lock(&file).unwrap_or(true) {
                tokio::time::sleep(BETWEEN_TRIES).await;
                continue;
            }
            // What another process has written since the offset was looked at is not written over.
            let length = file.metadata().map_err(UploadError::from)?.len();
            return if length == offset {
                Ok(file)
            } else {
                Err(conflict(length))
            };
        }
        Err(reply::locked())
    }
}

/// Takes back the bytes behind `offset`.
async fn cut(mut disk: Disk, offset: u64, before: Option<Sha256>, store: Arc<Inner>) -> Result<Disk, Problem> {
    let cut = blocking(move || {
        disk.file.set_len(offset)?;
        store.quota.give_back(disk.written.saturating_sub(offset));
        disk.written = offset;
        disk.sums.sha256 = before;
        Ok(disk)
    });
    Ok(cut.await.map_err(UploadError::from)?)
}

/// A `PATCH` for an upload that is finished.
fn finished(ctx: &Context, claimed: u64, bytes: u64, concat: bool) -> Result<Response, Problem> {
    if concat {
        // "Concatenation": a final upload is not patched.
        let detail = "an upload that was put together takes no more bytes";
        return Err(reply::refuse(StatusCode::FORBIDDEN, detail));
    }
    if claimed != bytes {
        return Err(conflict(bytes));
    }
    if !ctx.body_stream().is_empty() {
        return Err(UploadError::new(UploadErrorKind::TooLarge { limit: bytes }).into());
    }
    Ok(Response::default()
        .with_status(StatusCode::NO_CONTENT)
        .with_header("upload-offset", bytes.to_string()))
}

fn conflict(offset: u64) -> Problem {
    reply::refuse(
        StatusCode::CONFLICT,
        format!("the upload stands at {offset}: ask for its offset and go on there"),
    )
}

pub(super) fn check_content_type(ctx: &Context) -> Result<(), Problem> {
    let wanted = "application/offset+octet-stream";
    if ctx
        .header("content-type")
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case(wanted))
    {
        return Ok(());
    }
    let detail = "`content-type` must be application/offset+octet-stream";
    Err(reply::refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail))
}
