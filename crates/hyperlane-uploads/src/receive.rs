//! Receiving files whole: from the body of a request, or from the fields of a form.

use hyperlane::{Body, Bytes, Context, Field, HeaderMap, Multipart};
use sha2::{Digest, Sha256, Sha512};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::digest::Expected;
use crate::error::{UploadError, UploadErrorKind};
use crate::folder;
use crate::id::UploadId;
use crate::kind::{self, HEAD_BYTES};
use crate::name;
use crate::quota::Reservation;
use crate::store::{UploadStore, blocking};
use crate::stored::{Record, StoredFile, hex, now_ms};
use crate::writer::{Disk, DiskWriter, Sums};

/// The most bytes of one text field beside the files.
const MAX_TEXT: usize = 64 * 1024;
/// The most bytes of all of them.
const MAX_TEXTS: usize = 256 * 1024;

/// A form that was received: its files are stored, its other fields are here.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UploadedForm {
    /// Name of the field, and file. Empty file fields, as browsers send for those that nobody filled, are left out.
    pub files: Vec<(String, StoredFile)>,
    /// Names and values of the other fields: at most 64 KiB each and 256 KiB together.
    pub fields: Vec<(String, String)>,
}

impl UploadedForm {
    /// The value of the first other field of this name.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        fields.find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

impl UploadStore {
    /// Stores the body of a request as a file. `name` is what the client calls it, if it says so somewhere.
    ///
    /// `Content-Digest` and `Repr-Digest` are verified where they come (RFC 9530), as headers or behind the body: `sha-256`
    /// and `sha-512` (the latter as a header only). A length beyond the limit is refused before anything is read. A
    /// `Content-Encoding` or a `Content-Range` is refused, since what came would not be the file.
    ///
    /// # Errors
    ///
    /// Whatever [`UploadErrorKind`] says. Nothing is left of the upload then.
    ///
    /// # Cancel safety
    ///
    /// Dropped before all bytes are there it leaves nothing. Dropped behind that, the file may be stored all the same: who
    /// keeps books of files makes the route [finish](hyperlane::OnDisconnect::Finish).
    pub async fn receive(&self, ctx: &Context, name: Option<&str>) -> Result<StoredFile, UploadError> {
        refuse_encoded(ctx.headers())?;
        let expected = Expected::read(ctx.headers())?;
        let limit = self.0.settings.max_file_bytes;
        let announced = ctx.header("content-length").and_then(|text| text.parse::<u64>().ok());
        if announced.is_some_and(|bytes| bytes > limit) {
            return Err(UploadError::new(UploadErrorKind::TooLarge { limit }));
        }
        if announced.is_some_and(|bytes| !self.0.quota.has_room(bytes)) {
            return Err(UploadError::new(UploadErrorKind::StoreFull));
        }
        let mut body = ctx.body_stream();
        let mut pending = Pending::begin(self, limit, &expected).await?;
        while let Some(chunk) = body.chunk().await {
            pending.take(&chunk?).await?;
        }
        let mut late = Expected::default();
        if let Some(trailers) = body.trailers() {
            late = Expected::read(trailers)?;
        }
        let received = pending.end().await?;
        received.verify(&expected)?;
        received.verify(&late)?;
        received.store(name).await
    }

    /// Stores bytes that do not come from a request as they stand: what another server sent, for instance.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub async fn receive_body(&self, mut body: Body, name: Option<&str>) -> Result<StoredFile, UploadError> {
        let mut pending = Pending::begin(self, self.0.settings.max_file_bytes, &Expected::default()).await?;
        while let Some(chunk) = body.chunk().await {
            pending.take(&chunk?).await?;
        }
        pending.end().await?.store(name).await
    }

    /// Stores one field of a form as a file. [`Multipart::with_field_limit`] has to admit it.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive), and if the form is malformed.
    pub async fn receive_field(&self, field: Field<'_>) -> Result<StoredFile, UploadError> {
        let name = field.raw_file_name().map(str::to_owned);
        let limit = self.0.settings.max_file_bytes;
        let received = self.receive_pending(field, limit).await?;
        received.store(name.as_deref()).await
    }

