//! A limit on the bodies of requests, for a group of routes.

use hyperlane_core::{Body, BodyError, BodyErrorKind, ConnectProtocol, IntoResponse, Request, Response};

use super::limited::Limited;
use super::{Middleware, Next};
use crate::context::Context;
use crate::extract::{FromContext, Rejection};

/// Answers 413 (RFC 9110 §15.5.14) to a request whose body is longer than so many bytes.
///
/// An announced length is refused before anything is read; a body without one fails where it passes the limit, and what
/// reads it answers 413. It can only lower the limit of the server, or that of a
/// [`Route`](crate::Route::body_limit), which the connection enforces.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::BodyLimit;
///
/// let api = Router::new();
/// api.middleware(BodyLimit::new(16 * 1024)).post("/note", async |text: String| text);
/// # Server::new().nest("/api", api);
/// ```
#[derive(Clone, Debug)]
pub struct BodyLimit {
    bytes: u64,
}

impl BodyLimit {
    /// Admits bodies of at most so many bytes.
    pub fn new(bytes: u64) -> Self {
        Self { bytes }
    }
}

impl Middleware for BodyLimit {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        // What such a request sends is no body, but the other protocol (RFC 8441 §5).
        if ctx.extension::<ConnectProtocol>().is_some() {
            return next.run(ctx).await;
        }
        let Ok(mut request) = Request::from_context(&ctx).await;
        drop(ctx);
        let hint = http_body::Body::size_hint(request.body());
        if hint.lower() > self.bytes {
            let kind = BodyErrorKind::TooLarge { limit: self.bytes };
            return Rejection::from(BodyError::new(kind)).into_response();
        }
        if hint.upper().is_none_or(|most| most > self.bytes) {
            let body = std::mem::take(request.body_mut());
            *request.body_mut() = Body::wrap(Limited::new(body, self.bytes));
        }
        next.run(request).await
    }
}
