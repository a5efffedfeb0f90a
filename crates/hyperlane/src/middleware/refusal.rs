//! How a middleware that stops a request answers it: in the same shape as extractors do.

use std::borrow::Cow;

use http::StatusCode;
use hyperlane_core::{IntoResponse, Response};

use crate::extract::Rejection;

/// The answer to a request that goes no further.
pub(crate) fn refusal(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Response {
    Rejection::new(status, message).into_response()
}

/// The answer to a request that may come again after so many seconds (RFC 9110 §10.2.3).
pub(crate) fn refusal_for_now(status: StatusCode, message: impl Into<Cow<'static, str>>, seconds: u64) -> Response {
    refusal(status, message).with_header(http::header::RETRY_AFTER, seconds.max(1))
}
