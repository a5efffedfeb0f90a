//! What answers requests: `async fn`s whose arguments are read from the request.
//!
//! It is the step between routing and the response: the app has found the handler, which now reads its arguments
//! through [`FromContext`], runs, and has what it returned made a response by [`IntoResponse`].

use std::any::Any;
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
    message = "`{Self}` can't handle requests: give an `async fn` of up to 12 arguments",
    label = "this is not a handler",
    note = "give the function itself: `get(\"/\", handler)`, not `get(\"/\", handler())`",
    note = "more than 12 values: take several in one `Path`, `Query` or `Json` of a struct, or read them from `Context`",
    note = "what a closure captures is `Clone + Send + Sync + 'static`"
)]
pub trait Handler<Args>: Clone + Send + Sync + 'static {
    /// Begins to answer the request of `ctx`.
    fn call(&self, ctx: Context) -> BoxFuture<'static, Response>;

    /// Says what the arguments need of the server, so that what is missing is an error of
    /// [`Server::run`](crate::Server::run).
    fn check(needs: &mut Requirements);

    /// Begins to answer a request without a context, if the handler takes nothing of it: that saves to make one.
    #[doc(hidden)]
    fn call_bare(&self) -> Option<BoxFuture<'static, Response>> {
        None
    }

    /// What holds for its route alone: nothing, except for a [`Route`](crate::Route).
    #[doc(hidden)]
    fn options(&self) -> HandlerOptions {
        HandlerOptions::default()
    }
}

// One implementation for all functions, with a bound for each part of them: so the compiler tells which part is wrong,
// and not merely that the whole is no handler.
impl<F, Args, Kind, Sent> Handler<(Args, Kind, Sent)> for F
where
    F: HandlerFn<Args>,
    Args: Arguments + 'static,
    F::Output: HandlerFuture<Kind> + SentFuture<Sent> + Send + 'static,
    <F::Output as HandlerFuture<Kind>>::Value: IntoResponse,
{
    fn call(&self, ctx: Context) -> BoxFuture<'static, Response> {
        let handler = self.clone();
        Box::pin(async move {
            let args = match Args::from_context(ctx).await {
                Ok(args) => args,
                Err(rejection) => return rejection,
            };
            handler.invoke(args).into_future().await.into_response()
        })
    }

    fn check(needs: &mut Requirements) {
        needs.of_handler(Args::check);
    }

    fn call_bare(&self) -> Option<BoxFuture<'static, Response>> {
        let nothing = Args::nothing()?;
        let handler = self.clone();
        Some(Box::pin(async move {
            handler.invoke(nothing).into_future().await.into_response()
        }))
    }
}

/// A function or closure of up to 12 arguments, which are the tuple `Args`. It is a part of [`Handler`].
#[doc(hidden)]
pub trait HandlerFn<Args>: Clone + Send + Sync + 'static {
    type Output;

    fn invoke(&self, args: Args) -> Self::Output;
}

/// The arguments of a handler. It is a part of [`Handler`].
#[doc(hidden)]
pub trait Arguments: Sized + Send {
    /// The arguments of a function that has none.
    fn nothing() -> Option<Self> {
        None
    }

    /// It gets a handle of its own, which is gone afterwards.
    fn from_context(ctx: Context) -> impl Future<Output = Result<Self, Response>> + Send;

    fn check(needs: &mut Requirements);
}

/// What a handler's function returns. It is a part of [`Handler`]; `Kind` has one value only.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a handler must be an `async fn`: this one returns `{Self}`, which is not a future",
    label = "write `async fn`, or `async move {{ … }}` in a closure"
)]
pub trait HandlerFuture<Kind> {
    type Value;

    fn into_future(self) -> impl Future<Output = Self::Value> + Send
    where
        Self: Send;
}

impl<Fut: Future> HandlerFuture<Awaited> for Fut {
    type Value = Fut::Output;

    fn into_future(self) -> impl Future<Output = Fut::Output> + Send
    where
        Self: Send,
    {
        self
    }
}

/// The kind of all handlers' futures.
#[doc(hidden)]
#[derive(Debug)]
pub enum Awaited {}

