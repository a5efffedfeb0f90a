//! Sessions: what a server remembers of a browser between its requests.
//!
//! [`Sessions`] is the middleware, [`Session`] what handlers see (`handle.rs`), and a [`SessionStore`] keeps the values
//! (`store.rs`): in memory (`memory.rs`), in SQLite (`sqlite.rs`) or in Redis (`redis.rs`). The cookie holds an
//! identifier alone (`id.rs`).

mod error;
mod handle;
mod id;
mod memory;
#[cfg(feature = "session-redis")]
mod redis;
#[cfg(feature = "session-sqlite")]
mod sqlite;
mod store;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use cookie::{Cookie, SameSite};
use http::header::{CACHE_CONTROL, SET_COOKIE};
use http::{HeaderValue, StatusCode};
use hyperlane_core::{IntoResponse, Response};

use super::vary::add_vary;
use super::{Middleware, Next};
use crate::context::Context;
use crate::extract::{FromContext, Rejection, Requirements};

pub use error::SessionError;
pub use handle::Session;
use handle::{Shared, Verdict};
use id::SessionId;
pub use id::SessionKey;
pub use memory::MemoryStore;
#[cfg(feature = "session-redis")]
pub use redis::RedisStore;
#[cfg(feature = "session-sqlite")]
pub use sqlite::SqliteStore;
use store::ErasedStore;
pub use store::{SessionRecord, SessionStore};

/// Gives each request a [`Session`].
///
/// The browser keeps a cookie with 256 random bits, which say nothing by themselves; the values stay in the
/// [`SessionStore`], under a hash of these bits, so that who reads the store can't use what is in it. The cookie is
/// `HttpOnly`, `Secure`, `SameSite=Lax` and bound to its host by the prefix `__Host-` (RFC 6265bis §4.1.3.2).
///
/// The store is asked when a handler first asks the session, and written when something was changed. A session begins
/// with its first value: who only looks gets no cookie. It ends when it was not used for the [`idle`](Self::idle) time,
/// and in any case after the [`absolute`](Self::absolute) time.
///
/// Everything is written before the head of the response goes out: what a stream changes later is an error. Two
/// requests of one session at the same time each write all of it, the later one wins; but none brings back a session
/// that another one has ended.
///
/// Call [`Session::renew`] when a user logs in or gains rights, so that an identifier that somebody planted before is
/// worth nothing (session fixation).
///
/// ```
/// use hyperlane::*;
/// use hyperlane::middleware::{MemoryStore, Session, SessionError, Sessions};
///
/// async fn log_in(session: Session) -> Result<&'static str, SessionError> {
///     session.renew().await?;
///     session.insert("user", "kim").await?;
///     Ok("welcome")
/// }
///
/// async fn who(session: Session) -> Result<String, SessionError> {
///     Ok(session.get("user").await?.unwrap_or_else(|| "nobody".to_owned()))
/// }
///
/// let server = Server::new();
/// server
///     .middleware(Sessions::new(MemoryStore::new()))
///     .post("/log-in", log_in)
///     .get("/who", who);
/// ```
#[derive(Clone)]
pub struct Sessions {
    store: Arc<dyn ErasedStore>,
    settings: Arc<Settings>,
}

#[derive(Clone)]
struct Settings {
    /// `None` for the default, which depends on `secure`.
    cookie_name: Option<Cow<'static, str>>,
    secure: bool,
    same_site: SameSite,
    idle: Duration,
    absolute: Duration,
    max_size: usize,
    clock: fn() -> SystemTime,
}

impl Sessions {
    /// Sessions in this store.
    pub fn new(store: impl SessionStore) -> Self {
        Self {
            store: Arc::new(store),
            settings: Arc::new(Settings {
                cookie_name: None,
                secure: true,
                same_site: SameSite::Lax,
                idle: Duration::from_secs(30 * 60),
                absolute: Duration::from_secs(24 * 60 * 60),
                max_size: 64 * 1024,
                clock: SystemTime::now,
            }),
        }
    }

    /// How long a session lives without being used. Default: 30 minutes.
    #[must_use]
    pub fn idle(self, time: Duration) -> Self {
        self.set(|settings| settings.idle = time)
    }

    /// How long a session lives at most. Default: 24 hours.
    #[must_use]
    pub fn absolute(self, time: Duration) -> Self {
        self.set(|settings| settings.absolute = time)
    }

    /// The name of the cookie. Default: `__Host-session`, or `session` where it is not [`secure`](Self::secure).
    #[must_use]
    pub fn cookie_name(self, name: impl Into<Cow<'static, str>>) -> Self {
        let name = name.into();
        self.set(|settings| settings.cookie_name = Some(name))
    }

    /// Whether browsers send the cookie over TLS alone. Default: yes. For development without TLS, say no.
    #[must_use]
    pub fn secure(self, secure: bool) -> Self {
        self.set(|settings| settings.secure = secure)
    }

