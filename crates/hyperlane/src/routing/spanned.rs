//! A handler in a span of its own, where requests are traced.

use std::borrow::Cow;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use hyperlane_core::Response;
use tracing::{Instrument, Span};

use crate::context::Context;
use crate::handler::ErasedHandler;
use crate::middleware::short_name;

/// Runs a handler in a span `handler` of the target `hyperlane::request`, within that of the request: what middleware
/// took, and what the handler did, are told apart. Routes around which no [`Trace`](crate::middleware::Trace) stands
/// have none of it.
pub(super) struct Spanned {
    handler: Arc<dyn ErasedHandler>,
    name: Cow<'static, str>,
    pattern: Option<Arc<str>>,
}

impl Spanned {
    pub(super) fn new(handler: Arc<dyn ErasedHandler>, type_name: &'static str, pattern: Option<Arc<str>>) -> Self {
        Self {
            handler,
            name: short_name(type_name),
            pattern,
        }
    }
}

impl ErasedHandler for Spanned {
    fn call(&self, ctx: Context) -> BoxFuture<'static, Response> {
        // Who does not want the span of the request does not want this one either.
        if Span::current().is_none() {
            return self.handler.call(ctx);
        }
        let span = tracing::info_span!(
            target: "hyperlane::request",
            "handler",
            route = self.pattern.as_deref(),
            name = &*self.name,
        );
        if span.is_disabled() {
            return self.handler.call(ctx);
        }
        // What a handler does before its first `await` belongs to it, too.
        let handler = span.in_scope(|| self.handler.call(ctx));
        Box::pin(handler.instrument(span))
    }

    fn call_bare(&self) -> Option<BoxFuture<'static, Response>> {
        None
    }
}
