//! One place to change how all problems look.

use std::borrow::Cow;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use hyperlane_core::Response;

use super::{Middleware, Next};
use crate::context::Context;
use crate::response::Problem;

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
        // What tells of the error, and not of its text, stays: `Allow`, `Retry-After`, `WWW-Authenticate` …
        for (name, value) in response.headers() {
            if *name != CONTENT_TYPE && *name != CONTENT_LENGTH && !shaped.headers().contains_key(name) {
                shaped.headers_mut().insert(name.clone(), value.clone());
            }
        }
        shaped
    }

    fn name(&self) -> Cow<'static, str> {
        "on_problem".into()
    }
}
