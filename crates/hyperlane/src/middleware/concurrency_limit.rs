//! A limit on how many requests are served at once, beyond which requests are turned away early.

use std::sync::Arc;
use std::time::Duration;

use http::header::UPGRADE;
use http::{HeaderValue, StatusCode};
use hyperlane_core::{InvalidHeader, Response, Upgrade};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Span;

use super::observed::{BodyEnd, Observer, observe};
use super::refusal::refusal_for_now;
use super::{Middleware, Next};
use crate::context::Context;
use crate::extract::Requirements;

/// Serves at most so many requests at once; some more may wait, and the others are answered 503 with `Retry-After`
/// (RFC 9110 §15.6.4) at once: a server that turns some away stays quick for the rest.
///
/// A request counts until its response's body has ended, so that open streams count; one that became a WebSocket, or
/// was upgraded to something else, until that connection has ended. Give such routes a limit of their own. One limit
/// holds for all routes that it stands around.
///
/// By default nobody waits. A short queue takes up bursts:
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::ConcurrencyLimit;
/// use std::time::Duration;
///
/// let server = Server::new();
/// server
///     .middleware(ConcurrencyLimit::new(512).queue(256, Duration::from_millis(500)))
///     .get("/", async || "hello");
/// ```
#[derive(Clone, Debug)]
pub struct ConcurrencyLimit {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    patience: Duration,
    retry_after: u64,
    /// Whether it would turn all requests away.
    admits_none: bool,
}

impl ConcurrencyLimit {
    /// Serves so many requests at once, and turns the others away.
    pub fn new(requests: usize) -> Self {
        Self {
            running: semaphore(requests),
            waiting: semaphore(0),
            patience: Duration::ZERO,
            retry_after: 1,
            admits_none: requests == 0,
        }
    }

    /// Lets so many requests wait for a place, each for at most so long. They are served in the order in which they
    /// came.
    #[must_use]
    pub fn queue(mut self, requests: usize, patience: Duration) -> Self {
        self.waiting = semaphore(requests);
        self.patience = patience;
        self
    }

    /// What `Retry-After` says, in seconds. Default: 1.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = seconds;
        self
    }

    async fn admit(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.running).try_acquire_owned() {
            return Some(place);
        }
        let _waiting = self.waiting.try_acquire().ok()?;
        let place = Arc::clone(&self.running).acquire_owned();
        tokio::time::timeout(self.patience, place).await.ok()?.ok()
    }
}

fn semaphore(permits: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)))
}

impl Middleware for ConcurrencyLimit {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        let Some(place) = self.admit().await else {
            return refusal_for_now(
                StatusCode::SERVICE_UNAVAILABLE,
                "server is busy: try again later",
                self.retry_after,
            );
        };
        let method = ctx.method().clone();
        let mut response = next.run(ctx).await;
        // What a WebSocket does it does behind its response: the place is its own until the connection ends.
        if let Some(upgrade) = response.take_upgrade() {
            return with_upgrade(response, upgrade, place);
        }
        observe(&method, response, Span::none(), Place(place))
    }

    fn check(&self, needs: &mut Requirements) {
        if self.admits_none {
            needs.problem("no request at once would be served: admit at least one");
        }
    }
}

/// The same response, whose connection keeps the place.
fn with_upgrade(mut response: Response, upgrade: Upgrade, place: OwnedSemaphorePermit) -> Response {
    let protocol = response.headers().get(UPGRADE).cloned();
    let mut kept = Response::upgrade(protocol.unwrap_or(HeaderValue::from_static("")), |io| async move {
        let _place = place;
        upgrade.run(io).await;
    });
    if let Some(defect) = response.defect() {
        kept.reject(InvalidHeader::other(defect.to_string()));
    }
    *kept.status_mut() = response.status();
    *kept.headers_mut() = std::mem::take(response.headers_mut());
    *kept.body_mut() = std::mem::take(response.body_mut());
    if response.extensions().is_some() {
        *kept.extensions_mut() = std::mem::take(response.extensions_mut());
    }
    kept
}

struct Place(OwnedSemaphorePermit);

impl Observer for Place {
    fn ended(self, _: BodyEnd) {
        drop(self.0);
    }
}
