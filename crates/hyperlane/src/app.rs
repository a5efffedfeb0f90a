//! The frozen application: what the engine calls for every request.
//!
//! It finds the endpoint, makes the [`Context`], and begins the [`Exchange`]. Nothing in it changes while it serves,
//! so no lock is on the way.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use hyperlane_core::{HandlerPanic, Head, IntoResponse, Request, Response, Service};

use crate::context::Context;
use crate::exchange::Exchange;
use crate::response::Problem;
use crate::routing::RoutingTable;
use crate::watchdog::Watchdog;

pub(crate) type PanicHandler = dyn Fn(&HandlerPanic) -> Response + Send + Sync;

/// Everything that was registered, frozen: a [`Service`] for the engine, for tests in memory, or to be embedded.
///
/// [`Server::build`](crate::Server::build) makes one.
pub struct App {
    routing: RoutingTable,
    on_panic: Option<Arc<PanicHandler>>,
    /// Ends with the app.
    watchdog: Option<Watchdog>,
}

impl App {
    pub(crate) fn new(routing: RoutingTable, on_panic: Option<Arc<PanicHandler>>) -> Self {
        routing.warn_of_doubts();
        Self {
            routing,
            on_panic,
            watchdog: None,
        }
    }

    /// Logs handlers that keep a thread for longer than `limit`.
    pub(crate) fn watch(&mut self, limit: Duration) {
        self.watchdog = Some(Watchdog::start(self.routing.labels(), limit));
    }

    /// Begins to answer a request. The same as [`Service::call`], without the trait.
    pub fn call(&self, request: Request) -> Exchange {
        let plain = self.routing.find_plain(request.head());
        if let Some(endpoint) = plain
            && let Some(handler) = endpoint.call_bare()
        {
            return Exchange::bare(handler, endpoint.id);
        }
        Exchange::outermost(Context::new(request, None, |head, params| {
            Arc::clone(plain.unwrap_or_else(|| self.routing.find(head, params)))
        }))
    }
}

/// The answer to a request whose handler panicked.
pub(crate) fn answer_panic(shape: Option<&PanicHandler>, panic: &HandlerPanic) -> Response {
    let plain = || Problem::new(StatusCode::INTERNAL_SERVER_ERROR).into_response();
    let Some(shape) = shape else {
        return plain();
    };
    match catch_unwind(AssertUnwindSafe(|| shape(panic))) {
        Ok(response) if response.is_deferred() => plain(),
        Ok(response) => response,
        Err(_) => {
            tracing::error!("the function given to `on_panic` panicked itself; a plain 500 is sent");
            plain()
        }
    }
}

impl Service for App {
    type Future = Exchange;

    fn call(&self, request: Request) -> Exchange {
        Self::call(self, request)
    }

    #[inline]
    fn call_without_head(&self, method: &Method, path: &str) -> Option<Exchange> {
        let endpoint = self.routing.find_bare(method, path)?;
        Some(Exchange::bare(endpoint.call_bare()?, endpoint.id))
    }

    fn body_limit(&self, head: &Head) -> Option<u64> {
        self.routing.body_limit(head)
    }

    fn time_limit(&self, answer: &Exchange) -> Option<Duration> {
        answer.time_limit()
    }

    fn panic_response(&self, panic: &HandlerPanic) -> Response {
        answer_panic(self.on_panic.as_deref(), panic)
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("routing", &self.routing)
            .finish_non_exhaustive()
    }
}
