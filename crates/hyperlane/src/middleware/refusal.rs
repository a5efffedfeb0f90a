//! How a middleware that stops a request answers it: as a problem, like extractors do.

use std::borrow::Cow;

use http::{StatusCode, header};
use hyperlane_core::{IntoResponse, Response};

use crate::response::Problem;

/// The answer to a request that goes no further. The message is for the client.
pub(crate) fn refusal(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Response {
    Problem::new(status).with_detail(message).into_response()
}

/// The answer to a request that may come again after so many seconds (RFC 9110 §10.2.3).
pub(crate) fn refusal_for_now(status: StatusCode, message: impl Into<Cow<'static, str>>, seconds: u64) -> Response {
    refusal(status, message).with_header(header::RETRY_AFTER, seconds.max(1))
}
