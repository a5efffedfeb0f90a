//! What answers requests: `async fn`s whose arguments are read from the request.
//!
//! It is the step between routing and the response: the app has found the handler, which now reads its arguments
//! through [`FromContext`], runs, and has what it returned made a response by [`IntoResponse`].

use std::marker::PhantomData;

use futures_core::future::BoxFuture;
use hyperlane_core::{IntoResponse, Response};

use crate::context::Context;
use crate::extract::{FromContext, Requirements};
use crate::routing::HandlerOptions;

/// An `async fn` (or a closure that returns a future) of up to 12 arguments that implement [`FromContext`], returning
/// something that implements [`IntoResponse`].
///
/// The arguments are read in order; the first that can't be had ends the request with its rejection, and the handler
/// does not run. `Args` only tells functions of different arguments apart.
///
/// What handlers share is given to [`Server::state`](crate::Server::state) and taken as
/// [`State<T>`](crate::State). A closure that captures something clones it for each request:
/// `move |ctx: Context| { let db = db.clone(); async move { … } }`.
///
/// A handler's future must be [`Send`]: what is held across an `.await` must be too, which [`Rc`](std::rc::Rc) and the
/// guards of `std` locks are not.
///
/// ```
/// use hyperlane::*;
///
/// async fn nothing() {}
/// async fn text() -> &'static str { "text" }
/// async fn both(ctx: Context, Path(id): Path<u64>) -> Result<String, StatusCode> {
///     ctx.set_response_header("x-id", id);
///     if id == 0 { Err(StatusCode::NOT_FOUND) } else { Ok(format!("item {id}")) }
/// }
///
/// let server = Server::new();
/// server.get("/nothing", nothing).get("/text", text).get("/item/{id}", both).get("/closure", async || "closure");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't handle requests",
    label = "this is not a handler",
    note = "a handler is an `async fn` of up to 12 arguments that each implement `FromContext` (`Context`, `Path<T>`, `Query<T>`, `Json<T>`, `State<T>`, `Bytes`, `String`, `HeaderMap` …)",
    note = "it returns something that implements `IntoResponse`: text, bytes, `Json<T>`, a `StatusCode`, `()`, a tuple of status, headers and body, or a `Result` of these",
    note = "and its future is `Send`: no `Rc`, `RefCell` borrow or `std` lock guard is held across an `.await`"
)]
pub trait Handler<Args>: Clone + Send + Sync + 'static {
    /// Begins to answer the request of `ctx`.
    fn call(&self, ctx: Context) -> BoxFuture<'static, Response>;

    /// Says what the arguments need of the server, so that what is missing is an error of
    /// [`Server::run`](crate::Server::run).
    fn check(needs: &mut Requirements);

    /// What holds for its route alone: nothing, except for a [`Route`](crate::Route).
    #[doc(hidden)]
    fn options(&self) -> HandlerOptions {
        HandlerOptions::default()
    }
}

macro_rules! handlers {
    ($($argument:ident)*) => {
        impl<F, Fut, R, $($argument,)*> Handler<($($argument,)*)> for F
        where
            F: Fn($($argument,)*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = R> + Send + 'static,
            R: IntoResponse + 'static,
            $($argument: FromContext + 'static,)*
        {
            #[allow(non_snake_case, unused_variables, reason = "arguments are named after their types, and may be none")]
            fn call(&self, ctx: Context) -> BoxFuture<'static, Response> {
                let handler = self.clone();
                Box::pin(async move {
                    $(
                        let $argument = match $argument::from_context(&ctx).await {
                            Ok(value) => value,
                            Err(rejection) => return rejection.into_response(),
                        };
                    )*
                    drop(ctx);
                    handler($($argument,)*).await.into_response()
                })
            }

            #[allow(unused_variables, reason = "a function without arguments needs nothing")]
            fn check(needs: &mut Requirements) {
                $($argument::check(needs);)*
            }
        }
    };
}

handlers!();
handlers!(A);
handlers!(A B);
handlers!(A B C);
handlers!(A B C D);
handlers!(A B C D E);
handlers!(A B C D E G);
handlers!(A B C D E G H);
handlers!(A B C D E G H I);
handlers!(A B C D E G H I J);
handlers!(A B C D E G H I J K);
handlers!(A B C D E G H I J K L);
handlers!(A B C D E G H I J K L M);

/// A handler whose arguments are forgotten, as the routing table keeps it.
pub(crate) trait ErasedHandler: Send + Sync {
    fn call(&self, ctx: Context) -> BoxFuture<'static, Response>;
}

/// The pair of a handler and its arguments' types.
pub(crate) struct Erased<H, Args> {
    handler: H,
    args: PhantomData<fn(Args)>,
}

impl<H, Args> Erased<H, Args> {
    pub(crate) fn new(handler: H) -> Self {
        Self {
            handler,
            args: PhantomData,
        }
    }
}

impl<H: Handler<Args>, Args> ErasedHandler for Erased<H, Args> {
    fn call(&self, ctx: Context) -> BoxFuture<'static, Response> {
        self.handler.call(ctx)
    }
}
