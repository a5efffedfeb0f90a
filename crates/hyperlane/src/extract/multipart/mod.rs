//! Forms with files, read part by part as they arrive (RFC 7578), on the `multer` crate.

mod disposition;
mod feed;
mod field;
mod file_name;

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use http::StatusCode;

use super::optional::present;
use super::{FromContext, MediaType, Rejection, RejectionKind, Requirements};
use crate::context::Context;

use feed::{Feed, Gate};
pub use field::Field;

/// Default of [`Multipart::with_field_limit`], in bytes.
const FIELD_LIMIT: u64 = 8 * 1024 * 1024;
/// Default of [`Multipart::with_max_fields`].
const MAX_FIELDS: usize = 1000;
/// The longest boundary (RFC 2046 §5.1.1).
const MAX_BOUNDARY: usize = 70;

/// A body of `multipart/form-data`, as HTML forms with files send it: a stream of [`Field`]s.
///
/// Nothing is kept: a field is read as it arrives, at the handler's pace, and a piece at a time is in memory. Who does
/// not read holds the client back.
///
/// Limits are on: of the whole body the server's own ([`ServerConfig::body_limit`](crate::ServerConfig)), of a field
/// [`with_field_limit`](Self::with_field_limit), of their number [`with_max_fields`](Self::with_max_fields), and 16 KiB
/// of a field's head. It is answered 415 if the content type is another, 400 if it is malformed or cut short, and 413
/// if it is over a limit. An [`Option`] of it is `None` where there is neither a content type nor a body. The same as
/// [`Context::multipart`].
///
/// ```
/// use hyperlane::*;
///
/// async fn upload(mut form: Multipart) -> Result<String, Rejection> {
///     let mut bytes = 0;
///     while let Some(mut field) = form.next_field().await? {
///         if field.file_name().is_none() {
///             println!("{}: {}", field.name().to_owned(), field.text().await?);
///             continue;
///         }
///         while let Some(chunk) = field.chunk().await? {
///             bytes += chunk.len();
///         }
///     }
///     Ok(format!("{bytes} bytes in files"))
/// }
/// # Server::new().post("/upload", upload);
/// ```
pub struct Multipart {
    parser: multer::Multipart<'static>,
    /// The field whose data is next in the body.
    current: Option<multer::Field<'static>>,
    gate: Arc<Gate>,
    field_limit: u64,
    max_fields: usize,
    fields: usize,
    /// Bytes read of the current field.
    read: u64,
}

impl Multipart {
    /// The same with another limit on the bytes of each field. Default: 8 MiB. It has no effect beyond the server's
    /// limit of the whole body.
    #[must_use]
    pub fn with_field_limit(mut self, bytes: u64) -> Self {
        self.field_limit = bytes;
        self
    }

    /// The same with another limit on the number of fields. Default: 1000.
    #[must_use]
    pub fn with_max_fields(mut self, fields: usize) -> Self {
        self.max_fields = fields;
        self
    }

    /// The next field; what was not read of the one before is skipped. `None` at the end.
    ///
    /// # Errors
    ///
    /// The body is malformed, cut short, too slow or over a limit. Nothing more can be read then.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost when the future is dropped; the next call goes on where it stopped.
    pub async fn next_field(&mut self) -> Result<Option<Field<'_>>, Rejection> {
        while self.next_chunk().await?.is_some() {}
        self.gate.begin_head();
        let next = poll_fn(|cx| {
            loop {
                self.gate.open();
                match self.parser.poll_next_field(cx) {
                    Poll::Pending if self.gate.is_held_back() => {}
                    next => return next,
                }
            }
        });
        let Some(field) = next.await.map_err(feed::reject)? else {
            return Ok(None);
        };
        self.gate.end_head();
        self.fields += 1;
        if self.fields > self.max_fields {
            let message = format!("multipart form has more than {} fields", self.max_fields);
            return Err(Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, message).with_kind(RejectionKind::TooLarge));
        }
        self.read = 0;
        Field::new(self, field).map(Some)
    }

    /// The next piece of the current field.
    async fn next_chunk(&mut self) -> Result<Option<bytes::Bytes>, Rejection> {
        let Some(field) = &mut self.current else {
            return Ok(None);
        };
        let gate = &self.gate;
        let next = poll_fn(|cx| {
            loop {
                gate.open();
                let next = futures_core::Stream::poll_next(std::pin::Pin::new(&mut *field), cx);
                match next {
                    Poll::Pending if gate.is_held_back() => {}
                    // An empty piece stands before a boundary.
                    Poll::Ready(Some(Ok(chunk))) if chunk.is_empty() => {}
                    next => return next,
                }
            }
        });
        match next.await {
            Some(Ok(chunk)) => {
                self.read += chunk.len() as u64;
                if self.read > self.field_limit {
                    let message = format!("a field of the multipart form exceeds {} bytes", self.field_limit);
                    return Err(
                        Rejection::new(StatusCode::PAYLOAD_TOO_LARGE, message).with_kind(RejectionKind::TooLarge)
                    );
                }
                Ok(Some(chunk))
            }
            Some(Err(error)) => Err(feed::reject(error)),
            None => {
                self.current = None;
                Ok(None)
            }
        }
    }
}

impl FromContext for Multipart {
    type Rejection = Rejection;

    async fn from_context(ctx: &Context) -> Result<Self, Rejection> {
        ctx.multipart()
    }

    async fn from_context_if_present(ctx: &Context) -> Result<Option<Self>, Rejection> {
        present(ctx.multipart())
    }

    fn check(needs: &mut Requirements) {
        needs.takes_body("Multipart");
    }
}

impl Context {
    /// The request's body as a form with files: the same as [`Multipart`]. It takes the body as
    /// [`body_stream`](Self::body_stream) does.
    ///
    /// # Errors
    ///
    /// The content type is another (415), or has no boundary (400).
    pub fn multipart(&self) -> Result<Multipart, Rejection> {
        MediaType::Multipart.check(self)?;
        let content_type = self.header("content-type").unwrap_or_default();
        let boundary = multer::parse_boundary(content_type).map_err(feed::reject)?;
        if boundary.is_empty() || boundary.len() > MAX_BOUNDARY {
            let message = format!("boundary of the multipart form must have 1 to {MAX_BOUNDARY} characters");
            return Err(Rejection::new(StatusCode::BAD_REQUEST, message).with_kind(RejectionKind::Malformed));
        }
        let gate = Arc::new(Gate::default());
        let feed = Feed::new(self.body_stream(), Arc::clone(&gate));
        Ok(Multipart {
            parser: multer::Multipart::new(feed, boundary),
            current: None,
            gate,
            field_limit: FIELD_LIMIT,
            max_fields: MAX_FIELDS,
            fields: 0,
            read: 0,
        })
    }
}

impl fmt::Debug for Multipart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Multipart")
            .field("field_limit", &self.field_limit)
            .field("max_fields", &self.max_fields)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}
