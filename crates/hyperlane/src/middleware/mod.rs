//! Middleware: what stands around handlers, and sees requests before and responses after them.
//!
//! It is the step between routing and the handler. The endpoint is known already, so that a middleware can ask the
//! context for the pattern that matched; 404, 405 and `OPTIONS` are endpoints too and pass through it.
//!
//! # The order
//!
//! What is registered first stands outermost: it sees the request first and the response last. Of the ready-made ones
//! this is the order that works, each with the reason why it does not stand further in:
//!
//! | middleware | why it stands here |
//! |---|---|
//! | [`RequestIds`] | all that is logged further in can name the request |
//! | [`AccessLog`] | it sees what is really sent, refusals and answers to panics included |
//! | [`Trace`] | its span is around everything that may log, and it knows the id |
//! | [`CatchPanic`] | a panic of any middleware further in is an answer, which the log sees |
//! | [`SecurityHeaders`] | refusals have the headers too |
//! | `Cors` | preflight requests have no credentials, and refusals must be readable for pages that may read answers |
//! | `RateLimit` | a client that sends too much takes no place from others |
//! | [`ConcurrencyLimit`] | its queue is not part of the time that a response has |
//! | [`Timeout`] | it covers the work, compression of the first piece included |
//! | `Compression` | it compresses what all others have made |
//! | `ETags` | it needs the body whole and as it is, which what compresses or counts bodies makes a stream |
//! | [`Csrf`] | what is refused costs no reading of a body or session |
//! | `Decompression` | the rest sees plain bodies |
//! | [`BodyLimit`] | it counts plain bytes |
//! | `Sessions` | it asks its store for no request that is refused further out |
//! | [`BasicAuth`](https://docs.rs/hyperlane/latest/hyperlane/middleware/struct.BasicAuth.html), [`BearerAuth`], `Jwt`, your own | they may look into the session |
//!
//! Where two stand in an order that can't work, a warning is logged when the server starts, and stands under its
//! [route table](crate::Server::routes), which shows the order of each route.

mod access_log;
mod authenticated;
#[cfg(feature = "basic-auth")]
mod basic_auth;
mod bearer_auth;
mod body_limit;
mod catch_panic;
#[cfg(feature = "compression")]
mod compression;
mod concurrency_limit;
#[cfg(feature = "cors")]
mod cors;
mod csrf;
#[cfg(feature = "decompression")]
mod decompression;
#[cfg(feature = "etag")]
mod etag;
#[cfg(feature = "jwt")]
mod jwt;
mod layer;
mod limited;
mod next;
mod observed;
mod order;
mod problems;
#[cfg(feature = "rate-limit")]
mod rate_limit;
mod received;
mod refusal;
mod request_id;
mod security_headers;
#[cfg(feature = "session")]
mod session;
mod timeout;
mod trace;
#[cfg(any(feature = "compression", feature = "session"))]
mod vary;

use std::any::type_name;
use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use hyperlane_core::{IntoResponse, Response};

use crate::context::Context;
use crate::extract::{FromContext, Requirements};

pub use access_log::{AccessFormat, AccessLog};
pub use authenticated::Authenticated;
#[cfg(feature = "basic-auth")]
pub use basic_auth::{BasicAuth, BasicUser};
pub use bearer_auth::{BearerAuth, BearerError};
pub use body_limit::BodyLimit;
pub use catch_panic::CatchPanic;
#[cfg(feature = "compression")]
pub use compression::Compression;
pub use concurrency_limit::ConcurrencyLimit;
#[cfg(feature = "cors")]
pub use cors::Cors;
pub use csrf::Csrf;
#[cfg(feature = "decompression")]
pub use decompression::Decompression;
#[cfg(feature = "etag")]
pub use etag::ETags;
#[cfg(feature = "jwt")]
pub use jsonwebtoken;
#[cfg(feature = "jwt")]
pub use jwt::Jwt;
pub(crate) use layer::Layered;
pub use layer::NextService;
pub use next::{Next, NextInput};
pub(crate) use order::{doubts, is_traced};
pub(crate) use problems::ShapeProblems;
#[cfg(feature = "rate-limit")]
pub use rate_limit::RateLimit;
pub use request_id::{RequestId, RequestIds};
pub use security_headers::SecurityHeaders;
#[cfg(feature = "session-redis")]
pub use session::RedisStore;
#[cfg(feature = "session-sqlite")]
pub use session::SqliteStore;
#[cfg(feature = "session")]
pub use session::{MemoryStore, Session, SessionError, SessionKey, SessionRecord, SessionStore, Sessions};
pub use timeout::Timeout;
pub use trace::Trace;

