//! A response: status, headers, body, and what becomes of the connection.

use std::cell::OnceCell;
use std::fmt;

use http::header::CONTENT_TYPE;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::{Body, Upgrade, Upgraded};

/// A response on its way to the client.
///
/// The framing headers (`Content-Length`, `Transfer-Encoding`, `Connection`) are the engine's: what a handler sets of
/// them is a hint at most and never reaches the wire twice.
///
/// ```
/// use hyperlane_core::Response;
/// use http::StatusCode;
///
/// let response = Response::new("gone fishing")
///     .with_status(StatusCode::SERVICE_UNAVAILABLE)
///     .with_header("retry-after", "3600");
/// assert_eq!(response.headers()["retry-after"], "3600");
/// ```
#[derive(Debug)]
pub struct Response {
    status: StatusCode,
    /// The content type that comes with the kind of body. It moves into `headers` when these are first looked at: a
    /// response whose headers nobody touches needs no map.
    content_type: Option<HeaderValue>,
    headers: OnceCell<HeaderMap>,
    body: Body,
    extensions: Extensions,
    upgrade: Option<Upgrade>,
    defect: Option<Box<InvalidHeader>>,
    deferred: bool,
}

impl Response {
    /// A `200 OK` with this body and no content type.
    pub fn new(body: impl Into<Body>) -> Self {
        Self {
            status: StatusCode::OK,
            content_type: None,
            headers: OnceCell::new(),
            body: body.into(),
            extensions: Extensions::new(),
            upgrade: None,
            defect: None,
            deferred: false,
        }
    }

    /// A `200 OK` with this body and its content type.
    pub fn typed(content_type: &'static str, body: impl Into<Body>) -> Self {
        Self {
            content_type: Some(HeaderValue::from_static(content_type)),
            ..Self::new(body)
        }
    }

    /// The answer of a handler that returned nothing: what was set elsewhere (on its `Context`) counts; where nothing
    /// was, it is an empty `200 OK`.
    pub fn deferred() -> Self {
        Self {
            deferred: true,
            ..Self::new(Body::empty())
        }
    }

    /// `101 Switching Protocols` to `protocol`; `f` gets the connection once the response is written.
    pub fn upgrade<F, Fut>(protocol: HeaderValue, f: F) -> Self
    where
        F: FnOnce(Upgraded) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let mut response = Self::new(Body::empty()).with_status(StatusCode::SWITCHING_PROTOCOLS);
        response.headers_mut().insert(http::header::UPGRADE, protocol);
        response.upgrade = Some(Upgrade::new(f));
        response
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The status, to be changed.
    pub fn status_mut(&mut self) -> &mut StatusCode {
        &mut self.status
    }

    /// This response with another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.headers.get_or_init(|| {
            let mut map = HeaderMap::new();
            if let Some(value) = &self.content_type {
                map.insert(CONTENT_TYPE, value.clone());
            }
            map
        })
    }

    /// The headers, to be changed.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        let _ = self.headers();
        self.headers.get_mut().expect("was built in the line before")
    }

    /// The headers for the encoder: the map, if one was built, or else the content type alone.
    pub fn encoder_headers(&self) -> (Option<&HeaderMap>, Option<&HeaderValue>) {
        match self.headers.get() {
            Some(map) => (Some(map), None),
            None => (None, self.content_type.as_ref()),
        }
    }

    /// This response with a header set; earlier values of it are replaced.
    ///
    /// A name or value that must not go on the wire (CR, LF, NUL …) turns the response into a `500` and is logged:
    /// see [`defect`](Self::defect). Use [`try_set_header`](Self::try_set_header) to handle it yourself.
    #[must_use]
    pub fn with_header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
        N::Error: Into<http::Error>,
        V::Error: Into<http::Error>,
    {
        if let Err(error) = self.try_set_header(name, value) {
            self.reject(error);
        }
        self
    }

    /// Sets a header; earlier values of it are replaced.
    ///
    /// # Errors
    ///
    /// The name is no token (RFC 9110 §5.1), or the value holds CR, LF, NUL or another control byte (§5.5).
    pub fn try_set_header<N, V>(&mut self, name: N, value: V) -> Result<(), InvalidHeader>
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
        N::Error: Into<http::Error>,
        V::Error: Into<http::Error>,
    {
        let (name, value) = InvalidHeader::check(name, value)?;
        self.headers_mut().insert(name, value);
        Ok(())
    }

    /// The body.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// The body, to be replaced or taken.
    pub fn body_mut(&mut self) -> &mut Body {
        &mut self.body
    }

    /// This response with another body. The content type stays.
    #[must_use]
    pub fn with_body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Values attached to this response, by type: a way from a handler to its middleware.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Values attached to this response, to be changed.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }

    /// Takes what shall become of the connection after a `101`. For the engine.
    pub fn take_upgrade(&mut self) -> Option<Upgrade> {
        self.upgrade.take()
    }

    /// Marks this response as one that must not be sent: a `500` goes out instead, and the reason is logged.
    pub fn reject(&mut self, reason: InvalidHeader) {
        self.defect.get_or_insert_with(|| Box::new(reason));
    }

    /// Why this response must not be sent, if so.
    pub fn defect(&self) -> Option<&InvalidHeader> {
        self.defect.as_deref()
    }

    /// Whether it is [`deferred`](Self::deferred).
    pub fn is_deferred(&self) -> bool {
        self.deferred
    }

    /// Takes over body and content type of another response, and its status where that is an error: what a body's
    /// setter does with whatever it was given.
    pub fn replace_body(&mut self, other: Self) {
        if other.status.is_client_error() || other.status.is_server_error() {
            self.status = other.status;
        }
        let content_type = match other.headers.get() {
            Some(map) => map.get(CONTENT_TYPE).cloned(),
            None => other.content_type,
        };
        match self.headers.get_mut() {
            None => self.content_type = content_type.or(self.content_type.take()),
            Some(map) => {
                if let Some(value) = content_type
                    && !map.contains_key(CONTENT_TYPE)
                {
                    map.insert(CONTENT_TYPE, value);
                }
            }
        }
        if let Some(defect) = other.defect {
            self.defect.get_or_insert(defect);
        }
        self.body = other.body;
    }

    /// The response as the `http` crate's type, for tower services. An upgrade is lost: see
    /// [`take_upgrade`](Self::take_upgrade).
    pub fn into_http(mut self) -> http::Response<Body> {
        let headers = std::mem::take(self.headers_mut());
        let mut response = http::Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        *response.extensions_mut() = self.extensions;
        response
    }
}

