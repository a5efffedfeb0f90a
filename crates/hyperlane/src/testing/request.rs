//! A request of a test: put together, sent, and led on by redirects.

use std::future::IntoFuture;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, EXPECT, HOST,
    SET_COOKIE, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use hyperlane_core::{Body, Upgraded};
use serde::Serialize;

use super::client::{Session, valid_header};
use super::expect::Continued;
use super::redirect::Redirect;
use super::{TestError, TestForm, TestResponse};

/// A request in the making; awaited, it is sent.
///
/// ```
/// use hyperlane::testing::TestClient;
/// use hyperlane::*;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let server = Server::new();
/// server.post("/sum", async |Json(numbers): Json<Vec<i64>>| Json(numbers.iter().sum::<i64>()));
///
/// let client = TestClient::new(server);
/// let response = client.post("/sum").header("x-trace", "7").json(&[1, 2, 3]).await;
/// assert_eq!(response.json::<i64>().await, 6);
/// # }
/// ```
#[must_use = "a request is sent when it is awaited"]
pub struct TestRequest {
    session: Session,
    method: Method,
    target: Uri,
    headers: HeaderMap,
    cookies: Vec<(String, String)>,
    body: Body,
    redirects: usize,
    at: &'static Location<'static>,
}

impl TestRequest {
    #[track_caller]
    pub(super) fn new(session: Session, method: Method, target: &str, at: &'static Location<'static>) -> Self {
        let redirects = session.redirects;
        Self {
            session,
            method,
            target: valid_target(target),
            headers: HeaderMap::new(),
            cookies: Vec::new(),
            body: Body::empty(),
            redirects,
            at,
        }
    }

    /// Adds a header, beside earlier ones of its name in this request, and instead of the client's own.
    ///
    /// # Panics
    ///
    /// Name or value must not go on the wire.
    #[track_caller]
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
        N::Error: Into<http::Error>,
        V::Error: Into<http::Error>,
    {
        let (name, value) = valid_header(name, value);
        self.headers.append(name, value);
        self
    }

    /// Adds parameters to the query: a struct, a map, or a list of pairs.
    ///
    /// # Panics
    ///
    /// The value is not made of names with values.
    #[track_caller]
    pub fn query<T: Serialize + ?Sized>(mut self, parameters: &T) -> Self {
        let more = urlencoded(parameters);
        if more.is_empty() {
            return self;
        }
        let before = self.target.to_string();
        let separator = if before.contains('?') { '&' } else { '?' };
        self.target = valid_target(&format!("{before}{separator}{more}"));
        self
    }

