//! Registration: what a server shall answer, collected until it runs.
//!
//! The first step of the walk: [`Server`] collects routes, states and settings, then [`Server::run`] checks them,
//! freezes them to an [`App`] and starts the engine with it.

use std::any::TypeId;
use std::fmt;
use std::future::{IntoFuture, Ready, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_core::future::BoxFuture;
use hyperlane_core::{HandlerPanic, IntoResponse};
use hyperlane_server::ServerHandle;

use crate::app::{App, PanicHandler};
use crate::config::ServerConfig;
use crate::context::Context;
use crate::error::{Kind, Mistake, RunError};
use crate::forwarded::TrustedProxies;
use crate::middleware::{ShapeProblems, erase};
use crate::response::Problem;
use crate::routing::{Registration, RouteTable, RoutingTable, ServerWide, TrailingSlash, registration_methods};

/// A server in the making.
///
/// Registering methods take `&self` and can be chained. Nothing they are given can fail there: whatever is wrong is
/// told by [`run`](Self::run), all at once.
///
/// ```no_run
/// use hyperlane::*;
///
/// # async fn example() -> Result<(), Error> {
/// let server = Server::new();
/// server.config(ServerConfig::new().port(0)).state("shared").get("/", async |State(text): State<&'static str>| text);
/// let handle = server.run().await?;
/// println!("listening on {}", handle.local_addr());
/// handle.wait().await;
/// # Ok(()) }
/// ```
#[derive(Default)]
pub struct Server {
    settings: Mutex<Settings>,
}

#[derive(Default)]
struct Settings {
    config: ServerConfig,
    registration: Registration,
    on_panic: Option<Arc<PanicHandler>>,
    frozen: bool,
}

impl Server {
    /// A server with the default settings and no routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the settings. Takes a [`ServerConfig`], or a reference to one, of which it keeps a copy.
    pub fn config(&self, config: impl Into<ServerConfig>) -> &Self {
        let config = config.into();
        self.edit("settings", |settings| settings.config = config)
    }

    registration_methods!(Self);

    /// Says what a slash at the end of a path means, where its route has none or the other way round. Default:
    /// [`TrailingSlash::Strict`].
    pub fn trailing_slash(&self, policy: TrailingSlash) -> &Self {
        self.register("the policy for slashes", |registration| registration.slash = policy)
    }

    /// Shapes the answer to a request whose handler panicked before its response began; without it, a plain 500. The
    /// panic's message is for logs: don't send it.
    ///
    /// ```
    /// use hyperlane::*;
    ///
    /// let server = Server::new();
    /// server.on_panic(|_panic: &HandlerPanic| (StatusCode::INTERNAL_SERVER_ERROR, "we have been told"));
    /// ```
    pub fn on_panic<F, R>(&self, shape: F) -> &Self
    where
        F: Fn(&HandlerPanic) -> R + Send + Sync + 'static,
        R: IntoResponse,
    {
        let shape: Arc<PanicHandler> = Arc::new(move |panic: &HandlerPanic| shape(panic).into_response());
        self.edit("the answer to panics", |settings| settings.on_panic = Some(shape))
    }

    /// Shapes the answers to all problems: rejections of extractors, 404 and 405, refusals of middleware, and what
    /// handlers return as [`Problem`] or as an error. Without it they are `application/problem+json` (RFC 9457).
    ///
    /// Headers that tell of the error itself (`Allow`, `Retry-After`, `WWW-Authenticate`) are kept. What the engine
    /// refuses before there is a request, like a malformed head, has no route and stays a short text.
    ///
    /// ```
    /// use hyperlane::*;
    ///
    /// let server = Server::new();
    /// server.on_problem(|problem: &Problem, ctx: &Context| {
    ///     let text = format!("{}: {}", ctx.path(), problem.detail().unwrap_or(problem.title()));
    ///     (problem.status(), text)
    /// });
    /// ```
    pub fn on_problem<F, R>(&self, shape: F) -> &Self
    where
        F: Fn(&Problem, &Context) -> R + Send + Sync + 'static,
        R: IntoResponse,
    {
        let shape = ShapeProblems(Box::new(move |problem, ctx| shape(problem, ctx).into_response()));
        let shape = erase(shape);
        self.register("the answer to problems", |registration| {
            registration.shape_problems = Some(shape);
        })
    }

    /// Binds the addresses and begins to serve, on the current tokio runtime.
    ///
    /// Afterwards the registration is closed: what is registered later is not served, and a warning is logged.
    ///
    /// # Errors
    ///
    /// An address can't be bound, something that was registered is wrong, or the server ran before. After an error
    /// the server can be changed and run again.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn run(&self) -> Result<ServerHandle, RunError> {
        self.start().await
    }

    /// The engine is compiled for this crate's [`App`] here, once: without the box it would be compiled again into the
    /// future of each program that awaits it, and as often as a runtime polls that.
    fn start(&self) -> BoxFuture<'_, Result<ServerHandle, RunError>> {
        Box::pin(self.begin())
    }

    async fn begin(&self) -> Result<ServerHandle, RunError> {
        let (listen, engine) = {
            let settings = self.lock();
            settings.freeze()?;
            (settings.config.listeners(), settings.config.engine())
        };
        let mut listeners = Vec::with_capacity(listen.len());
        for listen in listen {
            listeners.extend(listen.bind(&engine).await?);
        }
        let mut app = self.build()?;
        if let Some(limit) = self.lock().config.blocking_limit() {
            app.watch(limit);
        }
        hyperlane_server::serve(listeners, Arc::new(app), engine)
            .await
            .map_err(|error| RunError::new(vec![Mistake::new(Kind::Config, error.to_string()).with_source(error)]))
    }

    /// Freezes the registration to a service, without a socket: for tests, and for embedding into another server.
    ///
    /// ```
    /// use hyperlane::*;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Error> {
    /// let server = Server::new();
    /// server.get("/", async || "hello");
    /// let app = server.build()?;
    /// let mut response = app.call(http::Request::get("/").body("").unwrap().into()).await;
    /// assert_eq!(response.body_mut().bytes().await.unwrap(), "hello");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), except for binding.
    pub fn build(&self) -> Result<App, RunError> {
        let mut settings = self.lock();
        let proxies = settings.config.proxies();
        if proxies.is_some() || settings.registration.states.contains(TypeId::of::<TrustedProxies>()) {
            settings.registration.states.insert(proxies.unwrap_or_default());
        }
        let table = settings.freeze()?;
        #[cfg(feature = "openapi")]
        for publication in &settings.registration.publications {
            publication.write(&table);
        }
        settings.frozen = true;
        Ok(App::new(table, settings.on_panic.take()))
    }

    /// All routes with their middleware, to be printed.
    ///
    /// # Errors
    ///
    /// Something that was registered is wrong, as [`run`](Self::run) would say.
    pub fn routes(&self) -> Result<RouteTable, RunError> {
        let settings = self.lock();
        let frozen = settings.registration.freeze(&ServerWide::default());
        Ok(frozen.map_err(RunError::new)?.list())
    }

    /// Has a document written when the registration is frozen.
    #[cfg(feature = "openapi")]
    pub(crate) fn publish(&self, publication: Arc<crate::openapi::Publication>) {
        self.register("a description of the api", |registration| {
            registration.publications.push(publication);
        });
    }

    /// The routes as they would be frozen now.
    #[cfg(feature = "openapi")]
    pub(crate) fn table(&self) -> Result<RoutingTable, RunError> {
        let settings = self.lock();
        settings
            .registration
            .freeze(&ServerWide::default())
            .map_err(RunError::new)
    }

    /// The engine's part of the settings, for connections that no listener brings.
    #[cfg(feature = "testing")]
    pub(crate) fn engine_config(&self) -> hyperlane_server::Config {
        self.lock().config.engine()
    }

    /// From when on a handler blocks its thread.
    #[cfg(feature = "testing")]
    pub(crate) fn blocking_limit(&self) -> Option<std::time::Duration> {
        self.lock().config.blocking_limit()
    }

    fn register(&self, what: &str, change: impl FnOnce(&mut Registration)) -> &Self {
        self.edit(what, |settings| change(&mut settings.registration))
    }

    fn edit(&self, what: &str, change: impl FnOnce(&mut Settings)) -> &Self {
        let mut settings = self.lock();
        if settings.frozen {
            drop(settings);
            tracing::warn!(what, "registered after the server was run: it has no effect");
        } else {
            change(&mut settings);
        }
        self
    }

    /// No code that may panic halfway runs under the lock, so a poisoned one holds sound settings.
    fn lock(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settings {
    fn freeze(&self) -> Result<RoutingTable, RunError> {
        if self.frozen {
            let message = "server was run or built before: make a new one to serve again";
            return Err(RunError::new(vec![Mistake::new(Kind::AlreadyRun, message)]));
        }
        let mut problems = self.config.problems();
        let server = ServerWide {
            on_panic: self.on_panic.clone(),
            handler_timeout: self.config.engine().handler_timeout,
        };
        match self.registration.freeze(&server) {
            Ok(table) if problems.is_empty() => Ok(table),
            Ok(_) => Err(RunError::new(problems)),
            Err(more) => {
                problems.extend(more);
                Err(RunError::new(problems))
            }
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = self.lock();
        f.debug_struct("Server")
            .field("config", &settings.config)
            .field("registration", &settings.registration)
            .finish_non_exhaustive()
    }
}

impl IntoFuture for Server {
    type Output = Self;
    type IntoFuture = Ready<Self>;

    fn into_future(self) -> Ready<Self> {
        ready(self)
    }
}

impl<'a> IntoFuture for &'a Server {
    type Output = &'a Server;
    type IntoFuture = Ready<&'a Server>;

    fn into_future(self) -> Ready<&'a Server> {
        ready(self)
    }
}