/// An `async fn` that stands around handlers: it takes what handlers take, and [`Next`] as its last argument.
///
/// It runs the rest with [`Next::run`], or answers by itself. It is given to
/// [`Server::middleware`](crate::Server::middleware), [`Router::middleware`](crate::Router::middleware) or
/// [`Route::middleware`](crate::Route::middleware): for all routes, for those of a group, or for one.
///
/// The order is that of the registration: the first sees the request first and the response last. Those of the server
/// stand around those of a group, and these around those of a route. It makes no difference whether routes are
/// registered before or after. [`Server::routes`](crate::Server::routes) shows the order.
///
/// ```
/// use hyperlane::*;
///
/// async fn server_name(ctx: Context, next: Next) -> Response {
///     next.run(ctx).await.with_header("server", "hyperlane")
/// }
///
/// async fn only_with_key(ctx: Context, next: Next) -> Result<Response, StatusCode> {
///     match ctx.header("x-key") {
///         Some("secret") => Ok(next.run(ctx).await),
///         _ => Err(StatusCode::UNAUTHORIZED),
///     }
/// }
///
/// let server = Server::new();
/// server
///     .middleware(server_name)
///     .get("/", async || "open to all")
///     .get("/vault", Route::new(async || "gold").middleware(only_with_key));
/// ```
///
/// A type with settings of its own implements the trait:
///
/// ```
/// use hyperlane::*;
///
/// struct Version(&'static str);
///
/// impl Middleware for Version {
///     async fn call(&self, ctx: Context, next: Next) -> Response {
///         next.run(ctx).await.with_header("x-version", self.0)
///     }
/// }
/// # Server::new().middleware(Version("1.2.0"));
/// ```
///
/// [`Context`] or [`Request`](crate::Request) may be passed on: a middleware that changes the request, or replaces its
/// body, takes it as `Request`. `Args` only tells functions of different arguments apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a middleware",
    label = "this can't stand around handlers",
    note = "a middleware is an `async fn` whose last argument is `Next`: `async fn name(ctx: Context, next: Next) -> Response {{ next.run(ctx).await }}`",
    note = "its other arguments implement `FromContext`, it returns something that implements `IntoResponse`, and its future is `Send`",
    note = "a layer of tower goes to `.layer(…)` instead"
)]
pub trait Middleware<Args = ()>: Send + Sync + 'static {
    /// Answers the request, as a rule by what `next` answers.
    fn call(&self, ctx: Context, next: Next) -> impl Future<Output = Response> + Send;

    /// Says what it needs of the server, so that what is missing is an error of [`Server::run`](crate::Server::run).
    /// Default: nothing.
    fn check(&self, needs: &mut Requirements) {
        let _ = needs;
    }

    /// Its name in the route table and in logs. Default: that of its type.
    fn name(&self) -> Cow<'static, str> {
        short_name(type_name::<Self>())
    }
}

macro_rules! middlewares {
    ($($argument:ident)*) => {
        impl<Func, Fut, R, $($argument,)*> Middleware<($($argument,)* Next,)> for Func
        where
            Func: Fn($($argument,)* Next) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = R> + Send + 'static,
            R: IntoResponse + 'static,
            $($argument: FromContext + 'static,)*
        {
            #[allow(non_snake_case, unused_variables, reason = "arguments are named after their types, and may be none")]
            async fn call(&self, ctx: Context, next: Next) -> Response {
                $(
                    let $argument = match $argument::from_context(&ctx).await {
                        Ok(value) => value,
                        Err(rejection) => return rejection.into_response(),
                    };
                )*
                drop(ctx);
                self($($argument,)* next).await.into_response()
            }

            #[allow(unused_variables, reason = "a function without arguments needs nothing")]
            fn check(&self, needs: &mut Requirements) {
                $($argument::check(needs);)*
            }
        }
    };
}

middlewares!();
middlewares!(A);
middlewares!(A B);
middlewares!(A B C);
middlewares!(A B C D);
middlewares!(A B C D E);
middlewares!(A B C D E F);

/// A middleware whose arguments are forgotten, as endpoints keep it.
pub(crate) trait ErasedMiddleware: Send + Sync {
    fn call(self: Arc<Self>, ctx: Context, next: Next) -> BoxFuture<'static, Response>;
    fn check(&self, needs: &mut Requirements);
    fn name(&self) -> Cow<'static, str>;
    /// The path of its type, by which those of this crate are known (`order.rs`).
    fn type_name(&self) -> &'static str;
}

/// Middleware in the order in which it runs.
pub(crate) type Chain = Arc<[Arc<dyn ErasedMiddleware>]>;

struct Erased<M, Args> {
    middleware: M,
    args: PhantomData<fn(Args)>,
}

/// Forgets the arguments.
pub(crate) fn erase<M: Middleware<Args>, Args: 'static>(middleware: M) -> Arc<dyn ErasedMiddleware> {
    Arc::new(Erased {
        middleware,
        args: PhantomData,
    })
}

impl<M: Middleware<Args>, Args: 'static> ErasedMiddleware for Erased<M, Args> {
    fn call(self: Arc<Self>, ctx: Context, next: Next) -> BoxFuture<'static, Response> {
        Box::pin(async move { self.middleware.call(ctx, next).await })
    }

    fn check(&self, needs: &mut Requirements) {
        self.middleware.check(needs);
    }

    fn name(&self) -> Cow<'static, str> {
        self.middleware.name()
    }

    fn type_name(&self) -> &'static str {
        type_name::<M>()
    }
}

/// The last part of a type's path, without what it is generic over: `app::auth::check` is `check`.
pub(crate) fn short_name(path: &'static str) -> Cow<'static, str> {
    let plain = path.split('<').next().unwrap_or(path);
    match plain.strip_suffix("::{{closure}}") {
        Some(outer) => format!("closure in {}", last_segment(outer)).into(),
        None => last_segment(plain).into(),
    }
}

fn last_segment(path: &str) -> &str {
    path.trim_end_matches("::{{closure}}")
        .rsplit("::")
        .next()
        .unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_enough_for_a_table() {
        for (path, name) in [
            ("app::auth::check", "check"),
            ("app::main::{{closure}}", "closure in main"),
            ("app::Timeout<alloc::string::String>", "Timeout"),
            ("plain", "plain"),
        ] {
            assert_eq!(short_name(path), name);
        }
    }
}