    /// Stores all files of a form, or none: they are stored when the whole form is there.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive), if the form is malformed, and if it is over one of its own limits. Nothing is left
    /// of any of its files then.
    ///
    /// # Cancel safety
    ///
    /// As [`receive`](Self::receive): dropped behind the end of the form, all of its files are stored, or none.
    pub async fn receive_form(&self, form: Multipart) -> Result<UploadedForm, UploadError> {
        let settings = &self.0.settings;
        // The limits of the store hold instead.
        let mut form = form.with_field_limit(u64::MAX);
        let mut left = settings.max_request_bytes;
        let mut received: Vec<(String, Option<String>, Received)> = Vec::new();
        let mut uploaded = UploadedForm::default();
        let mut texts = 0;
        while let Some(field) = form.next_field().await? {
            let field_name = field.name().to_owned();
            let Some(name) = field.raw_file_name().map(str::to_owned) else {
                let value = text(field).await?;
                texts += field_name.len() + value.len();
                if texts > MAX_TEXTS {
                    return Err(UploadError::new(UploadErrorKind::TooMuchText));
                }
                uploaded.fields.push((field_name, value));
                continue;
            };
            if received.len() == settings.max_files {
                let limit = settings.max_files;
                return Err(UploadError::new(UploadErrorKind::TooManyFiles { limit }));
            }
            let limit = settings.max_file_bytes.min(left);
            let file = self.receive_pending(field, limit).await.map_err(|error| {
                // Which of the two limits it was.
                match error.kind() {
                    UploadErrorKind::TooLarge { .. } if limit == left => {
                        let limit = settings.max_request_bytes;
                        UploadError::new(UploadErrorKind::TooLarge { limit })
                    }
                    _ => error,
                }
            })?;
            // A field that nobody filled (HTML standard, "constructing the entry list").
            if name.is_empty() && file.bytes() == 0 {
                continue;
            }
            left -= file.bytes();
            received.push((field_name, Some(name), file));
        }
        let store = self.clone();
        // A client that leaves now must not leave some of them.
        let all = tokio::spawn(async move {
            for (field, name, file) in received {
                match file.store(name.as_deref()).await {
                    Ok(file) => uploaded.files.push((field, file)),
                    Err(error) => {
                        for (_, file) in &uploaded.files {
                            store.remove(&file.id).await?;
                        }
                        return Err(error);
                    }
                }
            }
            Ok(uploaded)
        });
        all.await.map_err(std::io::Error::other)?
    }

    async fn receive_pending(&self, mut field: Field<'_>, limit: u64) -> Result<Received, UploadError> {
        let expected = Expected::read(field.headers())?;
        let mut pending = Pending::begin(self, limit, &expected).await?;
        while let Some(chunk) = field.chunk().await? {
            pending.take(&chunk).await?;
        }
        let received = pending.end().await?;
        received.verify(&expected)?;
        Ok(received)
    }
}

/// A file that is being received. Dropped, it is removed.
struct Pending {
    store: UploadStore,
    id: UploadId,
    writer: DiskWriter,
    removal: Removal,
    reservation: Reservation,
    limit: u64,
    kind: Option<&'static str>,
    _place: tokio::sync::OwnedSemaphorePermit,
}

impl Pending {
    async fn begin(store: &UploadStore, limit: u64, expected: &Expected) -> Result<Self, UploadError> {
        store.check_stored()?;
        let place = store.admit()?;
        let inner = Arc::clone(&store.0);
        let (id, file, removal) = blocking(move || {
            let id = UploadId::random()?;
            let file = inner.folder.create_partial(&id)?;
            Ok((id, file, Removal(Some(inner.folder.partial(&id)))))
        })
        .await?;
        let sums = Sums {
            sha256: Some(Sha256::new()),
            sha512: (!expected.sha512.is_empty()).then(Sha512::new),
            chunk: None,
        };
        Ok(Self {
            store: store.clone(),
            id,
            writer: DiskWriter::new(file, 0, sums, None, None),
            removal,
            reservation: Reservation::new(&store.0.quota),
            limit,
            kind: None,
            _place: place,
        })
    }

    async fn take(&mut self, chunk: &Bytes) -> Result<(), UploadError> {
        let bytes = chunk.len() as u64;
        if self.writer.end().saturating_add(bytes) > self.limit {
            return Err(UploadError::new(UploadErrorKind::TooLarge { limit: self.limit }));
        }
        self.reservation.grow(bytes)?;
        self.writer.write(chunk).await?;
        if self.kind.is_none() && self.writer.head().len() == HEAD_BYTES {
            self.sniff()?;
        }
        Ok(())
    }

