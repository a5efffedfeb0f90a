//! Cookies: plain, signed, and encrypted.

use std::convert::Infallible;
use std::fmt;

use cookie::Cookie;

use super::FromContext;
use crate::context::Context;

#[cfg(feature = "cookies-crypto")]
mod crypto;

#[cfg(feature = "cookies-crypto")]
pub use crypto::{PrivateCookies, SignedCookies};

/// The cookies of the request, and a place for those of the response (RFC 6265).
///
/// It is a handle to the context: what it sets is sent whatever the handler returns, as with
/// [`Context::set_response_cookie`], and what it reads is what the client sent, also after a new value was set. Who
/// holds a client can write what it likes into a plain cookie:
/// [`SignedCookies`](https://docs.rs/hyperlane/latest/hyperlane/struct.SignedCookies.html) can't be forged, and
/// [`PrivateCookies`](https://docs.rs/hyperlane/latest/hyperlane/struct.PrivateCookies.html) can't be read either.
///
/// ```
/// use hyperlane::*;
///
/// async fn theme(cookies: Cookies) -> String {
///     let theme = cookies.get("theme").map_or("light".to_owned(), |cookie| cookie.value().to_owned());
///     cookies.set(Cookie::build(("seen", "yes")).path("/").http_only(true).same_site(SameSite::Lax));
///     theme
/// }
/// # Server::new().get("/", theme);
/// ```
#[derive(Clone)]
pub struct Cookies {
    ctx: Context,
}

impl Cookies {
    /// The first cookie of this name that the client sent.
    pub fn get(&self, name: &str) -> Option<Cookie<'static>> {
        find(&self.ctx, name)
    }

    /// All cookies that the client sent and that can be read, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Cookie<'_>> {
        self.ctx.cookies()
    }

    /// Sends a cookie. One whose name is no token, or whose value, path or domain holds `;` or a control byte, makes the
    /// response a 500, and an error is logged.
    #[track_caller]
    pub fn set(&self, cookie: impl Into<Cookie<'static>>) -> &Self {
        self.ctx.set_response_cookie(cookie);
        self
    }

    /// Has the client forget a cookie. Path and domain must be those that it was set with; a name alone stands for one
    /// that was set without both.
    #[track_caller]
    pub fn remove(&self, cookie: impl Into<Cookie<'static>>) -> &Self {
        remove(&self.ctx, cookie.into());
        self
    }
}

impl FromContext for Cookies {
    type Rejection = Infallible;

    async fn from_context(ctx: &Context) -> Result<Self, Infallible> {
        Ok(Self { ctx: ctx.clone() })
    }
}

/// Names only: values may be secrets.
impl fmt::Debug for Cookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.iter().map(|cookie| cookie.name().to_owned());
        f.debug_list().entries(names).finish()
    }
}

fn find(ctx: &Context, name: &str) -> Option<Cookie<'static>> {
    let mut cookies = ctx.cookies();
    cookies.find(|cookie| cookie.name() == name).map(Cookie::into_owned)
}

#[track_caller]
fn remove(ctx: &Context, mut cookie: Cookie<'static>) {
    cookie.make_removal();
    ctx.set_response_cookie(cookie);
}
