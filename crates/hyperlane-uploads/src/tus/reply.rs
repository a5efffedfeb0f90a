//! Headers of the protocol: read from requests, written to responses.

use std::time::SystemTime;

use hyperlane::{Context, HeaderValue, IntoResponse, Method, Problem, Response, StatusCode};

use crate::stored::TusNotes;

use super::checksum::ALGORITHMS;

pub(super) const VERSION: &str = "1.0.0";
const EXTENSIONS: &str =
    "creation,creation-with-upload,creation-defer-length,checksum,expiration,termination,concatenation";
/// The status of a chunk whose checksum is another ("Checksum").
const CHECKSUM_MISMATCH: u16 = 460;
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// The method that is meant: environments that can't send `PATCH` or `DELETE` send `POST` and say so
/// ("X-HTTP-Method-Override"). With other methods it is not heeded, so that what only reads never changes anything.
pub(super) fn method(ctx: &Context) -> Result<Method, Problem> {
    let meant = ctx.header("x-http-method-override");
    match (ctx.method(), meant) {
        (&Method::POST, Some(meant)) => Method::from_bytes(meant.to_ascii_uppercase().as_bytes())
            .map_err(|_| refuse(StatusCode::BAD_REQUEST, "`x-http-method-override` is no method")),
        (method, _) => Ok(method.clone()),
    }
}

/// Both speak the same version, or nothing is done ("Tus-Resumable").
pub(super) fn check_version(ctx: &Context) -> Result<(), Problem> {
    if ctx.header("tus-resumable") == Some(VERSION) {
        return Ok(());
    }
    Err(refuse(StatusCode::PRECONDITION_FAILED, "`tus-resumable` must be 1.0.0"))
}

/// A header that is a number of bytes.
pub(super) fn number(ctx: &Context, name: &'static str) -> Result<Option<u64>, Problem> {
    let mut values = ctx.headers().get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default();
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if plain && values.next().is_none() => Ok(Some(number)),
        _ => Err(refuse(
            StatusCode::BAD_REQUEST,
            format!("`{name}` must be one whole number"),
        )),
    }
}

/// What the server can do ("OPTIONS").
pub(super) fn options(max_bytes: u64) -> Response {
    Response::default()
        .with_status(StatusCode::NO_CONTENT)
        .with_header("tus-version", VERSION)
        .with_header("tus-extension", EXTENSIONS)
        .with_header("tus-checksum-algorithm", ALGORITHMS)
        .with_header("tus-max-size", max_bytes.to_string())
}

/// Where an upload stands ("HEAD"). It must not be cached.
pub(super) fn state(offset: u64, length: Option<u64>, notes: &TusNotes, expires: Option<SystemTime>) -> Response {
    let mut response = Response::default()
        .with_header("cache-control", "no-store")
        .with_header("upload-offset", offset.to_string());
    response = match length {
        Some(length) => response.with_header("upload-length", length.to_string()),
        None => response.with_header("upload-defer-length", "1"),
    };
    if let Some(metadata) = &notes.metadata {
        response = response.with_header("upload-metadata", metadata.as_str());
    }
    if let Some(concat) = &notes.concat {
        response = response.with_header("upload-concat", concat.as_str());
    }
    with_expiry(response, expires)
}

/// When it is given up ("Expiration").
pub(super) fn with_expiry(response: Response, expires: Option<SystemTime>) -> Response {
    // What the format of the date can hold; `httpdate` panics beyond.
    let in_range = expires.filter(|expires| {
        let since = expires.duration_since(SystemTime::UNIX_EPOCH);
        since.is_ok_and(|since| since.as_secs() < 253_402_300_800)
    });
    match in_range {
        Some(expires) => response.with_header("upload-expires", httpdate::fmt_http_date(expires)),
        None => response,
    }
}

/// What all responses have.
pub(super) fn finish(answer: Result<Response, Problem>) -> Response {
    let response = match answer {
        Ok(response) => response,
        Err(problem) => {
            let status = problem.status();
            let mut response = problem.into_response();
            match status {
                StatusCode::PRECONDITION_FAILED => response = response.with_header("tus-version", VERSION),
                StatusCode::SERVICE_UNAVAILABLE | StatusCode::LOCKED => {
                    response = response.with_header("retry-after", RETRY_AFTER);
                }
                StatusCode::METHOD_NOT_ALLOWED => {
                    response = response.with_header("allow", "POST, HEAD, PATCH, DELETE, OPTIONS");
                }
                _ => {}
            }
            // What is true of an upload at this moment is not to be kept (of a missing one, too).
            response.with_header("cache-control", "no-store")
        }
    };
    response.with_header("tus-resumable", VERSION)
}

pub(super) fn refuse(status: StatusCode, detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
    Problem::new(status).with_detail(detail)
}

pub(super) fn missing() -> Problem {
    refuse(StatusCode::NOT_FOUND, "there is no such upload")
}

pub(super) fn expired() -> Problem {
    refuse(
        StatusCode::GONE,
        "the upload was without progress for too long and was removed",
    )
}

pub(super) fn locked() -> Problem {
    refuse(
        StatusCode::LOCKED,
        "another request is writing this upload: try again in a moment",
    )
}

pub(super) fn not_allowed() -> Problem {
    refuse(StatusCode::METHOD_NOT_ALLOWED, "the protocol has no such method here")
}

pub(super) fn mismatch() -> Problem {
    let status = StatusCode::from_u16(CHECKSUM_MISMATCH).unwrap_or(StatusCode::BAD_REQUEST);
    refuse(
        status,
        "the bytes that came add up to another checksum: send them again",
    )
    .with_title("Checksum Mismatch")
}
