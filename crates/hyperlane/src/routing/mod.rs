//! Routing: from a request's head to an endpoint, which is always found.
//!
//! A [`Registration`] is filled while a [`Server`](crate::Server) or a [`Router`] is put together; frozen, it is the
//! [`RoutingTable`] that the app asks for each request.

mod endpoint;
mod freeze;
mod guard;
mod listing;
mod methods;
mod methods_of_registration;
mod registration;
mod route;
mod router;
mod slash;
mod spanned;
mod table;

use std::collections::HashMap;

pub(crate) use endpoint::{Action, Endpoint};
pub use guard::Guard;
#[cfg(feature = "openapi")]
pub(crate) use listing::Registered;
pub use listing::{RouteEntry, RouteTable};
pub(crate) use methods_of_registration::registration_methods;
pub(crate) use registration::{Registration, ServerWide};
pub use route::{HandlerOptions, OnDisconnect, Route, RouteArgs};
pub use router::{Router, Routes};
pub use slash::TrailingSlash;
pub(crate) use table::RoutingTable;

impl RoutingTable {
    /// The routes for people.
    pub(crate) fn list(&self) -> RouteTable {
        RouteTable::new(self)
    }

    /// The routes' names for the watchdog, by the endpoints' numbers.
    pub(crate) fn labels(&self) -> HashMap<u64, String> {
        let tables = std::iter::once(&self.default).chain(self.hosts.iter().map(|(_, table)| table));
        let routes = tables
            .flat_map(|table| table.router.iter())
            .flat_map(|(pattern, methods)| {
                methods.iter().map(move |(method, endpoint)| {
                    let method = method.map_or("any", |method| method.as_str());
                    (endpoint.id, format!("{method} {pattern}"))
                })
            });
        routes
            .chain([(self.default.not_found.id, "(fallback)".to_owned())])
            .collect()
    }
}
