//! Routing: from method and path to an endpoint, which is always found.
//!
//! [`Routes`] is filled while a server is put together and collects what is wrong; frozen, it is the
//! [`RoutingTable`] that the app asks for each request.

mod endpoint;
mod methods;

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;

use http::{HeaderValue, Method};
use hyperlane_router::{Params, Router};

use crate::error::{Kind, Problem};
use crate::extract::Requirements;
use crate::handler::{Erased, ErasedHandler, Handler};
use crate::state::States;

pub(crate) use endpoint::Endpoint;
use methods::{MethodTable, allow};

/// Routes in the making.
#[derive(Default)]
pub(crate) struct Routes {
    router: Router<MethodTable>,
    fallback: Option<Fallback>,
    problems: Vec<(String, Option<hyperlane_router::InsertError>)>,
    needs: Vec<Need>,
}

struct Fallback {
    handler: Arc<dyn ErasedHandler>,
    needs: Vec<(TypeId, &'static str)>,
}

/// A state that a route's handler takes.
struct Need {
    route: String,
    state: TypeId,
    name: &'static str,
}

/// The frozen routes.
pub(crate) struct RoutingTable {
    router: Router<MethodTable>,
    fallback: Option<Arc<dyn ErasedHandler>>,
    /// For `OPTIONS *`: all methods that any route has.
    allow: HeaderValue,
}

/// What routing has found; there always is an endpoint.
pub(crate) struct Found<'t> {
    pub(crate) endpoint: Endpoint<'t>,
    pub(crate) params: Params,
    /// The number of the route whose pattern matched.
    pub(crate) route: Option<usize>,
}

impl Routes {
    /// Adds a handler, for any method if `method` is `None`. What is wrong with it is kept for
    /// [`problems`](Self::problems).
    pub(crate) fn add<H, Args>(&mut self, method: Option<Method>, pattern: &str, handler: H)
    where
        H: Handler<Args>,
        Args: 'static,
    {
        let label = format!(
            "{} `{pattern}`",
            method.as_ref().map_or("any method on", Method::as_str)
        );
        let mut needs = Requirements::default();
        H::check(&mut needs);
        let states = needs.into_states().into_iter();
        self.needs.extend(states.map(|(state, name)| Need {
            route: label.clone(),
            state,
            name,
        }));

        let handler: Arc<dyn ErasedHandler> = Arc::new(Erased::new(handler));
        if let Some(table) = self.router.get_mut(pattern) {
            if !table.add(method, handler) {
                self.problems
                    .push((format!("route {label} is registered twice: remove one of them"), None));
            }
            return;
        }
        let mut table = MethodTable::new(self.router.len());
        table.add(method, handler);
        if let Err(error) = self.router.insert(pattern, table) {
            let other = error.conflicts_with().and_then(|with| self.router.get(with));
            let methods = other
                .map(|other| format!(" (which has {})", other.describe()))
                .unwrap_or_default();
            self.problems
                .push((format!("route {label}: {error}{methods}"), Some(error)));
        }
    }

    pub(crate) fn set_fallback<H, Args>(&mut self, handler: H)
    where
        H: Handler<Args>,
        Args: 'static,
    {
        let mut needs = Requirements::default();
        H::check(&mut needs);
        self.fallback = Some(Fallback {
            handler: Arc::new(Erased::new(handler)),
            needs: needs.into_states(),
        });
    }

    /// Everything that is wrong, `states` being what the server has.
    pub(crate) fn problems(&self, states: &States) -> Vec<Problem> {
        let routes = self.problems.iter().map(|(message, source)| {
            let problem = Problem::new(Kind::Route, message.as_str());
            match source {
                Some(source) => problem.with_source(source.clone()),
                None => problem,
            }
        });
        let fallback = self.fallback.iter().flat_map(|fallback| &fallback.needs);
        let needs = self
            .needs
            .iter()
            .map(|need| (need.route.as_str(), need.state, need.name));
        let needs = needs.chain(fallback.map(|(state, name)| ("of the fallback", *state, *name)));
        let missing = needs
            .filter(|(_, state, _)| !states.contains(*state))
            .map(|(route, _, name)| {
                let message =
                    format!("route {route} takes `State<{name}>`, which no one gave: call `server.state(…)` with one");
                Problem::new(Kind::State, message)
            });
        routes.chain(missing).collect()
    }

    pub(crate) fn freeze(self) -> RoutingTable {
        let methods = self.router.iter().flat_map(|(_, table)| table.allowed());
        RoutingTable {
            allow: allow(methods),
            router: self.router,
            fallback: self.fallback.map(|fallback| fallback.handler),
        }
    }
}

impl RoutingTable {
    /// Finds what answers a request of this method for this path, which is still percent-encoded.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Found<'_> {
        let answer = |endpoint| Found {
            endpoint,
            params: Params::new(),
            route: None,
        };
        match self.router.find(path) {
            Ok(Some(found)) => Found {
                endpoint: found.value.find(method),
                params: found.params,
                route: Some(found.value.route()),
            },
            Ok(None) if path == "*" && method == Method::OPTIONS => answer(Endpoint::Options(&self.allow)),
            Ok(None) => answer(match &self.fallback {
                Some(handler) => Endpoint::Handler(&**handler),
                None => Endpoint::NotFound,
            }),
            Err(error) => answer(Endpoint::BadPath(error)),
        }
    }

    /// The patterns by the numbers of their routes.
    pub(crate) fn patterns(&self) -> Vec<Arc<str>> {
        self.router.iter().map(|(pattern, _)| Arc::clone(pattern)).collect()
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.router.fmt(f)
    }
}

impl fmt::Debug for RoutingTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.router.fmt(f)
    }
}
