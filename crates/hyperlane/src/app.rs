//! The frozen application: what the engine calls for every request.
//!
//! It finds the endpoint, makes the [`Context`], and begins the [`Exchange`]. Nothing in it changes while it serves,
//! so no lock is on the way.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use http::StatusCode;
use hyperlane_core::{HandlerPanic, Request, Response, Service};

use crate::context::{Context, Parts};
use crate::exchange::Exchange;
use crate::routing::{Endpoint, Routes, RoutingTable};
use crate::state::States;

pub(crate) type PanicHandler = Box<dyn Fn(&HandlerPanic) -> Response + Send + Sync>;

/// Everything that was registered, frozen: a [`Service`] for the engine, for tests in memory, or to be embedded.
///
/// [`Server::build`](crate::Server::build) makes one.
pub struct App {
    routing: RoutingTable,
    shared: Arc<Shared>,
    on_panic: Option<PanicHandler>,
}

/// What the contexts of all requests can look at.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) states: States,
    /// By the routes' numbers.
    pub(crate) patterns: Vec<Arc<str>>,
}

impl App {
    pub(crate) fn new(routes: Routes, states: States, on_panic: Option<PanicHandler>) -> Self {
        let routing = routes.freeze();
        let shared = Arc::new(Shared {
            states,
            patterns: routing.patterns(),
        });
        Self {
            routing,
            shared,
            on_panic,
        }
    }

    /// Begins to answer a request. The same as [`Service::call`], without the trait.
    pub fn call(&self, request: Request) -> Exchange {
        let (head, body, connection, extensions) = request.into_parts();
        let found = self.routing.find(head.method(), head.path());
        match found.endpoint {
            Endpoint::Handler(handler) => {
                let shared = Arc::clone(&self.shared);
                let parts = Parts {
                    head,
                    connection,
                    params: found.params,
                    route: found.route,
                    shared,
                };
                let ctx = Context::new(parts, body, extensions);
                Exchange::new(handler.call(ctx.clone()), ctx)
            }
            endpoint => Exchange::ready(endpoint.answer()),
        }
    }
}

impl Service for App {
    type Future = Exchange;

    fn call(&self, request: Request) -> Exchange {
        Self::call(self, request)
    }

    fn panic_response(&self, panic: &HandlerPanic) -> Response {
        let plain = || Response::from(StatusCode::INTERNAL_SERVER_ERROR);
        let Some(shape) = &self.on_panic else {
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
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("routing", &self.routing)
            .field("states", &self.shared.states)
            .finish_non_exhaustive()
    }
}
