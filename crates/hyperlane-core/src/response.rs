//! A response: status, headers, body, and what becomes of the connection.

mod foreign;
mod headers;

use std::cell::OnceCell;

use http::header::CONTENT_TYPE;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::into_response::TEXT;
use crate::{Body, InvalidHeader, Upgrade, Upgraded};

use headers::Headers;

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
    // Behind a pointer, as are the rare parts: a response is moved several times on its way.
    headers: OnceCell<Headers>,
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
        response.insert_header(http::header::UPGRADE, protocol);
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

    /// The headers. The map is built on the first call, so that a response whose headers are only set
    /// ([`insert_header`](Self::insert_header) and the like) costs none.
    pub fn headers(&self) -> &HeaderMap {
        self.headers.get_or_init(|| own_headers(self.content_type)).map()
    }

    /// The headers, to be changed.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        self.listed_headers().map_mut()
    }

    /// The headers for the encoder: the map, or else the content type alone. Where no map was built yet,
    /// [`header_list`](Self::header_list) gives the headers for less.
    pub fn encoder_headers(&self) -> (Option<&HeaderMap>, Option<&'static HeaderValue>) {
        match self.headers.get() {
            Some(headers) => (Some(headers.map()), None),
            None => (None, self.content_type),
        }
    }

    /// The headers in the order in which they are sent, while nobody has asked for a map of them. For encoders.
    ///
    /// `None` if there is a map, or nothing but a content type: see [`encoder_headers`](Self::encoder_headers).
    pub fn header_list(&self) -> Option<&[(HeaderName, HeaderValue)]> {
        self.headers.get()?.list()
    }

    /// Takes out what [`header_list`](Self::header_list) gives, to be put somewhere else.
    pub fn drain_header_list(&mut self) -> Option<impl Iterator<Item = (HeaderName, HeaderValue)> + '_> {
        self.headers.get_mut()?.drain()
    }

    /// Whether there are any headers.
    pub fn has_headers(&self) -> bool {
        match self.headers.get() {
            Some(headers) => !headers.is_empty(),
            None => self.content_type.is_some(),
        }
    }

    /// Whether there is a header of this name.
    pub fn has_header(&self, name: &HeaderName) -> bool {
        match self.headers.get() {
            Some(headers) => headers.contains(name),
            None => self.content_type.is_some() && *name == CONTENT_TYPE,
        }
    }

    /// Sets a header; earlier values of it are replaced. It costs less than the same on
    /// [`headers_mut`](Self::headers_mut).
    pub fn insert_header(&mut self, name: HeaderName, value: HeaderValue) {
        self.listed_headers().insert(name, value);
    }

    /// Adds a header beside those of its name. It costs less than the same on [`headers_mut`](Self::headers_mut).
    pub fn append_header(&mut self, name: HeaderName, value: HeaderValue) {
        self.listed_headers().append(name, value);
    }

    /// Removes all headers of this name, whatever its case.
    pub fn remove_header(&mut self, name: &str) {
        match self.headers.get_mut() {
            Some(headers) => headers.remove(name),
            None if name.eq_ignore_ascii_case(CONTENT_TYPE.as_str()) => self.content_type = None,
            None => {}
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
        self.insert_header(name, value);
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
    pub fn replace_body(&mut self, mut other: Self) {
        self.exchange_body(&mut other);
    }

    /// The same as [`replace_body`](Self::replace_body), which leaves the body that was here in `other`.
    #[inline]
    pub fn exchange_body(&mut self, other: &mut Self) {
        if other.status.is_client_error() || other.status.is_server_error() {
            self.status = other.status;
        }
        if other.rare.is_some() {
            self.take_rare(other);
        }
        match (other.headers.get_mut(), self.headers.get_mut()) {
            (None, None) => self.content_type = other.content_type.or(self.content_type),
            (None, Some(ours)) => {
                if let Some(content_type) = other.content_type
                    && !ours.contains(&CONTENT_TYPE)
                {
                    ours.insert(CONTENT_TYPE, content_type.clone());
                }
            }
            (Some(theirs), _) => {
                if let Some(value) = theirs.map_mut().remove(CONTENT_TYPE)
                    && !self.headers.get().is_some_and(|ours| ours.contains(&CONTENT_TYPE))
                {
                    self.insert_header(CONTENT_TYPE, value);
                }
            }
        }
        std::mem::swap(&mut self.body, &mut other.body);
    }

    #[cold]
    fn take_rare(&mut self, other: &mut Self) {
        if let Some(rare) = other.rare.take() {
            if let Some(defect) = rare.defect {
                self.reject(defect);
            }
            if !rare.extensions.is_empty() {
                self.extensions_mut().extend(rare.extensions);
            }
        }
    }

    /// Whether nothing was set: it is as [`deferred`](Self::deferred) makes it.
    pub fn is_blank(&self) -> bool {
        self.deferred
            && self.status == StatusCode::OK
            && self.content_type.is_none()
            && self.headers.get().is_none()
            && self.rare.is_none()
            && self.body.is_empty()
    }

    /// The headers, which the content type is among from now on.
    fn listed_headers(&mut self) -> &mut Headers {
        if self.headers.get().is_none() {
            let _ = self.headers.set(own_headers(self.content_type));
        }
        self.headers.get_mut().expect("was set in the lines before")
    }

    fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

/// The headers of a response of which only the content type is known.
fn own_headers(content_type: Option<&'static HeaderValue>) -> Headers {
    let mut headers = Headers::new();
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, content_type.clone());
    }
    headers
}

impl Default for Response {
    fn default() -> Self {
        Self::new(Body::empty())
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
    /// What is set header by header is what a map would hold, with the content type of the body in front.
    #[test]
    fn headers_are_listed_until_a_map_is_asked_for() {
        let vary = http::header::VARY;
        let mut response = Response::typed(&TEXT, "x");
        assert!(response.has_header(&CONTENT_TYPE) && response.header_list().is_none());
        response.append_header(vary.clone(), HeaderValue::from_static("accept"));
        response.append_header(vary.clone(), HeaderValue::from_static("cookie"));
        let list = response.header_list().expect("no map yet");
        let names: Vec<_> = list.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["content-type", "vary", "vary"]);
        assert_eq!(response.headers().get_all(&vary).iter().count(), 2);
        assert!(response.header_list().is_none() && response.encoder_headers().0.is_some());
        response.insert_header(vary.clone(), HeaderValue::from_static("*"));
        response.remove_header("Content-Type");
        assert_eq!(response.headers().len(), 1);
        assert_eq!(response.headers()[vary], "*");
    }

    #[test]
    fn the_content_type_of_a_body_can_be_removed() {
        let mut response = Response::typed(&TEXT, "x");
        response.remove_header("x-other");
        assert!(response.has_headers());
        response.remove_header("Content-TYPE");
        assert!(!response.has_headers() && response.headers().is_empty());
    }

    #[test]
    fn only_a_response_on_which_nothing_was_set_is_blank() {
        assert!(Response::deferred().is_blank());
        assert!(!Response::new("").is_blank(), "an empty answer is one");
        assert!(!Response::deferred().with_status(StatusCode::ACCEPTED).is_blank());
        assert!(!Response::deferred().with_header("x-a", "1").is_blank());
        assert!(!Response::deferred().with_header("x-a", "\n").is_blank());
        assert!(!Response::deferred().with_body("x").is_blank());
    }
}