    /// Which requests from other sites bring the cookie. Default: [`SameSite::Lax`], those by which a user comes over a
    /// link.
    #[must_use]
    pub fn same_site(self, same_site: SameSite) -> Self {
        self.set(|settings| settings.same_site = same_site)
    }

    /// The most bytes that the values of a session may take, as JSON. Default: 64 KiB.
    #[must_use]
    pub fn max_size(self, bytes: usize) -> Self {
        self.set(|settings| settings.max_size = bytes)
    }

    /// Where the time comes from: for tests of what expires. Default: [`SystemTime::now`].
    #[must_use]
    pub fn clock(self, clock: fn() -> SystemTime) -> Self {
        self.set(|settings| settings.clock = clock)
    }

    fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

impl Settings {
    fn cookie_name(&self) -> &str {
        match &self.cookie_name {
            Some(name) => name,
            None if self.secure => "__Host-session",
            None => "session",
        }
    }

    /// What no browser would keep, or no session would outlive.
    fn check(&self, needs: &mut Requirements) {
        let name = self.cookie_name();
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            needs.problem(format!(
                "cookie name {name:?} is not a token: use letters, digits, `-` and `_`"
            ));
        }
        let prefixed = ["__Host-", "__Secure-"].iter().any(|prefix| {
            let start = name.as_bytes().get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
        });
        if prefixed && !self.secure {
            needs.problem(format!(
                "browsers take a cookie `{name}` only if it is secure: choose another name"
            ));
        }
        if self.same_site == SameSite::None && !self.secure {
            needs.problem("browsers take a cookie for other sites only if it is secure: leave it so");
        }
        if self.idle.is_zero() || self.absolute.is_zero() {
            needs.problem("a session of no time is over before its second request: give it some");
        }
    }

    /// Seconds since 1970.
    fn now(&self) -> u64 {
        let since = (self.clock)().duration_since(SystemTime::UNIX_EPOCH);
        since.unwrap_or_default().as_secs()
    }

    fn cookie(&self, value: String, lifetime: Duration) -> Option<HeaderValue> {
        let lifetime = cookie::time::Duration::try_from(lifetime).unwrap_or(cookie::time::Duration::MAX);
        let cookie = Cookie::build((self.cookie_name().to_owned(), value))
            .path("/")
            .http_only(true)
            .secure(self.secure)
            .same_site(self.same_site)
            .max_age(lifetime);
        HeaderValue::try_from(cookie.build().to_string()).ok()
    }
}

impl Middleware for Sessions {
    async fn call(&self, ctx: Context, next: Next) -> Response {
        let id = ctx
            .cookies()
            .filter(|cookie| cookie.name() == self.settings.cookie_name())
            .find_map(|cookie| SessionId::parse(cookie.value()));
        let shared = Arc::new(Shared::new(Arc::clone(&self.store), Arc::clone(&self.settings), id));
        ctx.set_extension(Session::new(Arc::clone(&shared)));
        let mut response = next.run(ctx).await;
        let cookie = match shared.close().await {
            Ok(Verdict::Untouched) => return response,
            Ok(Verdict::Read) => None,
            Ok(Verdict::Keep(id, lifetime)) => self.settings.cookie(id.as_str().to_owned(), lifetime),
            Ok(Verdict::Forget) => self.settings.cookie(String::new(), Duration::ZERO),
            Err(error) => return error.into_response(),
        };
        let headers = response.headers_mut();
        // The answer is for this browser: a cache must not give it, or its cookie, to another one.
        add_vary(headers, "cookie");
        let kept_back = headers.get_all(CACHE_CONTROL).iter().any(|line| {
            let mut directives = line.as_bytes().split(|byte| *byte == b',');
            directives.any(|directive| {
                let directive = directive.trim_ascii();
                directive.eq_ignore_ascii_case(b"private") || directive.eq_ignore_ascii_case(b"no-store")
            })
        });
        // An identifier must not be stored for others, whatever the handler says of its page.
        if !kept_back && (cookie.is_some() || !headers.contains_key(CACHE_CONTROL)) {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
        }
        if let Some(cookie) = cookie {
            headers.append(SET_COOKIE, cookie);
        }
        response
    }

    fn check(&self, needs: &mut Requirements) {
        self.settings.check(needs);
    }
}

impl FromContext for Session {
    type Rejection = Rejection;

    async fn from_context(ctx: &Context) -> Result<Self, Rejection> {
        ctx.extension().ok_or(Rejection::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "route has no sessions: put the middleware `Sessions` around it",
        ))
    }

    async fn from_context_if_present(ctx: &Context) -> Result<Option<Self>, Rejection> {
        Ok(ctx.extension())
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.settings;
        f.debug_struct("Sessions")
            .field("cookie_name", &settings.cookie_name())
            .field("secure", &settings.secure)
            .field("same_site", &settings.same_site)
            .field("idle", &settings.idle)
            .field("absolute", &settings.absolute)
            .field("max_size", &settings.max_size)
            .finish_non_exhaustive()
    }
}
