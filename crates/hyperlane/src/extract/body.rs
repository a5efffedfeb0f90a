//! The request's body as an argument: bytes, text, or a stream.

use std::convert::Infallible;

use bytes::Bytes;
use hyperlane_core::Body;

use super::{FromContext, Rejection, Requirements};
use crate::context::Context;

/// All of the body, within the server's limit: the same as [`Context::bytes`].
impl FromContext for Bytes {
    type Rejection = Rejection;

    async fn from_context(ctx: &Context) -> Result<Self, Rejection> {
        ctx.bytes().await
    }

    fn check(needs: &mut Requirements) {
        needs.reads_body("Bytes");
    }
}

/// All of the body as UTF-8: the same as [`Context::text`].
impl FromContext for String {
    type Rejection = Rejection;

    async fn from_context(ctx: &Context) -> Result<Self, Rejection> {
        ctx.text().await
    }

    fn check(needs: &mut Requirements) {
        needs.reads_body("String");
    }
}

/// The body as it arrives: the same as [`Context::body_stream`].
impl FromContext for Body {
    type Rejection = Infallible;

    async fn from_context(ctx: &Context) -> Result<Self, Infallible> {
        Ok(ctx.body_stream())
    }

    fn check(needs: &mut Requirements) {
        needs.takes_body("Body");
    }
}
