//! The rest of the way of a request, in the hands of a middleware.

use hyperlane_core::Request;

use crate::context::Context;
use crate::exchange::Exchange;

/// What comes behind a middleware: the next one, or the handler at last.
///
/// A clone runs the same rest once more: what is asked twice has to be asked with a [`Request`], since a context has
/// one response only.
#[derive(Clone, Debug)]
pub struct Next {
    ctx: Context,
    position: usize,
}

impl Next {
    pub(crate) fn new(ctx: Context, position: usize) -> Self {
        Self { ctx, position }
    }

    /// Runs the rest, for the [`Context`] or the [`Request`] that the middleware was given.
    ///
    /// It ends with the response, or with the head of a stream whose body is then still to come. What the handler set
    /// on the context is merged into it. Dropping the future drops the handler.
    ///
    /// ```
    /// use hyperlane::*;
    ///
    /// async fn upper_case(mut request: Request, next: Next) -> Response {
    ///     let body = request.body_mut().bytes().await.unwrap_or_default();
    ///     *request.body_mut() = Body::from(body.to_ascii_uppercase());
    ///     next.run(request).await
    /// }
    /// # Server::new().middleware(upper_case);
    /// ```
    pub fn run(self, input: impl Into<NextInput>) -> Exchange {
        let Self { ctx, position } = self;
        match input.into().0 {
            Input::Context(given) => {
                drop(ctx);
                Exchange::inner(given, position)
            }
            Input::Request(request) => {
                let deadline = ctx.deadline();
                let given = Context::new(*request, deadline, |_, params| {
                    params.clone_from(ctx.router_params());
                    ctx.endpoint().clone()
                });
                drop(ctx);
                Exchange::inner(given, position)
            }
        }
    }
}

/// What a middleware passes on: a [`Context`], or a [`Request`].
#[derive(Debug)]
pub struct NextInput(Input);

#[derive(Debug)]
enum Input {
    Context(Context),
    Request(Box<Request>),
}

impl From<Context> for NextInput {
    fn from(ctx: Context) -> Self {
        Self(Input::Context(ctx))
    }
}

impl From<&Context> for NextInput {
    fn from(ctx: &Context) -> Self {
        Self(Input::Context(ctx.clone()))
    }
}

impl From<Request> for NextInput {
    fn from(request: Request) -> Self {
        Self(Input::Request(Box::new(request)))
    }
}
