//! Panics of middleware, made answers.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use http::{HeaderValue, StatusCode, header};
use hyperlane_core::{HandlerPanic, IntoResponse, Response};

use super::refusal::refusal;
use super::{Middleware, Next};
use crate::context::Context;

type Answer = dyn Fn(&HandlerPanic) -> Response + Send + Sync;

/// Turns a panic of what stands inside of it into a 500, so that the middleware outside (logs, above all) sees an
/// answer.
///
/// A handler's panic is an answer already when it comes here, shaped by [`Server::on_panic`](crate::Server::on_panic);
/// and no panic ends more than its own connection, with or without this. What is left are panics of other middleware.
/// The panic is logged, and the connection is closed behind the answer, since nobody knows what was left half done.
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::{AccessLog, CatchPanic};
///
/// async fn risky(ctx: Context, next: Next) -> Response {
///     next.run(ctx).await
/// }
///
/// let server = Server::new();
/// server.middleware(AccessLog::new()).middleware(CatchPanic::new()).middleware(risky);
/// ```
#[derive(Clone, Default)]
pub struct CatchPanic {
    answer: Option<Arc<Answer>>,
}

impl CatchPanic {
    /// Answers with a plain 500.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shapes the answer. The panic's message is for logs: don't send it.
    #[must_use]
    pub fn answer<F, R>(mut self, answer: F) -> Self
    where
        F: Fn(&HandlerPanic) -> R + Send + Sync + 'static,
        R: IntoResponse,
    {
        self.answer = Some(Arc::new(move |panic: &HandlerPanic| answer(panic).into_response()));
        self
    }

    fn answer_to(&self, panic: &HandlerPanic) -> Response {
        let plain = || refusal(StatusCode::INTERNAL_SERVER_ERROR, "server failed");
        match &self.answer {
            None => plain(),
            Some(answer) => catch_unwind(AssertUnwindSafe(|| answer(panic))).unwrap_or_else(|_| plain()),
        }
    }
}

impl Middleware for CatchPanic {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        let pattern = ctx.matched_pattern().map(str::to_owned);
        // The first middleware inside is called when the rest begins, so its beginning is guarded too.
        let begun = catch_unwind(AssertUnwindSafe(|| next.run(ctx)));
        let outcome = match begun {
            Err(payload) => Err(payload),
            Ok(rest) => {
                let mut rest = pin!(rest);
                poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| rest.as_mut().poll(cx))) {
                    Ok(Poll::Pending) => Poll::Pending,
                    Ok(Poll::Ready(response)) => Poll::Ready(Ok(response)),
                    Err(payload) => Poll::Ready(Err(payload)),
                })
                .await
            }
        };
        match outcome {
            Ok(response) => response,
            Err(payload) => {
                let panic = HandlerPanic::from_payload(&*payload);
                tracing::error!(%panic, pattern, "a middleware panicked");
                self.answer_to(&panic)
                    .with_header(header::CONNECTION, HeaderValue::from_static("close"))
            }
        }
    }
}

impl fmt::Debug for CatchPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatchPanic").finish_non_exhaustive()
    }
}
