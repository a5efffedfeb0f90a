//! The client: an application without a listener, and what is sent with every request.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cookie::Cookie;
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use hyperlane_core::{ConnectionInfo, InvalidHeader, Upgraded};
use hyperlane_server::Config;

use super::connection::Pool;
use super::cookies::Jar;
use super::{TestConnection, TestRequest};
use crate::app::App;
use crate::error::RunError;
use crate::server::Server;

/// The bytes that are under way in either direction: about what a socket holds.
const TRANSPORT_BUFFER: usize = 64 * 1024;

/// A client of an application, in memory.
///
/// It keeps cookies between requests, and connections alive while the server does. Requests that run at once have a
/// connection each.
///
/// ```
/// use hyperlane::testing::TestClient;
/// use hyperlane::*;
///
/// async fn login(ctx: Context) {
///     ctx.set_response_cookie(("user", "ada"));
/// }
///
/// async fn whoami(ctx: Context) -> String {
///     ctx.cookie("user").unwrap_or_else(|| "nobody".to_owned())
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let server = Server::new();
/// server.post("/login", login).get("/whoami", whoami);
///
/// let client = TestClient::new(server);
/// assert_eq!(client.get("/whoami").await.text().await, "nobody");
/// client.post("/login").await.assert_status(200);
/// assert_eq!(client.get("/whoami").await.text().await, "ada");
/// assert_eq!(client.another().get("/whoami").await.text().await, "nobody");
/// # }
/// ```
pub struct TestClient {
    session: Session,
}

/// What a client's requests have in common.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) app: TestApp,
    pub(super) info: ConnectionInfo,
    pub(super) transport_buffer: usize,
    pub(super) headers: HeaderMap,
    pub(super) redirects: usize,
    pub(super) pool: Arc<Pool>,
    jar: Arc<Mutex<Jar>>,
}

impl TestClient {
    /// A client of a [`Server`], with the limits and time-outs of its [`ServerConfig`](crate::ServerConfig), or of an
    /// [`App`] with the default ones. What belongs to the listener (address, backlog, number of connections) has no
    /// effect.
    ///
    /// # Panics
    ///
    /// The server can't run: what was registered does not fit together.
    #[track_caller]
    pub fn new<A>(app: A) -> Self
    where
        A: TryInto<TestApp>,
        A::Error: fmt::Display,
    {
        match Self::try_new(app) {
            Ok(client) => client,
            Err(error) => panic!("the application can't run: {error}"),
        }
    }

    /// A client, as [`new`](Self::new) makes one.
    ///
    /// # Errors
    ///
    /// What [`Server::run`] would say of what was registered.
    pub fn try_new<A: TryInto<TestApp>>(app: A) -> Result<Self, A::Error> {
        let loopback = |port| Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
        Ok(Self {
            session: Session {
                app: app.try_into()?,
                info: ConnectionInfo::new(loopback(50_000), loopback(80)),
                transport_buffer: TRANSPORT_BUFFER,
                headers: HeaderMap::from_iter([(HOST, HeaderValue::from_static("localhost"))]),
                redirects: 0,
                pool: Arc::default(),
                jar: Arc::default(),
            },
        })
    }

    /// The address from which the requests seem to come. Default: `127.0.0.1:50000`.
    #[must_use]
    pub fn peer_addr(mut self, addr: SocketAddr) -> Self {
        self.session.info.peer_addr = Some(addr);
        self.session.pool = Arc::default();
        self
    }

    /// The host that requests are for, with its port if that is not 80. Default: `localhost`.
    ///
    /// # Panics
    ///
    /// It can't be the value of a header.
    #[must_use]
    #[track_caller]
    pub fn host(self, host: &str) -> Self {
        self.header(HOST, host)
    }

    /// A header for all requests; an earlier value of it is replaced. Requests with a value of their own send theirs.
    ///
    /// # Panics
    ///
    /// Name or value must not go on the wire.
    #[must_use]
    #[track_caller]
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
        N::Error: Into<http::Error>,
        V::Error: Into<http::Error>,
    {
        let (name, value) = valid_header(name, value);
        self.session.headers.insert(name, value);
        self
    }

    /// How many redirects are followed for one request. Default: 0, so that tests see them.
    #[must_use]
    pub fn follow_redirects(mut self, most: usize) -> Self {
        self.session.redirects = most;
        self
    }

    /// How many bytes may be under way in each direction. Default: 65,536. With few of them a handler feels early that
    /// the client does not read.
    ///
    /// # Panics
    ///
    /// It is 0.
    #[must_use]
    #[track_caller]
    pub fn transport_buffer(mut self, bytes: usize) -> Self {
        assert!(bytes > 0, "a transport without a buffer can't carry anything");
        self.session.transport_buffer = bytes;
        self.session.pool = Arc::default();
        self
    }

    /// Another client of the same application, with the same settings, and with cookies and connections of its own.
    #[must_use]
    pub fn another(&self) -> Self {
        let mut session = self.session.clone();
        session.pool = Arc::default();
        session.jar = Arc::default();
        Self { session }
    }

    /// A `GET` request. The target is a path with an optional query, and is sent as it stands.
    ///
    /// # Panics
    ///
    /// The target is no URI; [`connect`](Self::connect) sends whatever you like.
    #[track_caller]
    pub fn get(&self, target: &str) -> TestRequest {
        self.request(Method::GET, target)
    }