// Nothing implements `Impossible`. Without a second implementation the compiler would tell of `Future` or `Send`
// instead of these traits, and so not what to do.
impl<T: Impossible> HandlerFuture<Never> for T {
    type Value = ();

    async fn into_future(self) {}
}

/// A future that may change its thread. It says what to do, and the compiler then says which value stays behind.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a handler's future must be `Send`: drop what can't cross threads before the `.await`",
    label = "this handler holds something that is not `Send` while it waits",
    note = "use `Arc` for `Rc`, and `tokio::sync::Mutex` for a lock that is held over an `.await`; or put what needs the value into a block of its own before it"
)]
pub trait SentFuture<Kind> {}

impl<Fut: Send> SentFuture<Awaited> for Fut {}
impl<T: Impossible> SentFuture<Never> for T {}

enum Never {}

trait Impossible {}

macro_rules! functions {
    ($($argument:ident)*) => {
        functions!(@call $($argument)*);

        impl<$($argument: FromContext,)*> Arguments for ($($argument,)*) {
            #[allow(non_snake_case, reason = "arguments are named after their types")]
            async fn from_context(ctx: Context) -> Result<Self, Response> {
                $(
                    let $argument = match $argument::from_context(&ctx).await {
                        Ok(value) => value,
                        Err(rejection) => return Err(rejection.into_response()),
                    };
                )*
                Ok(($($argument,)*))
            }

            fn check(needs: &mut Requirements) {
                $($argument::check(needs);)*
            }
        }
    };
    (@call $($argument:ident)*) => {
        impl<F, Output, $($argument,)*> HandlerFn<($($argument,)*)> for F
        where
            F: Fn($($argument,)*) -> Output + Clone + Send + Sync + 'static,
        {
            type Output = Output;

            #[allow(non_snake_case, reason = "arguments are named after their types")]
            fn invoke(&self, ($($argument,)*): ($($argument,)*)) -> Output {
                self($($argument,)*)
            }
        }
    };
}

impl<F, Output> HandlerFn<()> for F
where
    F: Fn() -> Output + Clone + Send + Sync + 'static,
{
    type Output = Output;

    fn invoke(&self, (): ()) -> Output {
        self()
    }
}

impl Arguments for () {
    fn nothing() -> Option<Self> {
        Some(())
    }

    async fn from_context(_: Context) -> Result<Self, Response> {
        Ok(())
    }

    fn check(_: &mut Requirements) {}
}

functions!(@call A);

impl<A: FromContext + 'static> Arguments for (A,) {
    async fn from_context(ctx: Context) -> Result<Self, Response> {
        let ctx = match is_context(ctx) {
            Ok(argument) => return Ok((argument,)),
            Err(ctx) => ctx,
        };
        match A::from_context(&ctx).await {
            Ok(value) => Ok((value,)),
            Err(rejection) => Err(rejection.into_response()),
        }
    }

    fn check(needs: &mut Requirements) {
        A::check(needs);
    }
}

/// A handler that takes nothing but the context gets the handle that is there, and no clone of it.
fn is_context<A: 'static>(ctx: Context) -> Result<A, Context> {
    let mut ctx = Some(ctx);
    let same = (&mut ctx as &mut dyn Any).downcast_mut::<Option<A>>();
    match same.and_then(Option::take) {
        Some(argument) => Ok(argument),
        None => Err(ctx.expect("it was not taken")),
    }
}

functions!(A B);
functions!(A B C);
functions!(A B C D);
functions!(A B C D E);
functions!(A B C D E G);
functions!(A B C D E G H);
functions!(A B C D E G H I);
functions!(A B C D E G H I J);
functions!(A B C D E G H I J K);
functions!(A B C D E G H I J K L);
functions!(A B C D E G H I J K L M);

/// A handler whose arguments are forgotten, as the routing table keeps it.
pub(crate) trait ErasedHandler: Send + Sync {
    fn call(&self, ctx: Context) -> BoxFuture<'static, Response>;
    fn call_bare(&self) -> Option<BoxFuture<'static, Response>>;
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

    fn call_bare(&self) -> Option<BoxFuture<'static, Response>> {
        self.handler.call_bare()
    }
}
