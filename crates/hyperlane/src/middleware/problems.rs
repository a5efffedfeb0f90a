//! One place to change how all problems look.

use std::borrow::Cow;

use http::HeaderName;
use http::header::{CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, ETAG, SET_COOKIE, VARY};
use hyperlane_core::Response;

use super::{Middleware, Next};
use crate::context::Context;
use crate::response::Problem;

/// What describes the body that is replaced.
static OF_THE_BODY: [HeaderName; 5] = [CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, ETAG];

/// Shapes what was made of a [`Problem`]: the outermost middleware of a server that was given
/// [`on_problem`](crate::Server::on_problem).
pub(crate) struct ShapeProblems(pub(crate) Box<Shape>);

pub(crate) type Shape = dyn Fn(&Problem, &Context) -> Response + Send + Sync;

impl Middleware for ShapeProblems {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        let response = next.run(&ctx).await;
        let Some(problem) = response.extensions().and_then(|extensions| extensions.get::<Problem>()) else {
            return response;
        };
        let mut shaped = (self.0)(problem, &ctx).settled();
        // It is shaped once, also where the answer is a problem again.
        if shaped.extensions().is_some() {
            shaped.extensions_mut().remove::<Problem>();
        }
        // What tells of the error, and not of its text, stays: `Allow`, `Retry-After`, `WWW-Authenticate` …
        let own: Vec<_> = shaped.headers().keys().cloned().collect();
        for (name, value) in response.headers() {
            if !OF_THE_BODY.contains(name) && (!own.contains(name) || [SET_COOKIE, VARY].contains(name)) {
                shaped.headers_mut().append(name.clone(), value.clone());
            }
        }
        shaped
    }

    fn name(&self) -> Cow<'static, str> {
        "on_problem".into()
    }
}
