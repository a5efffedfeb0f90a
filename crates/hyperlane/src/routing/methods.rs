//! The handlers of one pattern, by method.

use std::fmt;
use std::sync::Arc;

use http::{HeaderValue, Method};

use super::Endpoint;
use crate::handler::ErasedHandler;

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

/// The handlers of one pattern.
pub(super) struct MethodTable {
    route: usize,
    methods: Vec<(Method, Arc<dyn ErasedHandler>)>,
    any: Option<Arc<dyn ErasedHandler>>,
    allow: HeaderValue,
}

impl MethodTable {
    pub(super) fn new(route: usize) -> Self {
        Self {
            route,
            methods: Vec::new(),
            any: None,
            allow: HeaderValue::from_static(""),
        }
    }

    /// The number of the route.
    pub(super) fn route(&self) -> usize {
        self.route
    }

    /// Adds a handler; returns false if there is one already.
    pub(super) fn add(&mut self, method: Option<Method>, handler: Arc<dyn ErasedHandler>) -> bool {
        match method {
            None if self.any.is_some() => return false,
            None => self.any = Some(handler),
            Some(method) if self.get(&method).is_some() => return false,
            Some(method) => self.methods.push((method, handler)),
        }
        self.allow = allow(self.allowed());
        true
    }

    /// What answers `method`: its own handler; for `HEAD` that of `GET` (RFC 9110 §9.3.2); the one for any method;
    /// and otherwise the framework.
    pub(super) fn find(&self, method: &Method) -> Endpoint<'_> {
        let own = self.get(method);
        let own = own.or_else(|| (method == Method::HEAD).then(|| self.get(&Method::GET)).flatten());
        match own.or(self.any.as_deref()) {
            Some(handler) => Endpoint::Handler(handler),
            None if method == Method::OPTIONS => Endpoint::Options(&self.allow),
            None => Endpoint::MethodNotAllowed(&self.allow),
        }
    }

    /// The methods that are answered, `HEAD` and `OPTIONS` of the framework included. With a handler for any method
    /// these are all the common ones.
    pub(super) fn allowed(&self) -> Vec<Method> {
        let mut methods: Vec<_> = self.methods.iter().map(|(method, _)| method.clone()).collect();
        methods.push(Method::OPTIONS);
        if methods.contains(&Method::GET) {
            methods.push(Method::HEAD);
        }
        if self.any.is_some() {
            methods.extend(ORDER);
        }
        methods
    }

    /// The methods that were registered, for messages.
    pub(super) fn describe(&self) -> String {
        let own = self.methods.iter().map(|(method, _)| method.as_str());
        own.chain(self.any.is_some().then_some("any method"))
            .collect::<Vec<_>>()
            .join(", ")
    }

    fn get(&self, method: &Method) -> Option<&dyn ErasedHandler> {
        let (_, handler) = self.methods.iter().find(|(own, _)| own == method)?;
        Some(&**handler)
    }
}

impl fmt::Debug for MethodTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// The value of `Allow` (RFC 9110 §10.2.1) for these methods, each of them once and in a fixed order.
pub(super) fn allow(methods: impl IntoIterator<Item = Method>) -> HeaderValue {
    let mut methods: Vec<_> = methods.into_iter().chain([Method::OPTIONS]).collect();
    let rank = |method: &Method| ORDER.iter().position(|other| other == method).unwrap_or(ORDER.len());
    methods.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.as_str().cmp(b.as_str())));
    methods.dedup();
    let list = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    HeaderValue::try_from(list).expect("method names are tokens, which a header can hold")
}
