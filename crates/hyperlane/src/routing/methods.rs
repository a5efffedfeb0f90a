//! The endpoints of one pattern, by method and guards.

use std::fmt;
use std::sync::Arc;

use http::{HeaderValue, Method};
use hyperlane_core::Head;

use super::Endpoint;

/// The order of `Allow`; methods that are not among these follow, by name.
const ORDER: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// The endpoints of one pattern.
pub(super) struct MethodTable {
    /// Those with guards stand before one without.
    endpoints: Vec<(Option<Method>, Arc<Endpoint>)>,
    pub(super) options: Arc<Endpoint>,
    pub(super) not_allowed: Arc<Endpoint>,
}

impl MethodTable {
    /// A pattern whose two answers of the framework are to be completed once all methods are known.
    pub(super) fn new(unknown: &Arc<Endpoint>) -> Self {
        Self {
            endpoints: Vec::new(),
            options: Arc::clone(unknown),
            not_allowed: Arc::clone(unknown),
        }
    }

    /// Adds an endpoint, of any method if that is `None`; returns false if there is one already that would always go
    /// before it.
    pub(super) fn add(&mut self, method: Option<Method>, endpoint: Arc<Endpoint>) -> bool {
        let bare = |(own, other): &(Option<Method>, Arc<Endpoint>)| *own == method && other.options.guards.is_empty();
        let taken = self.endpoints.iter().position(bare);
        if endpoint.options.guards.is_empty() {
            if taken.is_some() {
                return false;
            }
            self.endpoints.push((method, endpoint));
        } else {
            let place = taken.unwrap_or(self.endpoints.len());
            self.endpoints.insert(place, (method, endpoint));
        }
        true
    }

    /// What answers the request: the method's own endpoint; for `HEAD` that of `GET` (RFC 9110 §9.3.2); the one for
    /// any method; and otherwise the framework. `None` if guards keep the request from all of them.
    ///
    /// A `CONNECT` that has a path asks for another protocol, as a `GET` with `Upgrade` does in HTTP/1.1 (RFC 8441 §4):
    /// a WebSocket is registered once. Any other `CONNECT` has no path to match (RFC 9112 §3.2.3).
    pub(super) fn find(&self, head: &Head) -> Option<&Arc<Endpoint>> {
        let method = head.method();
        let own = self.get(Some(method), head);
        let own = own.or_else(|| {
            matches!(*method, Method::HEAD | Method::CONNECT)
                .then(|| self.get(Some(&Method::GET), head))
                .flatten()
        });
        if let Some(endpoint) = own.or_else(|| self.get(None, head)) {
            return Some(endpoint);
        }
        if !self.endpoints.iter().any(|(_, endpoint)| endpoint.admits(head)) {
            return None;
        }
        Some(if method == Method::OPTIONS {
            &self.options
        } else {
            &self.not_allowed
        })
    }

    /// The same where the method alone decides, and the endpoint may do without a context. `None` says nothing.
    #[inline]
    pub(super) fn find_bare(&self, method: &Method) -> Option<&Endpoint> {
        // Those with guards stand first: whoever finds one can't tell.
        let get = |method: Option<&Method>| self.endpoints.iter().find(|(own, _)| own.as_ref() == method);
        let own = get(Some(method)).or_else(|| (*method == Method::HEAD).then(|| get(Some(&Method::GET))).flatten());
        let (_, endpoint) = own.or_else(|| get(None))?;
        (endpoint.may_be_bare && endpoint.options.guards.is_empty()).then_some(endpoint)
    }

    /// Whether any endpoint may do without a context.
    pub(super) fn has_bare(&self) -> bool {
        self.endpoints.iter().any(|(_, endpoint)| endpoint.may_be_bare)
    }

    /// The methods that are answered, `HEAD` and `OPTIONS` of the framework included. With an endpoint for any method
    /// these are all the common ones.
    pub(super) fn allowed(&self) -> Vec<Method> {
        let mut methods: Vec<_> = self.endpoints.iter().filter_map(|(method, _)| method.clone()).collect();
        methods.push(Method::OPTIONS);
        if methods.contains(&Method::GET) {
            methods.push(Method::HEAD);
        }
        if self.endpoints.iter().any(|(method, _)| method.is_none()) {
            methods.extend(ORDER);
        }
        methods
    }

    /// The methods that were registered, for messages.
    pub(super) fn describe(&self) -> String {
        let mut names: Vec<_> = self
            .iter()
            .map(|(method, _)| method.map_or("any method", Method::as_str))
            .collect();
        names.dedup();
        names.join(", ")
    }

    /// All endpoints that were registered.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Option<&Method>, &Arc<Endpoint>)> {
        self.endpoints
            .iter()
            .map(|(method, endpoint)| (method.as_ref(), endpoint))
    }

    #[inline]
    fn get(&self, method: Option<&Method>, head: &Head) -> Option<&Arc<Endpoint>> {
        let fits = |own: &Option<Method>| match (own, method) {
            (Some(own), Some(method)) => own == method,
            (own, method) => own.is_none() && method.is_none(),
        };
        let mut endpoints = self.endpoints.iter();
        let found = endpoints.find(|(own, endpoint)| fits(own) && endpoint.admits(head));
        found.map(|(_, endpoint)| endpoint)
    }
}

impl fmt::Debug for MethodTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// The value of `Allow` (RFC 9110 §10.2.1) for these methods, each of them once and in a fixed order.
pub(super) fn allow(methods: impl IntoIterator<Item = Method>) -> HeaderValue {
    let methods: Vec<Method> = methods.into_iter().chain([Method::OPTIONS]).collect();
    let mut names: Vec<&str> = ORDER
        .iter()
        .filter(|method| methods.contains(method))
        .map(Method::as_str)
        .collect();
    let common = names.len();
    for name in methods.iter().map(Method::as_str) {
        // Few have another method: each goes to its place, and no sort is built for them.
        if let (false, Err(place)) = (names[..common].contains(&name), names[common..].binary_search(&name)) {
            names.insert(common + place, name);
        }
    }
    let list = names.join(", ");
    HeaderValue::try_from(list).expect("method names are tokens, which a header can hold")
}
