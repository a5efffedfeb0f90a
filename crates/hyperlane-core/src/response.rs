//! A response: status, headers, body, and what becomes of the connection.

use std::cell::OnceCell;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::CONTENT_TYPE;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::into_response::TEXT;
use crate::{Body, InvalidHeader, Upgrade, Upgraded};

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
    /// Whether what was set elsewhere counts.
    deferred: bool,
    /// The content type that comes with the kind of body. It moves into `headers` when these are first looked at: a
    /// response whose headers nobody touches needs no map.
    content_type: Option<&'static HeaderValue>,
    // Boxed, as are the rare parts: a response is moved several times on its way.
    headers: OnceCell<Box<HeaderMap>>,
    body: Body,
    rare: Option<Box<Rare>>,
}

/// What few responses have.
#[derive(Debug, Default)]
struct Rare {
    extensions: Extensions,
    upgrade: Option<Upgrade>,
    defect: Option<InvalidHeader>,
}

impl Response {
    /// A `200 OK` with this body and no content type.
    pub fn new(body: impl Into<Body>) -> Self {
        Self {
            status: StatusCode::OK,
            deferred: false,
            content_type: None,
            headers: OnceCell::new(),
            body: body.into(),
            rare: None,
        }
    }

    /// A `200 OK` with this body and its content type, which is a static value so that it costs nothing.
    ///
    /// ```
    /// use http::HeaderValue;
    /// use hyperlane_core::Response;
    ///
    /// static CSV: HeaderValue = HeaderValue::from_static("text/csv");
    ///
    /// assert_eq!(Response::typed(&CSV, "a,b").headers()["content-type"], "text/csv");
    /// ```
    pub fn typed(content_type: &'static HeaderValue, body: impl Into<Body>) -> Self {
        Self {
            content_type: Some(content_type),
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
        response.rare_mut().upgrade = Some(Upgrade::new(f));
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
            let mut map = Box::<HeaderMap>::default();
            if let Some(content_type) = self.content_type {
                map.insert(CONTENT_TYPE, content_type.clone());
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
    pub fn encoder_headers(&self) -> (Option<&HeaderMap>, Option<&'static HeaderValue>) {
        match self.headers.get() {
            Some(map) => (Some(map), None),
            None => (None, self.content_type),
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
    ///
    /// `None` where there are none.
    pub fn extensions(&self) -> Option<&Extensions> {
        self.rare.as_ref().map(|rare| &rare.extensions)
    }

    /// Values attached to this response, to be changed.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.rare_mut().extensions
    }

    /// Takes what shall become of the connection after a `101`. For the engine.
    pub fn take_upgrade(&mut self) -> Option<Upgrade> {
        self.rare.as_mut()?.upgrade.take()
    }

    /// Marks this response as one that must not be sent: a `500` goes out instead, and the reason is logged.
    pub fn reject(&mut self, reason: InvalidHeader) {
        self.rare_mut().defect.get_or_insert(reason);
    }

    /// Why this response must not be sent, if so.
    pub fn defect(&self) -> Option<&InvalidHeader> {
        self.rare.as_ref()?.defect.as_ref()
    }

    /// Whether it is [`deferred`](Self::deferred).
    pub fn is_deferred(&self) -> bool {
        self.deferred
    }

    /// This response as one that stands for itself, even if it was [`deferred`](Self::deferred) before.
    #[must_use]
    pub fn settled(mut self) -> Self {
        self.deferred = false;
        self
    }

    /// Takes over body and content type of another response, and its status where that is an error: what a body's
    /// setter does with whatever it was given.
    pub fn replace_body(&mut self, other: Self) {
        if other.status.is_client_error() || other.status.is_server_error() {
            self.status = other.status;
        }
        if let Some(rare) = other.rare {
            if let Some(defect) = rare.defect {
                self.reject(defect);
            }
            if !rare.extensions.is_empty() {
                self.extensions_mut().extend(rare.extensions);
            }
        }
        match (other.headers.into_inner(), self.headers.get_mut()) {
            (None, None) => self.content_type = other.content_type.or(self.content_type),
            (None, Some(map)) => {
                if let Some(content_type) = other.content_type
                    && !map.contains_key(CONTENT_TYPE)
                {
                    map.insert(CONTENT_TYPE, content_type.clone());
                }
            }
            (Some(mut theirs), _) => {
                if let Some(value) = theirs.remove(CONTENT_TYPE)
                    && !self.headers.get().is_some_and(|ours| ours.contains_key(CONTENT_TYPE))
                {
                    self.headers_mut().insert(CONTENT_TYPE, value);
                }
            }
        }
        self.body = other.body;
    }

    /// The response as the `http` crate's type, for tower services. An [`upgrade`](Self::upgrade), and the mark that it
    /// must not be sent ([`reject`](Self::reject)), travel among its extensions, and are there again when it is made a
    /// [`Response`].
    pub fn into_http(mut self) -> http::Response<Body> {
        let headers = std::mem::take(self.headers_mut());
        let mut response = http::Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        if let Some(rare) = self.rare {
            *response.extensions_mut() = rare.extensions;
            if let Some(defect) = rare.defect {
                response.extensions_mut().insert(CarriedDefect(defect.to_string()));
            }
            if let Some(upgrade) = rare.upgrade {
                response
                    .extensions_mut()
                    .insert(CarriedUpgrade(Arc::new(Mutex::new(Some(upgrade)))));
            }
        }
        response
    }

    fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

/// An upgrade among the extensions of the `http` crate's type, which must be [`Clone`]: the first to take it has it.
#[derive(Clone, Debug)]
struct CarriedUpgrade(Arc<Mutex<Option<Upgrade>>>);

/// A defect among the extensions of the `http` crate's type.
#[derive(Clone, Debug)]
struct CarriedDefect(String);

impl Default for Response {
    fn default() -> Self {
        Self::new(Body::empty())
    }
}

impl<B: Into<Body>> From<http::Response<B>> for Response {
    fn from(response: http::Response<B>) -> Self {
        let (mut parts, body) = response.into_parts();
        let carried = parts.extensions.remove::<CarriedUpgrade>();
        let defect = parts.extensions.remove::<CarriedDefect>();
        let mut ours = Self::new(body.into()).with_status(parts.status);
        ours.headers = OnceCell::from(Box::new(parts.headers));
        if !parts.extensions.is_empty() {
            ours.rare_mut().extensions = parts.extensions;
        }
        if let Some(CarriedDefect(why)) = defect {
            ours.reject(InvalidHeader::other(why));
        }
        if let Some(CarriedUpgrade(slot)) = carried {
            ours.rare_mut().upgrade = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
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
        Self::typed(&TEXT, reason).with_status(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_small_enough_to_be_moved_around() {
        assert!(size_of::<Response>() <= 96, "{} bytes", size_of::<Response>());
    }

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
    fn an_upgrade_and_a_defect_come_through_the_http_crates_type() {
        let spoiled = Response::new("").with_header("x", "a\nb");
        assert!(Response::from(spoiled.into_http()).defect().is_some());
        let response = Response::upgrade(HeaderValue::from_static("echo"), |_| async {});
        let mut back = Response::from(response.into_http());
        assert!(back.take_upgrade().is_some() && back.take_upgrade().is_none());
    }

    #[test]
    fn the_content_type_of_a_body_is_a_header_like_any_other() {
        static JSON: HeaderValue = HeaderValue::from_static("application/json");
        let mut response = Response::typed(&TEXT, "x");
        assert_eq!(response.headers()[CONTENT_TYPE], TEXT);
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
        response.replace_body(Response::typed(&JSON, "{}"));
        assert_eq!(
            response.headers()[CONTENT_TYPE],
            "text/html",
            "what was set by hand stays"
        );
    }
}
