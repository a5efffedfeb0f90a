//! Getters of the request's head, and of what the framework knows about it.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::{HeaderMap, Method, Uri};
use hyperlane_core::Request;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use super::Context;
use crate::extract::{self, Rejection};
use crate::version::HttpVersion;

impl Context {
    /// The method.
    pub fn method(&self) -> &Method {
        self.request_head().method()
    }

    /// The target, as the `http` crate's type; it is built on the first call.
    pub fn uri(&self) -> &Uri {
        self.request_head().uri()
    }

    /// The version that the request is to be read as.
    pub fn version(&self) -> HttpVersion {
        self.request_head().version().into()
    }

    /// The path as it was sent, still percent-encoded. [`param`](Self::param) gives decoded parts of it.
    pub fn path(&self) -> &str {
        self.request_head().path()
    }

    /// The query as it was sent, without its `?`.
    pub fn query_string(&self) -> Option<&str> {
        self.request_head().query()
    }

    /// The first value of this name in the query, decoded as a form is: `+` and `%20` are spaces, and bytes that are
    /// no UTF-8 become replacement characters. A name without `=` has an empty value.
    pub fn query(&self, name: &str) -> Option<String> {
        let pairs = self
            .query_string()?
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut values = pairs
            .filter(|(key, _)| form_decode(key) == name)
            .map(|(_, value)| value);
        values.next().map(|value| form_decode(value).into_owned())
    }

    /// The whole query as a value of `T`: the same as [`Query<T>`](crate::Query).
    ///
    /// # Errors
    ///
    /// The query does not fit `T`: 400.
    pub fn query_as<T: DeserializeOwned>(&self) -> Result<T, Rejection> {
        extract::query_from_str(self.query_string().unwrap_or_default())
    }

    /// The first header of this name, whatever its case, if it is visible ASCII. The others are in
    /// [`headers`](Self::headers).
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request_head().header(name)
    }

    /// Whether there is a header of this name, whatever its value.
    pub(crate) fn headers_have(&self, name: &str) -> bool {
        self.request_head().header_bytes(name).is_some()
    }

    /// All headers; the map is built on the first call.
    pub fn headers(&self) -> &HeaderMap {
        self.request_head().headers()
    }

    /// The authority that the client named in its target, or else in `Host` (RFC 9112 §3.3). It is what the client
    /// claims.
    pub fn host(&self) -> Option<&str> {
        self.request_head().authority()
    }

    /// The decoded value of a parameter of the matched pattern.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.router_params().get(name)
    }

    /// Names and decoded values of all parameters, in the order of the pattern.
    pub fn params(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.router_params().iter()
    }

    /// The pattern that the path matched, as it was registered; `None` in the fallback.
    pub fn matched_pattern(&self) -> Option<&str> {
        self.endpoint().pattern.as_deref()
    }

    /// The address of the peer, which may be a proxy. It is `0.0.0.0:0` where the transport has none.
    pub fn peer_addr(&self) -> SocketAddr {
        self.connection()
            .peer_addr
            .unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0))
    }

    /// The address on which the connection was accepted, if the transport has one.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.connection().local_addr
    }

    /// A copy of the server's value of this type: the same as [`State<T>`](crate::State), which is checked when the
    /// server starts, so that a missing one can't surprise later.
    ///
    /// # Panics
    ///
    /// No value of this type was given to [`Server::state`](crate::Server::state).
    #[track_caller]
    pub fn state<T: Clone + Send + Sync + 'static>(&self) -> T {
        match self.try_state() {
            Some(value) => value,
            None => panic!(
                "no state of type `{}` was given: call `server.state(…)` with one before `run`",
                std::any::type_name::<T>()
            ),
        }
    }

    /// A copy of the server's value of this type, if one was given.
    pub fn try_state<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.endpoint().states.get()
    }

    /// A copy of the value of this type that was attached to this request.
    pub fn extension<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.extensions().get::<T>().cloned()
    }

    /// Attaches a value to this request; returns the one of its type before it.
    pub fn set_extension<T: Clone + Send + Sync + 'static>(&self, value: T) -> Option<T> {
        self.extensions().insert(value)
    }

    /// The request with its body, which is taken from this context.
    pub(crate) fn to_request(&self) -> Request {
        let mut request = Request::new(
            self.request_head().clone(),
            self.body_stream(),
            self.connection().clone(),
        );
        *request.extensions_mut() = self.extensions().clone();
        request
    }
}

/// Decodes `application/x-www-form-urlencoded`, once.
fn form_decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['+', '%']) {
        return Cow::Borrowed(text);
    }
    let spaced = text.replace('+', " ");
    Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}
