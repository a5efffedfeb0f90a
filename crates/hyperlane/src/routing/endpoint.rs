//! What stands at the end of routing: a handler, or an answer of the framework's own.

use http::header::ALLOW;
use http::{HeaderValue, StatusCode};
use hyperlane_core::{IntoResponse, Response};
use hyperlane_router::PathError;

use crate::extract::Rejection;
use crate::handler::ErasedHandler;

/// What answers a request.
#[derive(Clone, Copy)]
pub(crate) enum Endpoint<'t> {
    /// A handler, one of a route or the fallback.
    Handler(&'t dyn ErasedHandler),
    /// No pattern matches.
    NotFound,
    /// The pattern has other methods: a 405 must name them (RFC 9110 §15.5.6).
    MethodNotAllowed(&'t HeaderValue),
    /// `OPTIONS` without a handler asks what there is (RFC 9110 §9.3.7).
    Options(&'t HeaderValue),
    /// The path can't be decoded.
    BadPath(PathError),
}

impl Endpoint<'_> {
    /// The answer where no handler gives it.
    pub(crate) fn answer(self) -> Response {
        match self {
            Self::Handler(_) | Self::NotFound => StatusCode::NOT_FOUND.into_response(),
            Self::MethodNotAllowed(allow) => with_allow(StatusCode::METHOD_NOT_ALLOWED, allow),
            Self::Options(allow) => with_allow(StatusCode::NO_CONTENT, allow),
            Self::BadPath(error) => Rejection::new(StatusCode::BAD_REQUEST, error.to_string()).into_response(),
        }
    }
}

fn with_allow(status: StatusCode, allow: &HeaderValue) -> Response {
    let mut response = status.into_response();
    response.headers_mut().insert(ALLOW, allow.clone());
    response
}
