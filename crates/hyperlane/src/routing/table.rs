//! The frozen routes: what the app asks for each request.

use std::fmt;
use std::sync::Arc;

use http::Method;
use hyperlane_core::Head;
use hyperlane_router::{Match, Params, PathError, Router};

use super::guard::HostPattern;
use super::methods::MethodTable;
use super::{Endpoint, TrailingSlash};

/// The routes of all hosts.
pub(crate) struct RoutingTable {
    pub(super) slash: TrailingSlash,
    /// Single hosts before those that stand for many.
    pub(super) hosts: Vec<(HostPattern, HostTable)>,
    /// For requests to any other host.
    pub(super) default: HostTable,
    /// Whether any route has a limit of its own.
    pub(super) has_body_limits: bool,
}

/// The routes of a host.
pub(super) struct HostTable {
    pub(super) router: Router<MethodTable>,
    /// What answers below the prefix of a group where no pattern of it matches.
    pub(super) groups: Router<Arc<Endpoint>>,
    pub(super) not_found: Arc<Endpoint>,
    pub(super) other_slash: Arc<Endpoint>,
    pub(super) bad_path: Arc<Endpoint>,
    /// For `OPTIONS *`: all methods that any route has.
    pub(super) options: Arc<Endpoint>,
}

/// What routing has found; there always is an endpoint.
pub(crate) struct Found<'t> {
    pub(crate) endpoint: &'t Arc<Endpoint>,
    pub(crate) params: Params,
}

impl RoutingTable {
    /// Finds what answers a request.
    pub(crate) fn find(&self, head: &Head) -> Found<'_> {
        let table = self.host(head);
        match table.route(head) {
            Ok(Some(found)) => found,
            Ok(None) => self.other_slash(table, head).unwrap_or_else(|| table.miss(head)),
            Err(_) => bare(&table.bad_path),
        }
    }

    /// The limit of the route's own for the request's body, in bytes.
    pub(crate) fn body_limit(&self, head: &Head) -> Option<u64> {
        if !self.has_body_limits {
            return None;
        }
        self.find(head).endpoint.options.body_limit
    }

    fn host(&self, head: &Head) -> &HostTable {
        if self.hosts.is_empty() {
            return &self.default;
        }
        let authority = head.authority().unwrap_or_default();
        let host = self.hosts.iter().find(|(pattern, _)| pattern.matches(authority));
        host.map_or(&self.default, |(_, table)| table)
    }

    /// Looks once more, as the policy for slashes at the end has it.
    fn other_slash<'t>(&self, table: &'t HostTable, head: &Head) -> Option<Found<'t>> {
        if self.slash == TrailingSlash::Strict {
            return None;
        }
        let other = table.router.find_other_slash(head.path()).ok()??;
        let Match { value, params, .. } = other.found;
        let endpoint = value.find(head)?;
        Some(match self.slash {
            TrailingSlash::Redirect => bare(&table.other_slash),
            _ => Found { endpoint, params },
        })
    }
}

impl HostTable {
    fn route(&self, head: &Head) -> Result<Option<Found<'_>>, PathError> {
        let Some(Match { value, params, .. }) = self.router.find(head.path())? else {
            return Ok(None);
        };
        Ok(value.find(head).map(|endpoint| Found { endpoint, params }))
    }

    #[cold]
    fn miss(&self, head: &Head) -> Found<'_> {
        if head.path() == "*" && head.method() == Method::OPTIONS {
            return bare(&self.options);
        }
        let group = if self.groups.is_empty() {
            None
        } else {
            self.groups.find(head.path()).ok().flatten()
        };
        bare(group.map_or(&self.not_found, |group| group.value))
    }
}

fn bare(endpoint: &Arc<Endpoint>) -> Found<'_> {
    Found {
        endpoint,
        params: Params::new(),
    }
}

impl fmt::Debug for RoutingTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.default.router.fmt(f)
    }
}
