//! A response of a test: its head, its body as it arrives, and what is expected of them.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use bytes::Bytes;
use cookie::Cookie;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use hyperlane_core::Upgraded;
use tokio::sync::Mutex;

use super::connection::{Connection, Pool};
use super::reading::Reading;
use super::{Events, TestError};

/// The most bytes of a body that a failed assertion shows.
const SHOWN: usize = 2000;

/// A response, there as soon as its head is. What reads its body waits.
///
/// Dropping it before the body has arrived closes the connection. Short bodies of known length arrive with the head, so
/// that a failed assertion can show them; streams never do.
///
/// The `assert_…` methods can be chained, and show the request and the body when they fail.
pub struct TestResponse {
    request: String,
    status: StatusCode,
    headers: HeaderMap,
    continued: bool,
    upgrade: Option<OnUpgrade>,
    reading: Mutex<Reading>,
}

impl TestResponse {
    pub(super) fn new(
        request: String,
        mut response: http::Response<Incoming>,
        continued: bool,
        connection: Connection,
        pool: Arc<Pool>,
    ) -> Self {
        let status = response.status();
        let upgrade = (status == StatusCode::SWITCHING_PROTOCOLS).then(|| hyper::upgrade::on(&mut response));
        let (head, incoming) = response.into_parts();
        let closes = head
            .headers
            .get(CONNECTION)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"));
        let mut reading = Reading::new(incoming, connection, (!closes).then_some(pool));
        if upgrade.is_none() {
            reading.end_if_empty();
        }
        Self {
            request,
            status,
            headers: head.headers,
            continued,
            upgrade,
            reading: Mutex::new(reading),
        }
    }

