//! What becomes of a handler that panics: an answer, and a line in the log.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use http::StatusCode;
use hyperlane_core::{HandlerPanic, Response, Service};

/// The answer of a handler that panicked.
pub(crate) fn panic_response<S: Service>(service: &S, payload: &(dyn Any + Send)) -> Response {
    let panic = HandlerPanic::from_payload(payload);
    tracing::error!(%panic, "handler panicked");
    let response = catch_unwind(AssertUnwindSafe(|| service.panic_response(&panic)));
    response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into())
}
