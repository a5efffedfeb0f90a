//! Freezing: from what was registered, group by group, to the table that is asked for each request.

use std::any::TypeId;
use std::cmp::Reverse;
use std::sync::Arc;

use http::Method;

use super::guard::HostPattern;
use super::methods::{MethodTable, allow};
use super::registration::{Entry, Registration, ServerWide};
use super::route::RouteOptions;
use super::spanned::Spanned;
use super::table::{HostTable, RoutingTable};
use super::{Action, Endpoint, OnDisconnect, TrailingSlash};
use crate::error::{Kind, Mistake};
use crate::extract::Requirements;
use crate::handler::ErasedHandler;
use crate::middleware::{self, Chain, ErasedMiddleware};
use crate::state::States;
use crate::watchdog;

/// What holds for the routes of a group.
#[derive(Clone, Default)]
struct Scope {
    prefix: String,
    host: Option<HostPattern>,
    chain: Vec<Arc<dyn ErasedMiddleware>>,
    states: Arc<States>,
}

/// The tables in the making.
pub(super) struct Freezer<'r> {
    server: &'r ServerWide,
    hosts: Vec<(Option<HostPattern>, Making)>,
    problems: Vec<Mistake>,
    /// Orders of middleware that can't work, each once.
    doubts: Vec<String>,
    has_body_limits: bool,
}

/// The table of a host in the making.
struct Making {
    table: HostTable,
    /// Of each pattern, what holds for its first route.
    scopes: Vec<Scope>,
    scope: Scope,
}

impl<'r> Freezer<'r> {
    pub(super) fn new(server: &'r ServerWide) -> Self {
        Self {
            server,
            hosts: Vec::new(),
            problems: Vec::new(),
            doubts: Vec::new(),
            has_body_limits: false,
        }
    }

    /// Makes the table, or says all that is wrong.
    pub(super) fn freeze(mut self, registration: &Registration) -> Result<RoutingTable, Vec<Mistake>> {
        let scope = self.enter(&Scope::default(), "", registration);
        self.host(None, &scope);
        self.collect(registration, &scope);
        self.finish(registration.slash)
    }

    /// What holds inside of a group.
    fn enter(&mut self, outer: &Scope, prefix: &str, inner: &Registration) -> Scope {
        let states = inner.states.inside_of(&outer.states);
        for middleware in &inner.middleware {
            let mut needs = Requirements::default();
            middleware.check(&mut needs);
            let what = format!("middleware `{}`", middleware.name());
            for problem in needs.take_problems() {
                self.problems
                    .push(Mistake::new(Kind::Config, format!("{what}: {problem}")));
            }
            self.check_states(&what, &needs.into_states(), &states);
        }
        Scope {
            prefix: format!("{}{prefix}", outer.prefix),
            host: outer.host.clone(),
            chain: (outer.chain.iter())
                .chain(&inner.shape_problems)
                .chain(&inner.middleware)
                // Once more inside of it, so that logs and compression see what is sent.
                .chain(&inner.shape_problems)
                .cloned()
                .collect(),
            states: Arc::new(states),
        }
    }

    fn collect(&mut self, registration: &Registration, scope: &Scope) {
        for entry in &registration.routes {
            self.add(entry, scope);
        }
        if let Some(fallback) = &registration.fallback {
            let endpoint = self.handler_endpoint(fallback, scope, None, "of the fallback");
            self.set_fallback(scope, endpoint);
        } else if !scope.prefix.is_empty() && !registration.middleware.is_empty() {
            let endpoint = self.own_endpoint(scope, None, Action::NotFound);
            self.set_fallback(scope, endpoint);
        }
        for group in &registration.groups {
            if let Some(problem) = prefix_problem(&group.prefix) {
                let message = format!("prefix `{}` of a group: {problem}", group.prefix);
                self.problems.push(Mistake::new(Kind::Route, message));
                continue;
            }
            let mut inside = self.enter(scope, &group.prefix, &group.inner);
            if let Some(host) = &group.host {
                if let Some(problem) = host.problem() {
                    let message = format!("host `{host}`: {problem}");
                    self.problems.push(Mistake::new(Kind::Route, message));
                    continue;
                }
                inside.host = Some(host.clone());
                self.host(Some(host), &inside);
            }
            self.collect(&group.inner, &inside);
        }
    }