    /// Adds a cookie to this request alone, instead of one of its name that the client keeps.
    ///
    /// # Panics
    ///
    /// Name or value must not go on the wire.
    #[track_caller]
    pub fn cookie(mut self, name: &str, value: &str) -> Self {
        let _ = valid_header(COOKIE, format!("{name}={value}"));
        self.cookies.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body: text, bytes, or a [`Body`]. One of unknown length is sent in chunks.
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the body to a value as JSON, and the content type if there is none yet.
    ///
    /// # Panics
    ///
    /// The value can't be written as JSON.
    #[cfg(feature = "json")]
    #[track_caller]
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(text) => self.typed_body("application/json", text),
            Err(error) => panic!("value can't be written as json: {error}"),
        }
    }

    /// Sets the body to a form as `application/x-www-form-urlencoded`, and the content type if there is none yet.
    ///
    /// # Panics
    ///
    /// The value is not made of names with values.
    #[track_caller]
    pub fn form<T: Serialize + ?Sized>(self, fields: &T) -> Self {
        let text = urlencoded(fields);
        self.typed_body("application/x-www-form-urlencoded", text)
    }

    /// Sets the body to a form with files, and the content type if there is none yet.
    #[track_caller]
    pub fn multipart(self, form: &TestForm) -> Self {
        let (content_type, body) = form.encode();
        self.typed_body(&content_type, body)
    }

    /// Asks the server with `Expect: 100-continue` (RFC 9110 §10.1.1), and sends the body when it says so.
    /// [`TestResponse::continued`] tells whether it did.
    pub fn expect_continue(mut self) -> Self {
        self.headers.insert(EXPECT, HeaderValue::from_static("100-continue"));
        self
    }

    /// How many redirects are followed. Default: what the client says, which is 0 by default. A body that is a stream
    /// can't be sent twice, so that a redirect which keeps it is not followed.
    ///
    /// As from a browser, another host does not get the credentials of this request: `Authorization` and cookies.
    pub fn follow_redirects(mut self, most: usize) -> Self {
        self.redirects = most;
        self
    }

    /// Sends the request. Awaiting it does the same.
    ///
    /// # Panics
    ///
    /// No response comes: see [`try_send`](Self::try_send).
    pub async fn send(self) -> TestResponse {
        let (method, target, at) = (self.method.clone(), self.target.clone(), self.at);
        match self.try_send().await {
            Ok(response) => response,
            Err(error) => panic!("{method} {target}: {error}, for the request made at {at}"),
        }
    }

    /// Sends the request.
    ///
    /// # Errors
    ///
    /// The server closes the connection without a response, or sends what is none.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection, as a client does that leaves.
    pub async fn try_send(mut self) -> Result<TestResponse, TestError> {
        let mut redirects = self.redirects;
        loop {
            let (body, again) = match self.body.take_full() {
                Some(bytes) => (Body::from(bytes.clone()), Some(bytes)),
                None => (std::mem::take(&mut self.body), None),
            };
            let response = self.exchange(body).await?;
            match Redirect::read(response.status(), response.headers(), &self.method, &self.target) {
                Some(redirect) if redirects > 0 && (again.is_some() || !redirect.keeps_body) => {
                    redirects -= 1;
                    response.discard().await;
                    self.follow(redirect, again)?;
                }
                _ => return Ok(response),
            }
        }
    }

    /// Leaves HTTP for `protocol`, and returns the connection.
    ///
    /// It is what a WebSocket begins with, together with the headers of its handshake. To look at the response first,
    /// send the two headers yourself and call [`TestResponse::upgraded`].
    ///
    /// # Panics
    ///
    /// The server does not switch protocols: its status is not 101.
    #[track_caller]
    pub fn upgrade(mut self, protocol: &str) -> impl Future<Output = Upgraded> + Send + use<> {
        let (name, value) = valid_header(UPGRADE, protocol);
        self.headers.insert(name, value);
        self.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        async move { self.send().await.upgraded().await }
    }

    /// One request with its response, without redirects.
    async fn exchange(&mut self, body: Body) -> Result<TestResponse, TestError> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = self.all_headers();
        let host = host_of(request.headers()).to_owned();
        let continued = Continued::watch(&mut request);
        let (response, connection) = self.session.pool.send(&self.session, request).await?;
        {
            let mut jar = self.session.jar();
            for line in response.headers().get_all(SET_COOKIE) {
                if let Ok(line) = line.to_str() {
                    jar.store(&host, self.target.path(), line);
                }
            }
        }
        let request_line = format!("{} {}", self.method, self.target);
        let pool = Arc::clone(&self.session.pool);
        let response = TestResponse::new(request_line, response, continued.get(), connection, pool);
        if self.method != Method::HEAD {
            response.read_ahead().await;
        }
        Ok(response)
    }

    /// The request's own headers, the client's for which it has none, and cookies.
    fn all_headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        for (name, value) in &self.session.headers {
            if !headers.contains_key(name) {
                headers.insert(name.clone(), value.clone());
            }
        }
        let mut pairs = self.cookies.clone();
        let kept = self.session.jar().pairs(host_of(&headers), self.target.path());
        for (name, value) in kept {
            if !self.cookies.iter().any(|(own, _)| *own == name) {
                pairs.push((name, value));
            }
        }
        if !pairs.is_empty() && !headers.contains_key(COOKIE) {
            let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
            // What the test gave was checked, and what a server set came in a header.
            if let Ok(value) = HeaderValue::try_from(pairs.join("; ")) {
                headers.insert(COOKIE, value);
            }
        }
        headers
    }

    fn follow(&mut self, redirect: Redirect, body: Option<Bytes>) -> Result<(), TestError> {
        self.target = Uri::try_from(&redirect.target).map_err(|error| {
            TestError::new(format!("redirect leads to `{}`, which is no uri", redirect.target)).with_source(error)
        })?;
        self.method = redirect.method;
        if let Some(host) = redirect.host {
            let before = self.headers.get(HOST).or_else(|| self.session.headers.get(HOST));
            if before.is_none_or(|before| !before.as_bytes().eq_ignore_ascii_case(host.as_bytes())) {
                self.cookies.clear();
                self.headers.remove(COOKIE);
                self.headers.remove(AUTHORIZATION);
            }
            let host = HeaderValue::try_from(&host).map_err(|error| {
                TestError::new(format!("redirect leads to `{host}`, which is no host")).with_source(error)
            })?;
            self.headers.insert(HOST, host);
        }
        if redirect.keeps_body {
            self.body = Body::from(body.unwrap_or_default());
        } else {
            // What describes a body goes with it (RFC 9110 §15.4).
            for name in [
                CONTENT_TYPE,
                CONTENT_ENCODING,
                CONTENT_LANGUAGE,
                CONTENT_LENGTH,
                TRANSFER_ENCODING,
                EXPECT,
            ] {
                self.headers.remove(name);
            }
        }
        Ok(())
    }

    fn typed_body(mut self, content_type: &str, body: impl Into<Body>) -> Self {
        if !self.headers.contains_key(CONTENT_TYPE)
            && let Ok(value) = HeaderValue::try_from(content_type)
        {
            self.headers.insert(CONTENT_TYPE, value);
        }
        self.body(body)
    }
}

impl IntoFuture for TestRequest {
    type Output = TestResponse;
    type IntoFuture = Pin<Box<dyn Future<Output = TestResponse> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

fn host_of(headers: &HeaderMap) -> &str {
    headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default()
}

#[track_caller]
fn valid_target(target: &str) -> Uri {
    match Uri::try_from(target) {
        Ok(uri) => uri,
        Err(error) => panic!("target {target:?} is no uri ({error}): percent-encode it, or send it with `connect`"),
    }
}

#[track_caller]
fn urlencoded<T: Serialize + ?Sized>(value: &T) -> String {
    match serde_html_form::to_string(value) {
        Ok(text) => text,
        Err(error) => panic!("value can't be written as a form: {error}"),
    }
}

impl std::fmt::Debug for TestRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestRequest")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("headers", &self.headers)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}
