//! Cookies that the client can't forge, or not even read.

use std::fmt;

use cookie::{Cookie, CookieJar, Key};

use super::{find, remove};
use crate::context::Context;
use crate::extract::{FromContext, Rejection, Requirements, State};

/// Cookies that the client can read but not change or make up: the server's [key](crate::CookieKey) signs name and
/// value (HMAC-SHA256).
///
/// The key is a state of the server; a route that takes these without one is an error of
/// [`Server::run`](crate::Server::run). It is kept secret and the same over restarts: at least 64 random bytes. A signed
/// cookie has no age of its own: put a date into its value if an old one must not be used again.
///
/// ```
/// use hyperlane::*;
///
/// async fn visit(cookies: SignedCookies) -> String {
///     let visits = cookies.get("visits").and_then(|cookie| cookie.value().parse().ok()).unwrap_or(0) + 1;
///     cookies.set(Cookie::build(("visits", visits.to_string())).http_only(true));
///     format!("visit {visits}")
/// }
///
/// let server = Server::new();
/// server.state(CookieKey::generate()).get("/", visit);
/// assert!(server.build().is_ok());
/// ```
#[derive(Clone)]
pub struct SignedCookies(Sealed);

/// Cookies that the client can neither read nor change nor use under another name: the server's
/// [key](crate::CookieKey) encrypts them (AES-256-GCM).
///
/// The key is a state of the server, as for [`SignedCookies`]. The length of a value can still be seen.
///
/// ```
/// use hyperlane::*;
///
/// async fn login(cookies: PrivateCookies) {
///     cookies.set(Cookie::build(("user", "7")).path("/").http_only(true).secure(true));
/// }
///
/// let server = Server::new();
/// server.state(CookieKey::generate()).post("/login", login);
/// assert!(server.build().is_ok());
/// ```
#[derive(Clone)]
pub struct PrivateCookies(Sealed);

#[derive(Clone)]
struct Sealed {
    ctx: Context,
    key: Key,
}

impl SignedCookies {
    /// The first cookie of this name, if it was signed with the server's key; its value is what was signed.
    pub fn get(&self, name: &str) -> Option<Cookie<'static>> {
        let cookie = find(&self.0.ctx, name)?;
        let mut cookie = CookieJar::new().signed(&self.0.key).verify(cookie)?;
        // The name is signed with the value, so that one cookie can't stand for another.
        let value = cookie.value().strip_prefix(name)?.strip_prefix('=')?.to_owned();
        cookie.set_value(value);
        Some(cookie)
    }

    /// Signs and sends a cookie. A bad one is treated as by [`Cookies::set`](crate::Cookies::set).
    #[track_caller]
    pub fn set(&self, cookie: impl Into<Cookie<'static>>) -> &Self {
        let mut cookie = cookie.into();
        let signed = format!("{}={}", cookie.name(), cookie.value());
        cookie.set_value(signed);
        let mut jar = CookieJar::new();
        jar.signed_mut(&self.0.key).add(cookie);
        self.0.send(&jar);
        self
    }

    /// Has the client forget a cookie, as [`Cookies::remove`](crate::Cookies::remove).
    #[track_caller]
    pub fn remove(&self, cookie: impl Into<Cookie<'static>>) -> &Self {
        remove(&self.0.ctx, cookie.into());
        self
    }
}

impl PrivateCookies {
    /// The first cookie of this name, decrypted, if it was encrypted with the server's key.
    pub fn get(&self, name: &str) -> Option<Cookie<'static>> {
        let cookie = find(&self.0.ctx, name)?;
        CookieJar::new().private(&self.0.key).decrypt(cookie)
    }

    /// Encrypts and sends a cookie. A bad one is treated as by [`Cookies::set`](crate::Cookies::set).
    #[track_caller]
    pub fn set(&self, cookie: impl Into<Cookie<'static>>) -> &Self {
        let mut jar = CookieJar::new();
        jar.private_mut(&self.0.key).add(cookie);
        self.0.send(&jar);
        self
    }

    /// Has the client forget a cookie, as [`Cookies::remove`](crate::Cookies::remove).
    #[track_caller]
    pub fn remove(&self, cookie: impl Into<Cookie<'static>>) -> &Self {
        remove(&self.0.ctx, cookie.into());
        self
    }
}

impl Sealed {
    async fn from_context(ctx: &Context) -> Result<Self, Rejection> {
        let State(key) = State::<Key>::from_context(ctx).await?;
        let ctx = ctx.clone();
        Ok(Self { ctx, key })
    }

    #[track_caller]
    fn send(&self, jar: &CookieJar) {
        for cookie in jar.delta() {
            self.ctx.set_response_cookie(cookie.clone());
        }
    }
}

macro_rules! extractors {
    ($($cookies:ident)*) => {$(
        impl FromContext for $cookies {
            type Rejection = Rejection;

            async fn from_context(ctx: &Context) -> Result<Self, Rejection> {
                Sealed::from_context(ctx).await.map(Self)
            }

            fn check(needs: &mut Requirements) {
                needs.state::<Key>();
            }
        }

        impl fmt::Debug for $cookies {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($cookies)).finish_non_exhaustive()
            }
        }
    )*};
}

extractors!(SignedCookies PrivateCookies);
