//! What was registered on a server or a router, until `freeze.rs` makes a table of it.

use std::any::TypeId;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Method;

use super::TrailingSlash;
use super::freeze::Freezer;
use super::guard::HostPattern;
use super::route::RouteOptions;
use super::table::RoutingTable;
use crate::app::PanicHandler;
use crate::error::Mistake;
use crate::extract::Requirements;
use crate::handler::{Erased, ErasedHandler, Handler};
use crate::middleware::ErasedMiddleware;
use crate::state::States;

/// Routes in the making: those of a server, or of a group.
#[derive(Default)]
pub(crate) struct Registration {
    pub(super) routes: Vec<Entry>,
    pub(super) groups: Vec<Group>,
    pub(crate) middleware: Vec<Arc<dyn ErasedMiddleware>>,
    /// Of the server alone: it stands around everything.
    pub(crate) shape_problems: Option<Arc<dyn ErasedMiddleware>>,
    pub(super) fallback: Option<Entry>,
    pub(crate) states: States,
    pub(crate) slash: TrailingSlash,
    /// Documents that are written when all of it is frozen.
    #[cfg(feature = "openapi")]
    pub(crate) publications: Vec<Arc<crate::openapi::Publication>>,
}

/// What holds for all routes of a server.
#[derive(Clone, Default)]
pub(crate) struct ServerWide {
    pub(crate) on_panic: Option<Arc<PanicHandler>>,
    pub(crate) handler_timeout: Option<Duration>,
}

/// A route or a fallback.
pub(super) struct Entry {
    pub(super) method: Option<Method>,
    pub(super) pattern: String,
    pub(super) handler: Arc<dyn ErasedHandler>,
    /// The path of its type.
    pub(super) handler_name: &'static str,
    pub(super) options: RouteOptions,
    pub(super) needs: Vec<(TypeId, &'static str)>,
    /// What two arguments both want.
    pub(super) conflict: Option<String>,
    /// Settings that make no sense, with whose they are.
    pub(super) problems: Vec<String>,
}

/// A router inside of another one.
pub(super) struct Group {
    /// Empty for routes that were merged.
    pub(super) prefix: String,
    pub(super) host: Option<HostPattern>,
    pub(super) inner: Registration,
}

impl Registration {
    /// Adds a handler, for any method if `method` is `None`. What is wrong with it is found when it is frozen.
    pub(crate) fn add<H, Args>(&mut self, method: Option<Method>, pattern: &str, handler: H)
    where
        H: Handler<Args>,
        Args: 'static,
    {
        self.routes.push(entry(method, pattern, handler));
    }

    pub(crate) fn set_fallback<H, Args>(&mut self, handler: H)
    where
        H: Handler<Args>,
        Args: 'static,
    {
        self.fallback = Some(entry(None, "", handler));
    }

    pub(crate) fn add_group(&mut self, prefix: &str, host: Option<&str>, inner: Self) {
        self.groups.push(Group {
            prefix: prefix.to_owned(),
            host: host.map(HostPattern::new),
            inner,
        });
    }

    /// Freezes all of it, or says all that is wrong.
    pub(crate) fn freeze(&self, server: &ServerWide) -> Result<RoutingTable, Vec<Mistake>> {
        Freezer::new(server).freeze(self)
    }
}

fn entry<H, Args>(method: Option<Method>, pattern: &str, handler: H) -> Entry
where
    H: Handler<Args>,
    Args: 'static,
{
    let mut needs = Requirements::default();
    H::check(&mut needs);
    let mut problems = needs.take_problems();
    let options = handler.options().0;
    for middleware in &options.middleware {
        middleware.check(&mut needs);
        let of_it = needs.take_problems().into_iter();
        problems.extend(of_it.map(|problem| format!("middleware `{}`: {problem}", middleware.name())));
    }
    Entry {
        method,
        pattern: pattern.to_owned(),
        conflict: needs.take_conflict(),
        problems,
        handler_name: options.handler_name.unwrap_or(std::any::type_name::<H>()),
        needs: needs.into_states(),
        options,
        handler: Arc::new(Erased::new(handler)),
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes = self.routes.iter().map(|entry| {
            let method = entry.method.as_ref().map_or("any method", Method::as_str);
            format!("{method} {}", entry.pattern)
        });
        f.debug_struct("Registration")
            .field("routes", &routes.collect::<Vec<_>>())
            .field("groups", &self.groups)
            .field("states", &self.states)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("prefix", &self.prefix)
            .field("host", &self.host)
            .field("inner", &self.inner)
            .finish()
    }
}
