//! One field of a form with files.

use std::fmt;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};

use super::disposition::parameter;
use super::{Multipart, file_name};
use crate::extract::{Rejection, RejectionKind};
use crate::response::{FieldError, FieldLocation};

/// A field of a [`Multipart`] form: a name, some bytes, and, if it is a file, a file name.
///
/// It borrows the form, since the next field comes behind this one's bytes.
pub struct Field<'a> {
    form: &'a mut Multipart,
    headers: HeaderMap,
    name: String,
    raw_file_name: Option<String>,
}

impl<'a> Field<'a> {
    pub(super) fn new(form: &'a mut Multipart, field: multer::Field<'static>) -> Result<Self, Rejection> {
        let headers = field.headers().clone();
        let disposition = headers
            .get(CONTENT_DISPOSITION)
            .map_or(&[][..], |value| value.as_bytes());
        // RFC 7578 §4.2: a field has a name.
        let Some(name) = parameter(disposition, "name") else {
            let message = "a field of the multipart form has no name: its `content-disposition` must be `form-data; name=\"…\"`, in UTF-8";
            return Err(Rejection::new(StatusCode::BAD_REQUEST, message).with_kind(RejectionKind::Malformed));
        };
        let raw_file_name = parameter(disposition, "filename");
        form.current = Some(field);
        Ok(Self {
            form,
            headers,
            name,
            raw_file_name,
        })
    }

    /// Its name in the form. Names may repeat.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the file, if it is one, made harmless: without folders, control characters and what no file system
    /// can hold, and no longer than 255 bytes. `None` also where nothing is left of it.
    ///
    /// It is still the client's choice, and may be that of another file: don't let it decide where something is stored.
    pub fn file_name(&self) -> Option<String> {
        self.raw_file_name.as_deref().and_then(file_name::sanitize)
    }

    /// The name of the file as it was sent. It may be a path to anywhere: never open it.
    pub fn raw_file_name(&self) -> Option<&str> {
        self.raw_file_name.as_deref()
    }

    /// The content type that the client claims.
    pub fn content_type(&self) -> Option<&str> {
        self.headers.get(CONTENT_TYPE)?.to_str().ok()
    }

    /// All its headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The next piece of its bytes; `None` at its end.
    ///
    /// # Errors
    ///
    /// It is over its limit (413), or the body is malformed, cut short, over its own limit, or too slow.
    ///
    /// # Cancel safety
    ///
    /// A piece is never lost when the future is dropped.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Rejection> {
        let chunk = self.form.next_chunk().await;
        chunk.map_err(|rejection| self.name_in(rejection))
    }

    /// All its bytes that were not read yet.
    ///
    /// # Errors
    ///
    /// As [`chunk`](Self::chunk).
    pub async fn bytes(mut self) -> Result<Bytes, Rejection> {
        let Some(first) = self.chunk().await? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.chunk().await? else {
            return Ok(first);
        };
        let mut all = BytesMut::from(&first[..]);
        all.extend_from_slice(&second);
        while let Some(chunk) = self.chunk().await? {
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    /// All of it as text.
    ///
    /// # Errors
    ///
    /// As [`chunk`](Self::chunk), and 422 if it is not UTF-8, which all browsers send.
    pub async fn text(self) -> Result<String, Rejection> {
        let name = self.name.clone();
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into()).map_err(|error| {
            let detail = format!("is not utf-8: byte {} is invalid", error.utf8_error().valid_up_to());
            let message = "a field of the multipart form is not utf-8";
            Rejection::new(StatusCode::UNPROCESSABLE_ENTITY, message)
                .with_kind(RejectionKind::Invalid)
                .with_field(FieldError::new(FieldLocation::Form, name, detail))
                .with_source(error)
        })
    }

    /// Names this field in what is wrong with it.
    fn name_in(&self, rejection: Rejection) -> Rejection {
        if rejection.kind() != RejectionKind::TooLarge {
            return rejection;
        }
        let detail = rejection.message().to_owned();
        rejection.with_field(FieldError::new(FieldLocation::Form, self.name.clone(), detail))
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field")
            .field("name", &self.name)
            .field("raw_file_name", &self.raw_file_name)
            .finish_non_exhaustive()
    }
}
