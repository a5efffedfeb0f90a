//! From a file and what a request says about it to the response: conditions, then ranges, then the body.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_MATCH,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, Method, StatusCode};
use http_body::{Frame, SizeHint};
use hyperlane::{Body, Bytes, Context, IntoResponse, Problem, Response};

use crate::body::{FileBody, Part, Reader};
use crate::condition::Validators;
use crate::multipart::{byteranges, content_range};
use crate::range::Selection;
use crate::resource::Representation;

/// What a response says beside what the file does.
#[derive(Debug, Default)]
pub(crate) struct Manner {
    pub(crate) cache_control: Option<HeaderValue>,
    pub(crate) disposition: Option<HeaderValue>,
    /// Whether another request might have got another variant (RFC 9110 §12.5.5).
    pub(crate) varies: bool,
    /// A status other than 200, with which neither conditions nor ranges count (RFC 9110 §13.2.1, §14.2).
    pub(crate) status: Option<StatusCode>,
}

/// A response to which the bytes are still to be added.
#[derive(Debug)]
pub(crate) struct Answer {
    response: Response,
    parts: Vec<Part>,
    /// Whether the bytes are only announced.
    head_only: bool,
}

impl Answer {
    /// The answer to a GET or HEAD.
    pub(crate) fn new(ctx: &Context, file: &Representation, manner: &Manner) -> Self {
        let length = file.stamp.length;
        let head_only = *ctx.method() == Method::HEAD;
        let mut response = Response::new(Body::empty());
        response.insert_header(CONTENT_TYPE, file.media_type.clone());
        describe(&mut response, file, manner);
        let mut selection = Selection::Whole;
        if let Some(status) = manner.status {
            response = response.with_status(status);
        } else if is_asked_more(ctx) {
            let headers = ctx.headers();
            let validators = Validators {
                tag: &file.tag,
                modified: file.modified.as_ref().map(|(time, _)| *time),
            };
            if let Some(verdict) = validators.verdict(headers) {
                return Self::without_body(refused(response, verdict));
            }
            if !head_only && validators.allow_range(headers) {
                selection = Selection::of(headers, length);
                // A client would take the coding for that of the multipart body, boundaries and all.
                if file.coding.is_some() && matches!(&selection, Selection::Parts(ranges) if ranges.len() > 1) {
                    selection = Selection::Whole;
                }
            }
        }
        if manner.status.is_none() {
            response = response.with_status(selection.status());
        }
        let whole = 0..length;
        let parts = match selection {
            Selection::Whole => vec![Part::File(whole)],
            Selection::Nothing => return Self::without_body(not_satisfiable(length)),
            Selection::Parts(ranges) => match <[_; 1]>::try_from(ranges) {
                Ok([range]) => {
                    set(&mut response, content_range(&range, length));
                    vec![Part::File(range)]
                }
                Err(ranges) => {
                    let (content_type, parts) = byteranges(ranges, length, &file.media_type);
                    response.insert_header(CONTENT_TYPE, content_type);
                    parts
                }
            },
        };
        Self {
            response,
            parts,
            head_only,
        }
    }

    fn without_body(response: Response) -> Self {
        Self {
            response,
            parts: Vec::new(),
            head_only: false,
        }
    }

    /// Whether the file need not be opened for it.
    pub(crate) fn is_complete(&self) -> bool {
        self.head_only || self.length() == 0
    }

    /// The response without the bytes, which nobody will read.
    pub(crate) fn complete(self) -> Response {
        match self.length() {
            0 => self.response,
            length => self.response.with_body(Body::wrap(Announced(length))),
        }
    }

    fn length(&self) -> u64 {
        self.parts.iter().map(Part::length).sum()
    }

    /// The response, from a file whose content is at hand.
    pub(crate) fn with_content(self, content: &Bytes) -> Response {
        let slice = |part: Part| match part {
            Part::Text(text) => text,
            // A part lies within the length that the content has.
            Part::File(range) => {
                let end = (range.end as usize).min(content.len());
                content.slice((range.start as usize).min(end)..end)
            }
        };
        let mut pieces: Vec<Bytes> = self.parts.into_iter().map(slice).collect();
        match pieces.len() {
            0 => self.response,
            1 => self.response.with_body(pieces.remove(0)),
            _ => self.response.with_body(pieces.concat()),
        }
    }

    /// The response, from a file that is read as it is sent.
    pub(crate) fn with_file(self, reader: Reader) -> Response {
        self.response.with_body(Body::wrap(FileBody::new(reader, self.parts)))
    }
}

/// Whether a request has a condition or a range. Most have none, and their headers need not become a map.
fn is_asked_more(ctx: &Context) -> bool {
    let names = [IF_NONE_MATCH, IF_MODIFIED_SINCE, RANGE, IF_MATCH, IF_UNMODIFIED_SINCE];
    names.iter().any(|name| ctx.header(name.as_str()).is_some())
}

/// What 200, 206 and 304 have in common (RFC 9110 §15.4.5).
fn describe(response: &mut Response, file: &Representation, manner: &Manner) {
    response.insert_header(ETAG, file.tag.clone());
    if let Some((_, modified)) = &file.modified {
        response.insert_header(LAST_MODIFIED, modified.clone());
    }
    response.insert_header(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response.insert_header(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(coding) = file.coding {
        response.insert_header(CONTENT_ENCODING, coding.value());
    }
    if manner.varies {
        response.insert_header(VARY, HeaderValue::from_static("accept-encoding"));
    }
    if let Some(value) = &manner.cache_control {
        response.insert_header(CACHE_CONTROL, value.clone());
    }
    if let Some(value) = &manner.disposition {
        response.insert_header(CONTENT_DISPOSITION, value.clone());
    }
}

/// 304, which says of the file only what a cache has to know, or 412.
fn refused(mut response: Response, verdict: StatusCode) -> Response {
    if verdict != StatusCode::NOT_MODIFIED {
        return Problem::new(verdict).into_response();
    }
    for name in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_DISPOSITION, ACCEPT_RANGES] {
        response.remove_header(name.as_str());
    }
    response.with_status(verdict)
}

/// 416 with the length that there is (RFC 9110 §15.5.17).
fn not_satisfiable(length: u64) -> Response {
    let mut response = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE).into_response();
    set(&mut response, format!("bytes */{length}"));
    response.insert_header(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    response
}

fn set(response: &mut Response, content_range: String) {
    if let Ok(value) = HeaderValue::try_from(content_range) {
        response.insert_header(CONTENT_RANGE, value);
    }
}

/// A body for HEAD: its length is what the response says, and it is never read.
struct Announced(u64);

impl http_body::Body for Announced {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(Some(Err(std::io::Error::other(
            "the body of an answer to HEAD has no bytes",
        ))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0)
    }
}