    fn add(&mut self, entry: &Entry, scope: &Scope) {
        let pattern = join(&scope.prefix, &entry.pattern);
        let method = entry.method.as_ref().map_or("any method on", Method::as_str);
        let label = format!("{method} `{pattern}`");
        let endpoint = self.handler_endpoint(entry, scope, Some(Arc::from(&*pattern)), &label);

        let making = self.making(scope);
        let router = &mut making.table.router;
        if let Some(table) = router.get_mut(&pattern) {
            if !table.add(entry.method.clone(), endpoint) {
                let message = format!("route {label} is registered twice: remove one of them");
                self.problems.push(Mistake::new(Kind::Route, message));
            }
            return;
        }
        let mut table = MethodTable::new(&endpoint);
        table.add(entry.method.clone(), endpoint);
        match router.insert(&pattern, table) {
            Ok(()) => making.scopes.push(scope.clone()),
            Err(error) => {
                let other = error.conflicts_with().and_then(|with| router.get(with));
                let methods = other.map(|other| format!(" (which has {})", other.describe()));
                let message = format!("route {label}: {error}{}", methods.unwrap_or_default());
                self.problems
                    .push(Mistake::new(Kind::Route, message).with_source(error));
            }
        }
    }

    fn handler_endpoint(
        &mut self,
        entry: &Entry,
        scope: &Scope,
        pattern: Option<Arc<str>>,
        label: &str,
    ) -> Arc<Endpoint> {
        self.has_body_limits |= entry.options.body_limit.is_some();
        self.check_states(&format!("route {label}"), &entry.needs, &scope.states);
        if let Some(conflict) = &entry.conflict {
            self.problems
                .push(Mistake::new(Kind::Route, format!("route {label} {conflict}")));
        }
        for guard in &entry.options.guards {
            if let Some(problem) = guard.problem() {
                let message = format!("route {label}: guard `{}`: {problem}", guard.what());
                self.problems.push(Mistake::new(Kind::Route, message));
            }
        }
        for problem in &entry.problems {
            self.problems
                .push(Mistake::new(Kind::Config, format!("route {label}: {problem}")));
        }
        let chain: Vec<_> = scope.chain.iter().chain(&entry.options.middleware).cloned().collect();
        let time_limit = entry.options.timeout.or(self.server.handler_timeout);
        for doubt in middleware::doubts(&chain) {
            if !self.doubts.iter().any(|known| known.starts_with(&doubt)) {
                self.doubts.push(format!("{doubt} (route {label})"));
            }
        }
        let handler: Arc<dyn ErasedHandler> = if middleware::is_traced(&chain) {
            Arc::new(Spanned::new(
                Arc::clone(&entry.handler),
                entry.handler_name,
                pattern.clone(),
            ))
        } else {
            Arc::clone(&entry.handler)
        };
        Arc::new(Endpoint {
            may_be_bare: chain.is_empty()
                && time_limit.is_none()
                && entry.options.on_disconnect == OnDisconnect::Cancel
                && handler.call_bare().is_some(),
            action: Action::Handler(handler),
            handler_name: Some(entry.handler_name),
            chain: chain.into(),
            states: Arc::clone(&scope.states),
            pattern,
            options: entry.options.clone(),
            time_limit,
            id: watchdog::new_id(),
            on_panic: self.server.on_panic.clone(),
        })
    }

    /// An answer of the framework's own.
    fn own_endpoint(&self, scope: &Scope, pattern: Option<Arc<str>>, action: Action) -> Arc<Endpoint> {
        Arc::new(Endpoint {
            action,
            handler_name: None,
            chain: Chain::from(scope.chain.clone()),
            states: Arc::clone(&scope.states),
            pattern,
            options: RouteOptions::default(),
            time_limit: self.server.handler_timeout,
            may_be_bare: false,
            id: watchdog::new_id(),
            on_panic: self.server.on_panic.clone(),
        })
    }

    /// Everything below a group's prefix that no pattern matches.
    fn set_fallback(&mut self, scope: &Scope, endpoint: Arc<Endpoint>) {
        let making = self.making(scope);
        if scope.prefix == making.scope.prefix {
            making.table.not_found = endpoint;
            return;
        }
        let below = format!("{}/{{*rest}}", scope.prefix);
        for pattern in [scope.prefix.clone(), format!("{}/", scope.prefix), below] {
            if let Some(before) = making.table.groups.get_mut(&pattern) {
                *before = Arc::clone(&endpoint);
            } else if let Err(error) = making.table.groups.insert(&pattern, Arc::clone(&endpoint)) {
                let message = format!("prefix `{}` of a group: {error}", scope.prefix);
                self.problems
                    .push(Mistake::new(Kind::Route, message).with_source(error));
                return;
            }
        }
    }

