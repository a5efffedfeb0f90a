//! A time within which a response has to begin.

use std::time::Duration;

use http::StatusCode;
use hyperlane_core::Response;

use super::refusal::refusal;
use super::{Middleware, Next};
use crate::context::Context;

/// Answers 503 (RFC 9110 §15.6.4) where the response has not begun within a time.
///
/// What was being done for the request is dropped at its next `await`; what it spawned goes on. The time covers the
/// reading of the request's body by the handler, and ends with the response's head: a stream may take as long as it
/// likes.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::Timeout;
/// use std::time::Duration;
///
/// let server = Server::new();
/// server
///     .middleware(Timeout::new(Duration::from_secs(30)))
///     .get("/report", Route::new(async || "quick").middleware(Timeout::new(Duration::from_secs(2))));
/// ```
#[derive(Clone, Debug)]
pub struct Timeout {
    limit: Duration,
    status: StatusCode,
}

impl Timeout {
    /// Gives the response so much time to begin.
    pub fn new(limit: Duration) -> Self {
        Self {
            limit,
            status: StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The status of the answer. Default: 503; a gateway says 504 (RFC 9110 §15.6.5).
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}

impl Middleware for Timeout {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        match tokio::time::timeout(self.limit, next.run(ctx)).await {
            Ok(response) => response,
            Err(_) => refusal(
                self.status,
                format!("response did not begin within {} ms", self.limit.as_millis()),
            ),
        }
    }
}