    /// The status; it can be compared to a number.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The first value of a header, if it is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A cookie that this response sets, with its attributes.
    pub fn cookie(&self, name: &str) -> Option<Cookie<'_>> {
        let lines = self.headers.get_all(SET_COOKIE).iter();
        let cookies = lines.filter_map(|line| Cookie::parse(line.to_str().ok()?).ok());
        cookies.into_iter().find(|cookie| cookie.name() == name)
    }

    /// Whether the server asked for the body with `100 Continue` before it answered.
    pub fn continued(&self) -> bool {
        self.continued
    }

    /// The next piece of the body, as it arrives; `None` at the end.
    ///
    /// # Panics
    ///
    /// The body breaks off.
    ///
    /// # Cancel safety
    ///
    /// No piece is lost when the future is dropped.
    #[track_caller]
    pub fn chunk(&self) -> impl Future<Output = Option<Bytes>> + Send {
        let at = Location::caller();
        async move { self.expect(self.try_chunk().await, at) }
    }

    /// The next piece of the body, as it arrives; `None` at the end.
    ///
    /// # Errors
    ///
    /// The body broke off.
    ///
    /// # Cancel safety
    ///
    /// As [`chunk`](Self::chunk).
    pub async fn try_chunk(&self) -> Result<Option<Bytes>, TestError> {
        self.reading.lock().await.chunk().await
    }

    /// All of the body that was not taken with [`chunk`](Self::chunk). It is kept, so that it can be read again.
    ///
    /// # Panics
    ///
    /// The body breaks off.
    #[track_caller]
    pub fn bytes(&self) -> impl Future<Output = Bytes> + Send {
        let at = Location::caller();
        async move { self.expect(self.try_bytes().await, at) }
    }

    /// All of the body that was not taken with [`chunk`](Self::chunk). It is kept, so that it can be read again.
    ///
    /// # Errors
    ///
    /// The body broke off.
    pub async fn try_bytes(&self) -> Result<Bytes, TestError> {
        self.reading.lock().await.bytes().await
    }

    /// The body as text, as [`bytes`](Self::bytes).
    ///
    /// # Panics
    ///
    /// The body breaks off, or is not UTF-8.
    #[track_caller]
    pub fn text(&self) -> impl Future<Output = String> + Send {
        let at = Location::caller();
        async move {
            let bytes = self.expect(self.try_bytes().await, at);
            match std::str::from_utf8(&bytes) {
                Ok(text) => text.to_owned(),
                Err(error) => panic!("{}: body is not utf-8 ({error}), at {at}", self.request),
            }
        }
    }

    /// The body as a value, read from JSON, as [`bytes`](Self::bytes). The content type is not looked at.
    ///
    /// # Panics
    ///
    /// The body breaks off, or is not JSON of this shape.
    #[cfg(feature = "json")]
    #[track_caller]
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> impl Future<Output = T> + Send {
        let at = Location::caller();
        async move {
            let bytes = self.expect(self.try_bytes().await, at);
            match serde_json::from_slice(&bytes) {
                Ok(value) => value,
                Err(error) => panic!(
                    "{}: body can't be read as json ({error}), at {at}\n{}",
                    self.request,
                    self.describe()
                ),
            }
        }
    }

    /// The trailer fields (RFC 9110 §6.5), once the body was read. Servers send them to requests with `TE: trailers`.
    pub async fn trailers(&self) -> Option<HeaderMap> {
        self.reading.lock().await.trailers()
    }

    /// The events of a `text/event-stream`.
    ///
    /// # Panics
    ///
    /// The status is not 200, or the content type another one: a browser would give up too.
    #[track_caller]
    pub fn events(self) -> Events {
        let content_type = self.header(CONTENT_TYPE.as_str()).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        assert!(
            self.status == StatusCode::OK && essence.eq_ignore_ascii_case("text/event-stream"),
            "{}: this is no event stream, which has status 200 and `content-type: text/event-stream`\n{}",
            self.request,
            self.describe()
        );
        Events::new(self)
    }

    /// The connection after `101 Switching Protocols`.
    ///
    /// # Panics
    ///
    /// The status is another one.
    #[track_caller]
    pub fn upgraded(self) -> impl Future<Output = Upgraded> + Send {
        let at = Location::caller();
        async move {
            let description = self.describe();
            let Self {
                request,
                upgrade,
                reading,
                ..
            } = self;
            let Some(upgrade) = upgrade else {
                panic!("{request}: the server does not switch protocols, at {at}\n{description}");
            };
            // Its task hands over the transport, so that it must not be aborted before.
            let connection = reading.into_inner().into_connection();
            match upgrade.await {
                Ok(io) => {
                    drop(connection);
                    Upgraded::new(TokioIo::new(io), Bytes::new())
                }
                Err(error) => panic!("{request}: the connection ended with its upgrade ({error}), at {at}"),
            }
        }
    }

    /// Expects a status.
    ///
    /// # Panics
    ///
    /// It is another one.
    #[track_caller]
    pub fn assert_status(&self, status: u16) -> &Self {
        assert!(
            self.status.as_u16() == status,
            "{}: status is {} instead of {status}\n{}",
            self.request,
            self.status,
            self.describe()
        );
        self
    }

    /// Expects a header of this value, in its first line.
    ///
    /// # Panics
    ///
    /// It is missing, or has another value.
    #[track_caller]
    pub fn assert_header(&self, name: &str, value: &str) -> &Self {
        let found = self.headers.get(name);
        assert!(
            found.is_some_and(|found| found.as_bytes() == value.as_bytes()),
            "{}: header `{name}` is {found:?} instead of {value:?}\n{}",
            self.request,
            self.describe()
        );
        self
    }

    /// Expects that there is no header of this name.
    ///
    /// # Panics
    ///
    /// There is one.
    #[track_caller]
    pub fn assert_no_header(&self, name: &str) -> &Self {
        let found = self.headers.get(name);
        assert!(
            found.is_none(),
            "{}: header `{name}` is {found:?} and should not be there\n{}",
            self.request,
            self.describe()
        );
        self
    }

    /// Expects this text as the body.
    ///
    /// # Panics
    ///
    /// It is another one, breaks off, or is not UTF-8.
    #[track_caller]
    pub fn assert_text(&self, text: &str) -> impl Future<Output = &Self> + Send {
        let at = Location::caller();
        async move {
            let found = self.expect(self.try_bytes().await, at);
            assert!(
                found == text,
                "{}: body is not {text:?}, at {at}\n{}",
                self.request,
                self.describe()
            );
            self
        }
    }

    /// Expects this value as the body, in JSON; the order of members does not matter.
    ///
    /// # Panics
    ///
    /// It is another one, breaks off, or is not JSON.
    #[cfg(feature = "json")]
    #[track_caller]
    pub fn assert_json<T: serde::Serialize>(&self, value: T) -> impl Future<Output = &Self> + Send {
        let at = Location::caller();
        let expected = match serde_json::to_value(value) {
            Ok(expected) => expected,
            Err(error) => panic!("the expected value can't be written as json: {error}"),
        };
        async move {
            let bytes = self.expect(self.try_bytes().await, at);
            let found = serde_json::from_slice::<serde_json::Value>(&bytes).ok();
            assert!(
                found.as_ref() == Some(&expected),
                "{}: body is not the json {expected}, at {at}\n{}",
                self.request,
                self.describe()
            );
            self
        }
    }

    /// Reads a short body of known length together with the head, so that a failed assertion can show it.
    pub(super) async fn read_ahead(&self) {
        if self.upgrade.is_none()
            && let Some(length) = self.header(CONTENT_LENGTH.as_str())
            && let Ok(length) = length.parse()
        {
            self.reading.lock().await.read_ahead(length).await;
        }
    }

    /// Reads the body to its end, so that its connection can be used again, if it is a short one.
    pub(super) async fn discard(self) {
        if self.headers.contains_key(CONTENT_LENGTH) {
            let _ = self.try_bytes().await;
        }
    }

    fn expect<T>(&self, read: Result<T, TestError>, at: &Location<'_>) -> T {
        match read {
            Ok(value) => value,
            Err(error) => panic!("{}: {error}, at {at}\n{}", self.request, self.describe()),
        }
    }

    /// Status, headers and what is at hand of the body, to be read by people.
    fn describe(&self) -> String {
        use fmt::Write;

        let mut text = format!("the response is {}", self.status);
        for (name, value) in &self.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            // Writing to a string can't fail.
            let _ = write!(text, "\n  {name}: {value}");
        }
        let Ok(reading) = self.reading.try_lock() else {
            return text;
        };
        let body = reading.at_hand();
        let shown = String::from_utf8_lossy(&body[..body.len().min(SHOWN)]);
        if !shown.is_empty() {
            let _ = write!(text, "\n\n  {}", shown.replace('\n', "\n  "));
        }
        if body.len() > SHOWN || !reading.has_ended() {
            text.push_str("\n  (and more)");
        }
        text
    }
}

impl fmt::Debug for TestResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestResponse")
            .field("request", &self.request)
            .field("status", &self.status)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}
