//! A time within which a response has to begin.

use std::time::Duration;

use http::StatusCode;
use hyperlane_core::Response;
use tokio::time::Instant;

use super::refusal::refusal;
use super::{Middleware, Next};
use crate::context::Context;
use crate::extract::Requirements;

/// Answers 503 (RFC 9110 §15.6.4) where the response has not begun within a time.
///
/// What was being done for the request is dropped at its next `await`; what it spawned goes on. The time covers the
/// reading of the request's body by the handler, and ends with the response's head: a stream may take as long as it
/// likes. The handler sees it as its [`deadline`](Context::deadline).
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
        // So that the handler knows how long it has.
        if Instant::now().checked_add(self.limit).is_some() {
            ctx.shorten_deadline(self.limit);
        }
        let rest = next.run(&ctx);
        if let Ok(response) = tokio::time::timeout(self.limit, rest).await {
            return response;
        }
        let limit = self.limit.as_millis();
        tracing::warn!(
            pattern = ctx.matched_pattern(),
            limit,
            "a response did not begin in time"
        );
        refusal(self.status, format!("response did not begin within {limit} ms"))
    }

    fn check(&self, needs: &mut Requirements) {
        if self.limit.is_zero() {
            needs.problem("a limit of no time lets no response begin: give it some");
        }
        if !self.status.is_client_error() && !self.status.is_server_error() {
            let status = self.status.as_u16();
            needs.problem(format!("{status} is no error: give a status out of 400 to 599"));
        }
    }
}
