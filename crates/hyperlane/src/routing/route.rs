//! A handler together with what is only true for its route.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use hyperlane_core::Response;

use super::Guard;
use crate::context::Context;
use crate::extract::Requirements;
use crate::handler::Handler;
use crate::middleware::{ErasedMiddleware, Middleware, erase};

/// A handler with its own middleware, limits, conditions or name. It is registered like a plain handler.
///
/// ```
/// use hyperlane::*;
///
/// async fn upload(body: Bytes) -> String { format!("{} bytes", body.len()) }
/// async fn log(ctx: Context, next: Next) -> Response { next.run(ctx).await }
///
/// let server = Server::new();
/// server.post("/upload", Route::new(upload).name("upload").body_limit(64 * 1024 * 1024).middleware(log));
/// ```
pub struct Route<H, Args> {
    handler: H,
    options: RouteOptions,
    args: PhantomData<fn(Args)>,
}

/// What is only true for one route.
#[derive(Clone, Default)]
pub(crate) struct RouteOptions {
    pub(crate) name: Option<Cow<'static, str>>,
    /// The path of the handler's type, where a [`Route`] hides it.
    pub(crate) handler_name: Option<&'static str>,
    pub(crate) middleware: Vec<Arc<dyn ErasedMiddleware>>,
    pub(crate) guards: Vec<Guard>,
    /// In bytes; `None` leaves it to the server.
    pub(crate) body_limit: Option<u64>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) on_disconnect: OnDisconnect,
    /// For the document of the API.
    #[cfg(feature = "openapi")]
    pub(crate) description: crate::openapi::RouteDescription,
}

/// What becomes of a handler whose client leaves before the response has ended.
///
/// It is a setting of a route: [`Route::on_disconnect`]. Time-outs and the deadline of a shutdown end a handler in any
/// case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnDisconnect {
    /// It is dropped: at its `.await`, before its response has begun. In the middle of a stream its next
    /// [`send_body`](Context::send_body) fails, and it has 10 seconds to clean up. The default.
    #[default]
    Cancel,
    /// It goes on to its end, in a task of its own: for what must not stop halfway.
    Finish,
    /// It goes on for this time at most, and is dropped then.
    FinishWithin(Duration),
}

/// Tells routes from plain handlers: the arguments of a route's handler.
#[derive(Debug)]
pub struct RouteArgs<Args>(PhantomData<fn(Args)>);

impl<H: Handler<Args>, Args: 'static> Route<H, Args> {
    /// A route that is nothing but its handler.
    pub fn new(handler: H) -> Self {
        Self {
            handler,
            options: RouteOptions {
                handler_name: Some(std::any::type_name::<H>()),
                ..RouteOptions::default()
            },
            args: PhantomData,
        }
    }

    /// Its name in the route table and in the description of the API.
    #[must_use]
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// Puts a middleware around this handler, inside of those of the server and of its groups.
    #[must_use]
    pub fn middleware<M: Middleware<A>, A: 'static>(mut self, middleware: M) -> Self {
        self.options.middleware.push(erase(middleware));
        self
    }

    /// Answers only requests that the guard admits; several must all admit it.
    #[must_use]
    pub fn guard(mut self, guard: Guard) -> Self {
        self.options.guards.push(guard);
        self
    }

    /// The largest body, in bytes, that this route takes, instead of the server's
    /// [`body_limit`](crate::ServerConfig::body_limit): 413 beyond it.
    #[must_use]
    pub fn body_limit(mut self, bytes: u64) -> Self {
        self.options.body_limit = Some(bytes);
        self
    }

    /// How long this handler may take until its response begins, instead of the server's
    /// [`handler_timeout`](crate::ServerConfig::handler_timeout): 503 then, and it is dropped. It can ask for its
    /// [`deadline`](Context::deadline).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// What becomes of the handler when its client leaves. Default: [`OnDisconnect::Cancel`].
    ///
    /// ```
    /// use hyperlane::*;
    ///
    /// async fn pay() -> &'static str { "paid" }
    ///
    /// let server = Server::new();
    /// server.post("/pay", Route::new(pay).on_disconnect(OnDisconnect::Finish));
    /// ```
    #[must_use]
    pub fn on_disconnect(mut self, policy: OnDisconnect) -> Self {
        self.options.on_disconnect = policy;
        self
    }

    /// Describes what the handler reads and answers, for [`OpenApi`](crate::openapi::OpenApi): its types tell it, and
    /// the closure adds what they do not.
    ///
    /// ```
    /// use hyperlane::*;
    ///
    /// async fn greet(Path(name): Path<String>) -> String { format!("hello {name}") }
    ///
    /// let route = Route::new(greet).openapi(|operation| operation.summary("Greets somebody").tag("greetings"));
    /// # Server::new().get("/hello/{name}", route);
    /// ```
    #[cfg(feature = "openapi")]
    #[must_use]
    pub fn openapi<F>(mut self, describe: F) -> Self
    where
        H: crate::openapi::DescribeHandler<Args>,
        F: Fn(crate::openapi::Operation) -> crate::openapi::Operation + Send + Sync + 'static,
    {
        self.options.description = crate::openapi::RouteDescription::typed::<H, Args>(describe);
        self
    }

    /// Keeps the route out of the document of the API.
    #[cfg(feature = "openapi")]
    #[must_use]
    pub fn undocumented(mut self) -> Self {
        self.options.description = crate::openapi::RouteDescription::Hidden;
        self
    }
}

#[diagnostic::do_not_recommend]
impl<H: Handler<Args>, Args: 'static> Handler<RouteArgs<Args>> for Route<H, Args> {
    fn call(&self, ctx: Context) -> BoxFuture<'static, Response> {
        self.handler.call(ctx)
    }

    fn check(needs: &mut Requirements) {
        H::check(needs);
    }

    fn options(&self) -> HandlerOptions {
        // A route in a route: the inner one knows the function.
        let handler_name = self.handler.options().0.handler_name.or(self.options.handler_name);
        HandlerOptions(RouteOptions {
            handler_name,
            ..self.options.clone()
        })
    }
}

/// What a handler brings for its route. It is made by [`Route`].
#[derive(Clone, Debug, Default)]
pub struct HandlerOptions(pub(crate) RouteOptions);

impl<H: Clone, Args> Clone for Route<H, Args> {
    fn clone(&self) -> Self {
        Self {
            handler: self.handler.clone(),
            options: self.options.clone(),
            args: PhantomData,
        }
    }
}

impl<H, Args> std::fmt::Debug for Route<H, Args> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Route").field(&self.options).finish()
    }
}

impl std::fmt::Debug for RouteOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let middleware: Vec<_> = self.middleware.iter().map(|middleware| middleware.name()).collect();
        f.debug_struct("RouteOptions")
            .field("name", &self.name)
            .field("middleware", &middleware)
            .field("guards", &self.guards)
            .field("body_limit", &self.body_limit)
            .field("timeout", &self.timeout)
            .field("on_disconnect", &self.on_disconnect)
            .finish()
    }
}
