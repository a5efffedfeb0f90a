//! Routing: from a request's head to an endpoint, which is always found.
//!
//! A [`Registration`] is filled while a [`Server`](crate::Server) or a [`Router`] is put together; frozen, it is the
//! [`RoutingTable`] that the app asks for each request.

mod endpoint;
mod guard;
mod listing;
mod methods;
mod methods_of_registration;
mod registration;
mod route;
mod router;
mod slash;
mod table;

pub(crate) use endpoint::{Action, Endpoint};
pub use guard::Guard;
pub use listing::{RouteEntry, RouteTable};
pub(crate) use methods_of_registration::registration_methods;
pub(crate) use registration::Registration;
pub use route::{HandlerOptions, Route, RouteArgs};
pub use router::{Router, Routes};
pub use slash::TrailingSlash;
pub(crate) use table::{Found, RoutingTable};

impl RoutingTable {
    /// The routes for people.
    pub(crate) fn list(&self) -> RouteTable {
        RouteTable::new(self)
    }
}