    /// What it is, and whether that is taken: as soon as it can be known.
    fn sniff(&mut self) -> Result<&'static str, UploadError> {
        let found = kind::sniff(self.writer.head());
        if !self.store.0.settings.types.admit(found) {
            return Err(UploadError::new(UploadErrorKind::Type { found }));
        }
        self.kind = Some(found);
        Ok(found)
    }

    async fn end(mut self) -> Result<Received, UploadError> {
        let kind = match self.kind {
            Some(kind) => kind,
            None if self.writer.end() == 0 => kind::sniff(&[]),
            None => self.sniff()?,
        };
        Ok(Received {
            kind,
            disk: self.writer.finish().await?,
            store: self.store,
            id: self.id,
            removal: self.removal,
            reservation: self.reservation,
        })
    }
}

/// A file that is whole, and not yet stored. Dropped, it is removed.
struct Received {
    store: UploadStore,
    id: UploadId,
    disk: Disk,
    removal: Removal,
    reservation: Reservation,
    kind: &'static str,
}

impl Received {
    fn bytes(&self) -> u64 {
        self.disk.written
    }

    fn verify(&self, expected: &Expected) -> Result<(), UploadError> {
        let sums = &self.disk.sums;
        let sha256 = sums.sha256.clone().unwrap_or_default().finalize();
        let sha512 = sums.sha512.clone().map(Sha512::finalize);
        expected.check(&sha256, sha512.as_deref())
    }

    async fn store(self, name: Option<&str>) -> Result<StoredFile, UploadError> {
        let Self {
            store,
            id,
            disk,
            mut removal,
            reservation,
            kind,
        } = self;
        let file = StoredFile {
            id,
            name: name.and_then(name::clean),
            bytes: disk.written,
            content_type: kind.to_owned(),
            sha256: hex(&disk.sums.sha256.clone().unwrap_or_default().finalize()),
            stored_ms: now_ms(),
        };
        if file.bytes == 0 && !store.0.settings.types.admit(kind) {
            return Err(UploadError::new(UploadErrorKind::Type { found: kind }));
        }
        // Whether it comes to its end is not for a client to decide that leaves now.
        let stored = blocking(move || {
            let folder = &store.0.folder;
            let record = Record { file, tus: None };
            let stored = folder.store(&id, &disk.file, &folder.partial(&id), &record);
            if let Err(error) = stored {
                let _ = folder::remove(&folder.record(&id));
                let _ = folder::remove(&folder.file(&id));
                return Err(error);
            }
            removal.disarm();
            store.0.stored.fetch_add(1, Ordering::Relaxed);
            reservation.keep(record.file.bytes);
            drop(disk);
            Ok(record.file)
        });
        Ok(stored.await?)
    }
}

/// Removes a file when it is dropped.
#[derive(Debug)]
struct Removal(Option<PathBuf>);

impl Removal {
    fn disarm(&mut self) {
        self.0 = None;
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        let Some(path) = self.0.take() else { return };
        let remove = move || {
            if let Err(error) = folder::remove(&path) {
                tracing::error!(%error, path = %path.display(), "an upload that broke off could not be removed");
            }
        };
        // To remove a large file takes a while.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

/// A coded body would be stored, and checked, as something that it is not (RFC 9110 §8.4, §14.4).
pub(crate) fn refuse_encoded(headers: &HeaderMap) -> Result<(), UploadError> {
    let coded = headers.get_all("content-encoding").iter();
    let mut coded = coded.filter(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if coded.next().is_some() {
        let header = "content-encoding";
        return Err(UploadError::new(UploadErrorKind::Encoded { header }));
    }
    if headers.contains_key("content-range") {
        let header = "content-range";
        return Err(UploadError::new(UploadErrorKind::Encoded { header }));
    }
    Ok(())
}

/// A text field, of bounded length.
async fn text(mut field: Field<'_>) -> Result<String, UploadError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await? {
        if bytes.len() + chunk.len() > MAX_TEXT {
            return Err(UploadError::new(UploadErrorKind::TooMuchText));
        }
        bytes.extend_from_slice(&chunk);
    }
    // A form may be in another encoding; what can't be read is marked as such.
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}
