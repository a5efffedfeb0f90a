//! Registration: what a server shall answer, collected until it runs.
//!
//! The first step of the walk: [`Server`] collects routes, states and settings, then [`Server::run`] checks them,
//! freezes them to an [`App`] and starts the engine with it.

use std::fmt;
use std::future::{IntoFuture, Ready, ready};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyperlane_core::{HandlerPanic, IntoResponse};
use hyperlane_server::ServerHandle;

use crate::app::{App, PanicHandler};
use crate::config::ServerConfig;
use crate::error::{Error, Kind, Problem};
use crate::routing::{Registration, RouteTable, RoutingTable, TrailingSlash, registration_methods};

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
            let settings = self.lock();
            settings.freeze()?;
            settings.config.parts()
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
        let mut settings = self.lock();
        let table = settings.freeze()?;
        settings.frozen = true;
        Ok(App::new(table, settings.on_panic.take()))
    }

    /// All routes with their middleware, to be printed.
    ///
    /// # Errors
    ///
    /// Something that was registered is wrong, as [`run`](Self::run) would say.
    pub fn routes(&self) -> Result<RouteTable, Error> {
        let settings = self.lock();
        let frozen = settings.registration.freeze(None);
        Ok(frozen.map_err(Error::new)?.list())
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
    fn freeze(&self) -> Result<RoutingTable, Error> {
        if self.frozen {
            let message = "server was run or built before: make a new one to serve again";
            return Err(Error::new(vec![Problem::new(Kind::AlreadyRun, message)]));
        }
        let mut problems = self.config.problems();
        match self.registration.freeze(self.on_panic.as_ref()) {
            Ok(table) if problems.is_empty() => Ok(table),
            Ok(_) => Err(Error::new(problems)),
            Err(more) => {
                problems.extend(more);
                Err(Error::new(problems))
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
