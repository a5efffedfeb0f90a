//! The frozen routes: what the app asks for each request.

use std::fmt;
use std::sync::Arc;

use http::Method;
use hyperlane_core::Head;
use hyperlane_router::{Params, Router};

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
    /// Whether there are handlers that may do without a context, and no host has routes of its own.
    pub(super) has_bare: bool,
    /// Orders of middleware that can't work.
    pub(super) doubts: Vec<String>,
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

impl RoutingTable {
    /// Finds what answers a request; there always is an endpoint. `params` gets the parameters of the path.
    #[inline]
    pub(crate) fn find(&self, head: &Head, params: &mut Params) -> &Arc<Endpoint> {
        let table = self.host(head);
        match table.router.find_into(head.path(), params) {
            Ok(found) => match found.and_then(|methods| methods.find(head)) {
                Some(endpoint) => endpoint,
                None => self.miss(table, head, params),
            },
            Err(_) => &table.bad_path,
        }
    }

    /// Finds what answers a request whose path is a pattern without parameters, letter for letter: what
    /// [`find`](Self::find) would find, for less.
    #[inline]
    pub(crate) fn find_plain(&self, head: &Head) -> Option<&Arc<Endpoint>> {
        self.host(head).router.find_plain(head.path())?.find(head)
    }

    /// Finds what answers a request, where nothing but its method and its path decides that, and nothing stands around the
    /// handler: what [`find`](Self::find) would find. `None` says nothing.
    #[inline]
    pub(crate) fn find_bare(&self, method: &Method, path: &str) -> Option<&Endpoint> {
        if !self.has_bare {
            return None;
        }
        self.default.router.find_plain(path)?.find_bare(method)
    }

    /// The limit of the route's own for the request's body, in bytes.
    pub(crate) fn body_limit(&self, head: &Head) -> Option<u64> {
        if !self.has_body_limits {
            return None;
        }
        self.find(head, &mut Params::new()).options.body_limit
    }

    /// Logs what can't work.
    pub(crate) fn warn_of_doubts(&self) {
        for doubt in &self.doubts {
            tracing::warn!("{doubt}");
        }
    }

    fn host(&self, head: &Head) -> &HostTable {
        if self.hosts.is_empty() {
            return &self.default;
        }
        let authority = head.authority().unwrap_or_default();
        let host = self.hosts.iter().find(|(pattern, _)| pattern.matches(authority));
        host.map_or(&self.default, |(_, table)| table)
    }

    #[cold]
    fn miss<'t>(&self, table: &'t HostTable, head: &Head, params: &mut Params) -> &'t Arc<Endpoint> {
        if let Some(endpoint) = self.other_slash(table, head, params) {
            return endpoint;
        }
        params.clear();
        if head.path() == "*" && head.method() == Method::OPTIONS {
            return &table.options;
        }
        let group = if table.groups.is_empty() {
            None
        } else {
            table.groups.find(head.path()).ok().flatten()
        };
        group.map_or(&table.not_found, |group| group.value)
    }

    /// Looks once more, as the policy for slashes at the end has it.
    fn other_slash<'t>(&self, table: &'t HostTable, head: &Head, params: &mut Params) -> Option<&'t Arc<Endpoint>> {
        if self.slash == TrailingSlash::Strict {
            return None;
        }
        let other = table.router.find_other_slash(head.path()).ok()??;
        let endpoint = other.found.value.find(head)?;
        if self.slash == TrailingSlash::Redirect {
            params.clear();
            return Some(&table.other_slash);
        }
        *params = other.found.params;
        Some(endpoint)
    }
}

impl fmt::Debug for RoutingTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.default.router.fmt(f)
    }
}
