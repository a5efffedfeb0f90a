//! What stands at the end of routing: a handler, or an answer of the framework's own, and what stands around it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use http::header::{ALLOW, LOCATION};
use http::{HeaderValue, StatusCode};
use hyperlane_core::{Head, IntoResponse, Response};

use super::route::RouteOptions;
use crate::app::PanicHandler;
use crate::extract::Rejection;
use crate::handler::ErasedHandler;
use crate::middleware::Chain;
use crate::response::Problem;
use crate::state::States;

/// What answers a request.
pub(crate) struct Endpoint {
    pub(crate) action: Action,
    /// What stands around it, the outermost first.
    pub(crate) chain: Chain,
    pub(crate) states: Arc<States>,
    /// As it was registered, with the prefixes of its groups; `None` where no pattern matched.
    pub(crate) pattern: Option<Arc<str>>,
    pub(crate) options: RouteOptions,
    /// How long it may take until the response begins: its route's own limit, or that of the server.
    pub(crate) time_limit: Option<Duration>,
    /// Whether its handler takes nothing of the request and may be dropped at any time, and it has no middleware and no
    /// time limit.
    pub(crate) may_be_bare: bool,
    /// The path of the handler's type; `None` where the framework answers itself.
    pub(crate) handler_name: Option<&'static str>,
    /// For the watchdog.
    pub(crate) id: u64,
    pub(crate) on_panic: Option<Arc<PanicHandler>>,
}

/// What is done in the end.
pub(crate) enum Action {
    /// A handler, one of a route or a fallback.
    Handler(Arc<dyn ErasedHandler>),
    /// No pattern matches.
    NotFound,
    /// The pattern has other methods: a 405 must name them (RFC 9110 §15.5.6).
    MethodNotAllowed(HeaderValue),
    /// `OPTIONS` without a handler asks what there is (RFC 9110 §9.3.7).
    Options(HeaderValue),
    /// The path differs from that of a route in its last slash.
    OtherSlash,
    /// The path can't be decoded.
    BadPath,
}

impl Endpoint {
    /// Begins to answer without a context, where nobody would look at it: the handler takes nothing of the request, and
    /// nothing stands around it.
    #[inline]
    pub(crate) fn call_bare(&self) -> Option<BoxFuture<'static, Response>> {
        let Action::Handler(handler) = &self.action else {
            return None;
        };
        if !self.may_be_bare {
            return None;
        }
        handler.call_bare()
    }

    /// Whether this one is meant, where several stand on one path.
    pub(super) fn admits(&self, head: &Head) -> bool {
        self.options.guards.iter().all(|guard| guard.admits(head))
    }

    /// The answer where no handler gives it.
    pub(crate) fn answer(&self, head: &Head) -> Response {
        match &self.action {
            Action::Handler(_) | Action::NotFound => Problem::new(StatusCode::NOT_FOUND).into_response(),
            Action::MethodNotAllowed(allow) => with_allow(Problem::new(StatusCode::METHOD_NOT_ALLOWED), allow),
            Action::Options(allow) => with_allow(StatusCode::NO_CONTENT, allow),
            Action::OtherSlash => redirect(head),
            Action::BadPath => {
                let why = hyperlane_router::Router::<()>::new().find(head.path()).err();
                let why = why.map_or_else(|| "path can't be decoded".to_owned(), |error| error.to_string());
                Rejection::new(StatusCode::BAD_REQUEST, why).into_response()
            }
        }
    }
}

fn with_allow(answer: impl IntoResponse, allow: &HeaderValue) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(ALLOW, allow.clone());
    response
}

/// 308 keeps method and body (RFC 9110 §15.4.9).
fn redirect(head: &Head) -> Response {
    let target = hyperlane_router::other_slash_location(head.path(), head.query());
    match target.map(HeaderValue::try_from) {
        Some(Ok(target)) => {
            let mut response = Response::from(StatusCode::PERMANENT_REDIRECT);
            response.headers_mut().insert(LOCATION, target);
            response
        }
        _ => Problem::new(StatusCode::NOT_FOUND).into_response(),
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("pattern", &self.pattern)
            .finish_non_exhaustive()
    }
}
