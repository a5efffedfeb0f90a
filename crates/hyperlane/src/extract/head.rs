//! Parts of the request's head, and what the server knows about it, as arguments.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::ops::Deref;

use http::{HeaderMap, Method, StatusCode, Uri};
use hyperlane_core::Request;

use super::optional::present;
use super::{FromContext, Rejection, RejectionKind, Requirements};
use crate::context::Context;
use crate::version::HttpVersion;

/// The address of the peer: the same as [`Context::peer_addr`].
///
/// ```
/// # use hyperlane::*;
/// async fn whoami(PeerAddr(addr): PeerAddr) -> String {
///     addr.ip().to_string()
/// }
/// # Server::new().get("/", whoami);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// The target as the client sent it: the same as [`Context::uri`], and as taking a [`Uri`].
///
/// Groups of routes do not cut their prefix off the path that handlers see, so that this is not the rest of a longer
/// one.
///
/// ```
/// # use hyperlane::*;
/// async fn again(OriginalUri(uri): OriginalUri) -> Redirect {
///     Redirect::see_other(format!("/login?next={}", uri.path()))
/// }
/// # Server::new().get("/", again);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginalUri(pub Uri);

/// The pattern that the path matched, as `/users/{id}`: the same as [`Context::matched_pattern`]. It has few values,
/// where paths have many, which metrics need.
///
/// A fallback has none: there it is a mistake of the program, answered 500 and logged, and an [`Option`] of it is
/// `None`.
///
/// ```
/// # use hyperlane::*;
/// async fn user(path: MatchedPath) -> String {
///     assert_eq!(&*path, "/users/{id}");
///     path.to_string()
/// }
/// # Server::new().get("/users/{id}", user);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MatchedPath(String);

macro_rules! head_parts {
    ($($part:ty: $ctx:ident => $value:expr;)*) => {$(
        impl FromContext for $part {
            type Rejection = Infallible;

            async fn from_context($ctx: &Context) -> Result<Self, Infallible> {
                Ok($value)
            }
        }
    )*};
}

head_parts! {
    HeaderMap: ctx => ctx.headers().clone();
    HttpVersion: ctx => ctx.version();
    Method: ctx => ctx.method().clone();
    OriginalUri: ctx => Self(ctx.uri().clone());
    PeerAddr: ctx => Self(ctx.peer_addr());
    Uri: ctx => ctx.uri().clone();
}

impl FromContext for MatchedPath {
    type Rejection = Rejection;

    async fn from_context(ctx: &Context) -> Result<Self, Rejection> {
        let pattern = ctx.matched_pattern().map(|pattern| Self(pattern.to_owned()));
        pattern.ok_or_else(|| {
            let message = "no pattern matched: take `Option<MatchedPath>` in a fallback";
            Rejection::new(StatusCode::INTERNAL_SERVER_ERROR, message).with_kind(RejectionKind::Missing)
        })
    }

    async fn from_context_if_present(ctx: &Context) -> Result<Option<Self>, Rejection> {
        present(Self::from_context(ctx).await)
    }
}

impl Deref for MatchedPath {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MatchedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The whole request: a copy of its head and its extensions, and the body itself, which can't be read from the context
/// any more. It is what a middleware takes that passes on something else than it got.
impl FromContext for Request {
    type Rejection = Infallible;

    async fn from_context(ctx: &Context) -> Result<Self, Infallible> {
        Ok(ctx.to_request())
    }

    fn check(needs: &mut Requirements) {
        needs.takes_body("Request");
    }
}