impl Default for Response {
    fn default() -> Self {
        Self::new(Body::empty())
    }
}

impl<B: Into<Body>> From<http::Response<B>> for Response {
    fn from(response: http::Response<B>) -> Self {
        let (parts, body) = response.into_parts();
        let mut ours = Self::new(body.into()).with_status(parts.status);
        ours.headers = OnceCell::from(parts.headers);
        ours.extensions = parts.extensions;
        ours
    }
}

impl From<StatusCode> for Response {
    /// The status with its reason phrase as a short text, or without a body where there can be none.
    fn from(status: StatusCode) -> Self {
        let reason = status.canonical_reason().unwrap_or_default();
        if status.is_success() || status.is_informational() || status == StatusCode::NOT_MODIFIED || reason.is_empty() {
            return Self::new(Body::empty()).with_status(status);
        }
        Self::typed("text/plain; charset=utf-8", reason).with_status(status)
    }
}

/// A header or status that must not go on the wire.
#[derive(Debug)]
pub struct InvalidHeader {
    what: String,
    source: Option<http::Error>,
}

impl InvalidHeader {
    /// Turns a name and a value into what may go on the wire.
    ///
    /// # Errors
    ///
    /// The name is no token (RFC 9110 §5.1), or the value holds CR, LF, NUL or another control byte (§5.5).
    pub fn check<N, V>(name: N, value: V) -> Result<(HeaderName, HeaderValue), Self>
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
        N::Error: Into<http::Error>,
        V::Error: Into<http::Error>,
    {
        let name = name.try_into().map_err(|error| Self {
            what: "response header name is not a token".to_owned(),
            source: Some(error.into()),
        })?;
        let value = value.try_into().map_err(|error| Self {
            what: format!("value of response header `{name}` holds a byte that must not go on the wire"),
            source: Some(error.into()),
        })?;
        Ok((name, value))
    }

    /// Another reason why a response can't be sent as it was set.
    pub fn other(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            source: None,
        }
    }
}

impl fmt::Display for InvalidHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{} ({source})", self.what),
            None => f.write_str(&self.what),
        }
    }
}

impl std::error::Error for InvalidHeader {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_ref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_could_split_the_response_makes_it_unsendable() {
        for value in ["a\r\nx: y", "a\nb", "a\0b", "a\rb"] {
            let response = Response::new("").with_header("x-name", value);
            assert!(
                response
                    .defect()
                    .is_some_and(|defect| defect.to_string().contains("x-name")),
                "{value:?}"
            );
            assert!(!response.headers().contains_key("x-name"));
        }
        assert!(Response::new("").with_header("bad name", "v").defect().is_some());
    }

    #[test]
    fn the_content_type_of_a_body_is_a_header_like_any_other() {
        let mut response = Response::typed("text/plain", "x");
        assert_eq!(response.headers()[CONTENT_TYPE], "text/plain");
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        response.replace_body(Response::typed("application/json", "{}"));
        assert_eq!(
            response.headers()[CONTENT_TYPE],
            "text/html",
            "what was set by hand stays"
        );
    }
}
