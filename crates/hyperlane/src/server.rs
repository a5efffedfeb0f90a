//! Registration: what a server shall answer, collected until it runs.
//!
//! The first step of the walk: [`Server`] collects routes, states and settings, then [`Server::run`] checks them,
//! freezes them to an [`App`] and starts the engine with it.

use std::fmt;
use std::future::{IntoFuture, Ready, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Method;
use hyperlane_core::{HandlerPanic, IntoResponse};
use hyperlane_server::ServerHandle;

use crate::app::{App, PanicHandler};
use crate::config::ServerConfig;
use crate::error::{Error, Kind, Problem};
use crate::handler::Handler;
use crate::routing::Routes;
use crate::state::States;

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
    registration: Mutex<Registration>,
}

#[derive(Default)]
struct Registration {
    config: ServerConfig,
    routes: Routes,
    states: States,
    on_panic: Option<PanicHandler>,
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
        self.register("settings", |registration| registration.config = config)
    }

    /// Gives a value to all handlers, which take it as [`State<T>`](crate::State) or with
    /// [`Context::state`](crate::Context::state). There is one value of each type: a second one replaces the first,
    /// and a warning is logged.
    ///
    /// Each use clones it: put what is costly to clone into an [`Arc`].
    pub fn state<T: Clone + Send + Sync + 'static>(&self, value: T) -> &Self {
        self.register("a state", |registration| {
            if registration.states.insert(value) {
                tracing::warn!(
                    state = std::any::type_name::<T>(),
                    "a state of this type was given before and is replaced"
                );
            }
        })
    }

    /// Answers requests of any method whose path matches `pattern`. Handlers for one method on the same pattern go
    /// before it.
    ///
    /// A pattern is a path in which `{name}` stands for one segment and `{*name}`, at its end, for all that is left:
    /// `/users/{id}`, `/files/{*path}`. Fixed text goes before parameters, whatever the order of registration.
    pub fn route<H, Args>(&self, pattern: impl AsRef<str>, handler: H) -> &Self
    where
        H: Handler<Args>,
        Args: 'static,
    {
        self.add(None, pattern.as_ref(), handler)
    }

    /// Answers requests of one method, which may be one of your own, whose path matches `pattern`.
    pub fn on<H, Args>(&self, method: Method, pattern: impl AsRef<str>, handler: H) -> &Self
    where
        H: Handler<Args>,
        Args: 'static,
    {
        self.add(Some(method), pattern.as_ref(), handler)
    }

    /// Answers `GET`, and `HEAD` where it has no handler of its own (RFC 9110 §9.3.2).
    pub fn get<H, Args>(&self, pattern: impl AsRef<str>, handler: H) -> &Self
    where
        H: Handler<Args>,
        Args: 'static,
    {
        self.on(Method::GET, pattern, handler)
    }

    /// Answers `POST`.
    pub fn post<H, Args>(&self, pattern: impl AsRef<str>, handler: H) -> &Self
    where
        H: Handler<Args>,
        Args: 'static,
    {
        self.on(Method::POST, pattern, handler)
    }

    /// Answers `PUT`.
    pub fn put<H, Args>(&self, pattern: impl AsRef<str>, handler: H) -> &Self
    where
        H: Handler<Args>,
        Args: 'static,
    {
        self.on(Method::PUT, pattern, handler)
    }

    /// Answers `DELETE`.
    pub fn delete<H, Args>(&self, pattern: impl AsRef<str>, handler: H) -> &Self
    where
        H: Handler<Args>,
        Args: 'static,
    {
        self.on(Method::DELETE, pattern, handler)
    }

    /// Answers `PATCH`.
    pub fn patch<H, Args>(&self, pattern: impl AsRef<str>, handler: H) -> &Self
    where
        H: Handler<Args>,
        Args: 'static,
    {
        self.on(Method::PATCH, pattern, handler)
    }

    /// Answers `HEAD`, instead of the pattern's handler for `GET`.
    pub fn head<H, Args>(&self, pattern: impl AsRef<str>, handler: H) -> &Self
    where
        H: Handler<Args>,
        Args: 'static,
    {
        self.on(Method::HEAD, pattern, handler)
    }

    /// Answers `OPTIONS`, instead of the answer that lists the pattern's methods.
    pub fn options<H, Args>(&self, pattern: impl AsRef<str>, handler: H) -> &Self
    where
        H: Handler<Args>,
        Args: 'static,
    {
        self.on(Method::OPTIONS, pattern, handler)
    }

    /// Answers requests whose path matches no pattern, which get a 404 otherwise. A second one replaces the first.
    pub fn fallback<H, Args>(&self, handler: H) -> &Self
    where
        H: Handler<Args>,
        Args: 'static,
    {
        self.register("the fallback", |registration| registration.routes.set_fallback(handler))
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
        let shape: PanicHandler = Box::new(move |panic| shape(panic).into_response());
        self.register("the answer to panics", |registration| {
            registration.on_panic = Some(shape);
        })
    }

    /// Binds the address and begins to serve, on the current tokio runtime.
    ///
    /// Afterwards the registration is closed: what is registered later is not served, and a warning is logged.
    ///
    /// # Errors
    ///
    /// The address can't be bound, something that was registered is wrong, or the server ran before. After an error
    /// the server can be changed and run again.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub async fn run(&self) -> Result<ServerHandle, Error> {
        let (host, port, engine) = {
            let registration = self.lock();
            registration.check()?;
            registration.config.parts()
        };
        let listener = hyperlane_server::bind(&host, port, &engine).await?;
        let app = self.build()?;
        Ok(hyperlane_server::serve(listener, Arc::new(app), engine))
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
    pub fn build(&self) -> Result<App, Error> {
        let mut registration = self.lock();
        registration.check()?;
        registration.frozen = true;
        let routes = std::mem::take(&mut registration.routes);
        let states = std::mem::take(&mut registration.states);
        Ok(App::new(routes, states, registration.on_panic.take()))
    }

    fn add<H, Args>(&self, method: Option<Method>, pattern: &str, handler: H) -> &Self
    where
        H: Handler<Args>,
        Args: 'static,
    {
        self.register(pattern, |registration| {
            registration.routes.add(method, pattern, handler);
        })
    }

    fn register(&self, what: &str, change: impl FnOnce(&mut Registration)) -> &Self {
        let mut registration = self.lock();
        if registration.frozen {
            drop(registration);
            tracing::warn!(what, "registered after the server was run: it has no effect");
        } else {
            change(&mut registration);
        }
        self
    }

    /// No code that may panic halfway runs under the lock, so a poisoned one holds a sound registration.
    fn lock(&self) -> MutexGuard<'_, Registration> {
        self.registration.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registration {
    fn check(&self) -> Result<(), Error> {
        if self.frozen {
            let message = "server was run or built before: make a new one to serve again";
            return Err(Error::new(vec![Problem::new(Kind::AlreadyRun, message)]));
        }
        let mut problems = self.config.problems();
        problems.extend(self.routes.problems(&self.states));
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Error::new(problems))
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registration = self.lock();
        f.debug_struct("Server")
            .field("config", &registration.config)
            .field("routes", &registration.routes)
            .field("states", &registration.states)
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
