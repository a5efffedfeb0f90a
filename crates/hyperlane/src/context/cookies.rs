//! Cookies: those of the request and of the response (feature `cookies`).

use std::panic::Location;

use cookie::Cookie;
use http::HeaderValue;
use http::header::SET_COOKIE;
use hyperlane_core::InvalidHeader;

use super::Context;

impl Context {
    /// The value of the first cookie of this name, as it was sent: cookies have no encoding of their own.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies()
            .find(|cookie| cookie.name() == name)
            .map(|cookie| cookie.value().to_owned())
    }

    /// All cookies that can be read, in the order they were sent (RFC 6265 §5.4); what is malformed is left out.
    /// They are parsed anew on each call.
    pub fn cookies(&self) -> impl Iterator<Item = Cookie<'_>> {
        let lines = self.request_head().header_all("cookie");
        let pairs = lines.flat_map(|line| line.split(|byte| *byte == b';'));
        let pairs = pairs.filter_map(|pair| std::str::from_utf8(pair).ok());
        // Spaces and tabs alone stand around a name. Other white space is part of it: without it, it would be another
        // name, which might have a prefix (`__Host-`) that the browser did not check.
        let pairs = pairs.map(|pair| pair.trim_matches([' ', '\t']));
        let pairs = pairs.filter(|pair| !pair.starts_with(char::is_whitespace));
        pairs.filter_map(|pair| Cookie::parse(pair).ok())
    }

    /// Adds a cookie, as a `Set-Cookie` header of its own.
    ///
    /// A cookie whose name is no token, or whose value, path or domain holds `;` or a control byte, makes the
    /// response a 500, and an error is logged.
    ///
    /// ```
    /// # use hyperlane::*;
    /// async fn login(ctx: Context) {
    ///     ctx.set_response_cookie(Cookie::build(("session", "s3cret")).http_only(true).path("/"));
    /// }
    /// # Server::new().post("/login", login);
    /// ```
    #[track_caller]
    pub fn set_response_cookie(&self, cookie: impl Into<Cookie<'static>>) -> &Self {
        let outcome = set_cookie(&cookie.into()).and_then(|value| {
            self.edit(|reply| {
                reply.draft.response.append_header(SET_COOKIE, value);
            })
        });
        self.reject_if(outcome, Location::caller())
    }
}

/// The `Set-Cookie` line of a cookie. A part of it that would add attributes or lines is refused (RFC 6265 §4.1.1).
fn set_cookie(cookie: &Cookie<'_>) -> Result<HeaderValue, InvalidHeader> {
    let name = cookie.name();
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(InvalidHeader::other(format!(
            "cookie name {name:?} is not a token: use letters, digits, `-` and `_`"
        )));
    }
    let parts = [
        ("value", Some(cookie.value())),
        ("path", cookie.path()),
        ("domain", cookie.domain()),
    ];
    for (part, text) in parts {
        let text = text.unwrap_or_default();
        if text.bytes().any(|byte| byte == b';' || byte.is_ascii_control()) {
            let message = format!("{part} of cookie `{name}` holds `;` or a control byte: percent-encode it");
            return Err(InvalidHeader::other(message));
        }
    }
    HeaderValue::try_from(cookie.to_string())
        .map_err(|_| InvalidHeader::other(format!("cookie `{name}` holds a byte that must not go on the wire")))
}

/// RFC 9110 §5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
