//! Parts of the request's head as arguments.

use std::convert::Infallible;
use std::net::SocketAddr;

use http::{HeaderMap, Method, Uri};

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
