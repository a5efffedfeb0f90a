//! Parts of the request's head as arguments.

use std::convert::Infallible;
use std::net::SocketAddr;

use http::{HeaderMap, Method, Uri};

use hyperlane_core::Request;

use super::FromContext;
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
    PeerAddr: ctx => Self(ctx.peer_addr());
    Uri: ctx => ctx.uri().clone();
}

/// The whole request: a copy of its head and its extensions, and the body itself, which can't be read from the context
/// any more. It is what a middleware takes that passes on something else than it got.
impl FromContext for Request {
    type Rejection = Infallible;

    async fn from_context(ctx: &Context) -> Result<Self, Infallible> {
        Ok(ctx.to_request())
    }
}