    /// A `HEAD` request, as [`get`](Self::get).
    #[track_caller]
    pub fn head(&self, target: &str) -> TestRequest {
        self.request(Method::HEAD, target)
    }

    /// A `POST` request, as [`get`](Self::get).
    #[track_caller]
    pub fn post(&self, target: &str) -> TestRequest {
        self.request(Method::POST, target)
    }

    /// A `PUT` request, as [`get`](Self::get).
    #[track_caller]
    pub fn put(&self, target: &str) -> TestRequest {
        self.request(Method::PUT, target)
    }

    /// A `PATCH` request, as [`get`](Self::get).
    #[track_caller]
    pub fn patch(&self, target: &str) -> TestRequest {
        self.request(Method::PATCH, target)
    }

    /// A `DELETE` request, as [`get`](Self::get).
    #[track_caller]
    pub fn delete(&self, target: &str) -> TestRequest {
        self.request(Method::DELETE, target)
    }

    /// An `OPTIONS` request, as [`get`](Self::get).
    #[track_caller]
    pub fn options(&self, target: &str) -> TestRequest {
        self.request(Method::OPTIONS, target)
    }

    /// A request of any method, as [`get`](Self::get).
    #[track_caller]
    pub fn request(&self, method: Method, target: &str) -> TestRequest {
        TestRequest::new(self.session.clone(), method, target, Location::caller())
    }

    /// Leaves HTTP for `protocol`: [`TestRequest::upgrade`] of a `GET` request.
    ///
    /// # Panics
    ///
    /// The server does not switch protocols.
    #[track_caller]
    pub fn upgrade(&self, target: &str, protocol: &str) -> impl Future<Output = Upgraded> + Send + use<> {
        self.get(target).upgrade(protocol)
    }

    /// A bare connection to the server, for bytes that no client would send. It has nothing of this client but its
    /// address.
    ///
    /// ```
    /// # use hyperlane::*;
    /// # use hyperlane::testing::TestClient;
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
    /// let mut connection = TestClient::new(Server::new()).connect();
    /// connection.write_all(b"GET / HTTP/9.9\r\n\r\n").await?;
    /// let mut answer = String::new();
    /// connection.read_to_string(&mut answer).await?;
    /// assert!(answer.starts_with("HTTP/1.1 505 "));
    /// # Ok(()) }
    /// ```
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn connect(&self) -> TestConnection {
        TestConnection::open(&self.session)
    }

    /// The value of a cookie that this client keeps, for whatever host and path.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.session.jar().get(name)
    }

    /// Keeps a cookie as if the server had set it, for this client's host.
    pub fn set_cookie(&self, cookie: impl Into<Cookie<'static>>) -> &Self {
        let host = self.session.headers.get(HOST).and_then(|host| host.to_str().ok());
        self.session.jar().insert(host.unwrap_or_default(), "/", &cookie.into());
        self
    }

    /// Forgets all cookies.
    pub fn clear_cookies(&self) -> &Self {
        *self.session.jar() = Jar::default();
        self
    }
}

impl Session {
    /// No code that may panic halfway runs under the lock, so a poisoned one holds a sound jar.
    pub(super) fn jar(&self) -> MutexGuard<'_, Jar> {
        self.jar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks a header of a test.
#[track_caller]
pub(super) fn valid_header<N, V>(name: N, value: V) -> (HeaderName, HeaderValue)
where
    N: TryInto<HeaderName>,
    V: TryInto<HeaderValue>,
    N::Error: Into<http::Error>,
    V::Error: Into<http::Error>,
{
    let name = match name.try_into() {
        Ok(name) => name,
        Err(error) => panic!("request header name is not a token: {}", error.into()),
    };
    match InvalidHeader::check(name.clone(), value) {
        Ok(header) => header,
        Err(_) => panic!("value of request header `{name}` holds a byte that must not go on the wire"),
    }
}

/// An application that a [`TestClient`] can be made for: a [`Server`], or an [`App`].
#[derive(Clone, Debug)]
pub struct TestApp {
    pub(super) app: Arc<App>,
    pub(super) config: Config,
}

impl From<Arc<App>> for TestApp {
    fn from(app: Arc<App>) -> Self {
        Self {
            app,
            config: Config::default(),
        }
    }
}

impl From<App> for TestApp {
    fn from(app: App) -> Self {
        Self::from(Arc::new(app))
    }
}

impl TryFrom<&Server> for TestApp {
    type Error = RunError;

    /// Freezes the server, which can't run afterwards.
    fn try_from(server: &Server) -> Result<Self, RunError> {
        let (config, blocking_limit) = (server.engine_config(), server.blocking_limit());
        let mut app = server.build()?;
        if let Some(limit) = blocking_limit {
            app.watch(limit);
        }
        Ok(Self {
            app: Arc::new(app),
            config,
        })
    }
}

impl TryFrom<Server> for TestApp {
    type Error = RunError;

    fn try_from(server: Server) -> Result<Self, RunError> {
        Self::try_from(&server)
    }
}

impl fmt::Debug for TestClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestClient")
            .field("peer_addr", &self.session.info.peer_addr)
            .field("headers", &self.session.headers)
            .field("cookies", &*self.session.jar())
            .finish_non_exhaustive()
    }
}
