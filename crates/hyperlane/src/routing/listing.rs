//! The routes as a table that people read.

use std::fmt;

use http::Method;

use super::table::{HostTable, RoutingTable};
use super::{Action, Endpoint};
use crate::middleware::short_name;

/// All routes of a server, to be printed or looked through: [`Server::routes`](crate::Server::routes).
///
/// ```
/// use hyperlane::*;
///
/// async fn log(ctx: Context, next: Next) -> Response { next.run(ctx).await }
///
/// let server = Server::new();
/// server.middleware(log).get("/users/{id}", async || "").post("/users", async || "");
/// let table = server.routes().unwrap().to_string();
/// assert!(table.contains("GET     /users/{id}  log"), "{table}");
/// ```
#[derive(Clone, Debug)]
pub struct RouteTable {
    routes: Vec<RouteEntry>,
    warnings: Vec<String>,
}

/// One route of a [`RouteTable`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RouteEntry {
    /// The host, where the route is only there for one.
    pub host: Option<String>,
    /// The method; `None` for any.
    pub method: Option<Method>,
    /// The pattern, with the prefixes of its groups.
    pub pattern: String,
    /// The name that was given to the route.
    pub name: Option<String>,
    /// The name of the function that answers.
    pub handler: String,
    /// The names of its middleware, in the order in which they see a request.
    pub middleware: Vec<String>,
    /// Further conditions.
    pub guards: Vec<String>,
}

impl RouteTable {
    pub(super) fn new(table: &RoutingTable) -> Self {
        let mut routes = Vec::new();
        collect(None, &table.default, &mut routes);
        for (host, table) in &table.hosts {
            collect(Some(host.to_string()), table, &mut routes);
        }
        let warnings = table.doubts.clone();
        Self { routes, warnings }
    }

    /// The routes: by host, then in the order of registration.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &RouteEntry> {
        self.routes.iter()
    }

    /// Orders of middleware that can't work, which are also logged when the server starts.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

/// A route for the document of the API.
#[cfg(feature = "openapi")]
pub(crate) struct Registered<'t> {
    pub(crate) host: Option<String>,
    /// `None` for any.
    pub(crate) method: Option<&'t Method>,
    pub(crate) pattern: &'t str,
    pub(crate) options: &'t super::route::RouteOptions,
    /// The names of its middleware.
    pub(crate) middleware: Vec<String>,
}

#[cfg(feature = "openapi")]
impl RoutingTable {
    /// The routes, without fallbacks: those of the default host first.
    pub(crate) fn registered(&self) -> impl Iterator<Item = Registered<'_>> {
        let hosts = self.hosts.iter().map(|(host, table)| (Some(host), table));
        let tables = std::iter::once((None, &self.default)).chain(hosts);
        tables.flat_map(|(host, table)| {
            let routes = table.router.iter();
            let routes = routes.flat_map(|(pattern, methods)| methods.iter().map(move |route| (&**pattern, route)));
            routes.map(move |(pattern, (method, endpoint))| Registered {
                host: host.map(ToString::to_string),
                method,
                pattern,
                options: &endpoint.options,
                middleware: endpoint
                    .chain
                    .iter()
                    .map(|middleware| middleware.name().into_owned())
                    .collect(),
            })
        })
    }
}

fn collect(host: Option<String>, table: &HostTable, routes: &mut Vec<RouteEntry>) {
    for (pattern, methods) in table.router.iter() {
        for (method, endpoint) in methods.iter() {
            routes.push(RouteEntry::new(host.clone(), method, pattern, endpoint));
        }
    }
    if matches!(table.not_found.action, Action::Handler(_)) {
        routes.push(RouteEntry::new(host, None, "(fallback)", &table.not_found));
    }
}

impl RouteEntry {
    fn new(host: Option<String>, method: Option<&Method>, pattern: &str, endpoint: &Endpoint) -> Self {
        let options = &endpoint.options;
        Self {
            host,
            method: method.cloned(),
            pattern: pattern.to_owned(),
            name: options.name.as_ref().map(|name| name.to_string()),
            handler: endpoint
                .handler_name
                .map(|name| short_name(name).into_owned())
                .unwrap_or_default(),
            middleware: endpoint
                .chain
                .iter()
                .map(|middleware| middleware.name().into_owned())
                .collect(),
            guards: options.guards.iter().map(|guard| guard.what().to_owned()).collect(),
        }
    }

    /// What stands behind the pattern.
    fn remarks(&self) -> String {
        let mut remarks = Vec::new();
        if !self.middleware.is_empty() {
            remarks.push(self.middleware.join(" → "));
        }
        if let Some(name) = &self.name {
            remarks.push(format!("as {name}"));
        }
        if let Some(host) = &self.host {
            remarks.push(format!("on {host}"));
        }
        if !self.guards.is_empty() {
            remarks.push(format!("if {}", self.guards.join(" and ")));
        }
        remarks.join(", ")
    }
}

impl fmt::Display for RouteTable {
    /// One route a line: method, pattern, and the middleware in its order. Behind them the warnings.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .routes
            .iter()
            .map(|route| route.pattern.chars().count())
            .max()
            .unwrap_or_default();
        for route in &self.routes {
            let method = route.method.as_ref().map_or("any", Method::as_str);
            let line = format!("{method:<7} {:<width$}  {}", route.pattern, route.remarks());
            writeln!(f, "{}", line.trim_end())?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        Ok(())
    }
}