    fn check_states(&mut self, what: &str, needs: &[(TypeId, &'static str)], states: &States) {
        for (_, name) in needs.iter().filter(|(state, _)| !states.contains(*state)) {
            let message = format!("{what} takes `State<{name}>`, which no one gave: call `server.state(…)` with one");
            self.problems.push(Mistake::new(Kind::State, message));
        }
    }

    /// The table of a host, made if there is none.
    fn host(&mut self, host: Option<&HostPattern>, scope: &Scope) {
        if self.hosts.iter().any(|(other, _)| other.as_ref() == host) {
            return;
        }
        let own = |action| self.own_endpoint(scope, None, action);
        let table = HostTable {
            router: hyperlane_router::Router::new(),
            groups: hyperlane_router::Router::new(),
            not_found: own(Action::NotFound),
            other_slash: own(Action::OtherSlash),
            bad_path: own(Action::BadPath),
            options: own(Action::NotFound),
        };
        let making = Making {
            table,
            scopes: Vec::new(),
            scope: scope.clone(),
        };
        self.hosts.push((host.cloned(), making));
    }

    fn making(&mut self, scope: &Scope) -> &mut Making {
        let position = self.hosts.iter().position(|(host, _)| *host == scope.host);
        &mut self.hosts[position.unwrap_or_default()].1
    }

    fn finish(mut self, slash: TrailingSlash) -> Result<RoutingTable, Vec<Mistake>> {
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let mut tables: Vec<_> = std::mem::take(&mut self.hosts)
            .into_iter()
            .map(|(host, making)| (host, self.complete(making)))
            .collect();
        let (_, default) = tables.remove(0);
        // Of the domains that a host is below, the longer is the narrower.
        let rank = |host: &HostPattern| (!host.is_exact(), Reverse(host.name().len()));
        let mut hosts: Vec<(HostPattern, HostTable)> = Vec::with_capacity(tables.len());
        for (host, table) in tables {
            if let Some(host) = host {
                let place = hosts.partition_point(|(other, _)| rank(other) <= rank(&host));
                hosts.insert(place, (host, table));
            }
        }
        let has_bare = hosts.is_empty() && default.router.iter().any(|(_, methods)| methods.has_bare());
        Ok(RoutingTable {
            slash,
            hosts,
            default,
            has_bare,
            has_body_limits: self.has_body_limits,
            doubts: self.doubts,
        })
    }

    /// Adds the answers that need to know all methods.
    fn complete(&self, making: Making) -> HostTable {
        let Making { table, scopes, scope } = making;
        let all = table.router.iter().flat_map(|(_, methods)| methods.allowed());
        let options = self.own_endpoint(&scope, None, Action::Options(allow(all)));
        let mut scopes = scopes.into_iter();
        let router = table.router.map(|pattern, mut methods| {
            let scope = scopes.next().unwrap_or_default();
            let allow = allow(methods.allowed());
            let pattern = Some(Arc::clone(pattern));
            methods.options = self.own_endpoint(&scope, pattern.clone(), Action::Options(allow.clone()));
            methods.not_allowed = self.own_endpoint(&scope, pattern, Action::MethodNotAllowed(allow));
            methods
        });
        HostTable {
            router,
            options,
            ..table
        }
    }
}

/// The pattern of a route in a group: `/` stands for the prefix itself.
fn join(prefix: &str, pattern: &str) -> String {
    if pattern == "/" && !prefix.is_empty() {
        prefix.to_owned()
    } else if !pattern.starts_with('/') {
        // The router says what is wrong with it, which the prefix would hide.
        pattern.to_owned()
    } else {
        format!("{prefix}{pattern}")
    }
}

fn prefix_problem(prefix: &str) -> Option<&'static str> {
    if prefix.is_empty() {
        return None;
    }
    if !prefix.starts_with('/') {
        Some("it must begin with `/`")
    } else if prefix.ends_with('/') {
        Some("it must not end with `/`: routes bring their own")
    } else if prefix.contains("{*") {
        Some("a wildcard takes all that is left: use a single parameter, `{name}`")
    } else {
        None
    }
}
