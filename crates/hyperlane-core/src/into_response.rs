//! What a handler may return.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::response::InvalidHeader;
use crate::{Body, Response};

/// The content type of text.
pub static TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
/// The content type of bytes about which no more is known.
pub static BINARY: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// A value that can be the answer to a request.
///
/// Text is sent as `text/plain; charset=utf-8`, bytes as `application/octet-stream`, a status with its reason phrase
/// as text. In a tuple a status, then headers, stand before what they change.
///
/// ```
/// use hyperlane_core::IntoResponse;
/// use http::StatusCode;
///
/// let response = (StatusCode::CREATED, [("location", "/items/7")], "made").into_response();
/// assert_eq!(response.status(), 201);
/// assert_eq!(response.headers()["location"], "/items/7");
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler can't return `{Self}`: it can't be made into a response",
    label = "this is not a response",
    note = "return text, bytes, `Json(value)`, a `StatusCode`, a `Response`, `()`, a tuple of status, headers and body, or a `Result` of these",
    note = "or implement `IntoResponse` for your type"
)]
pub trait IntoResponse {
    /// Makes the response.
    fn into_response(self) -> Response;
}

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

impl<B: Into<Body>> IntoResponse for http::Response<B> {
    fn into_response(self) -> Response {
        Response::from(self)
    }
}

impl IntoResponse for () {
    fn into_response(self) -> Response {
        Response::deferred()
    }
}

impl IntoResponse for Body {
    fn into_response(self) -> Response {
        Response::new(self)
    }
}

impl IntoResponse for StatusCode {
    fn into_response(self) -> Response {
        Response::from(self)
    }
}

macro_rules! typed_bodies {
    ($($content_type:ident => $($body:ty),*;)*) => {$($(
        impl IntoResponse for $body {
            fn into_response(self) -> Response {
                Response::typed(&$content_type, self)
            }
        }
    )*)*};
}

typed_bodies! {
    TEXT => &'static str, String;
    BINARY => Bytes, BytesMut, Vec<u8>, &'static [u8], Box<[u8]>;
}

impl IntoResponse for Cow<'static, str> {
    fn into_response(self) -> Response {
        match self {
            Cow::Borrowed(text) => text.into_response(),
            Cow::Owned(text) => text.into_response(),
        }
    }
}

impl<const N: usize> IntoResponse for &'static [u8; N] {
    fn into_response(self) -> Response {
        self.as_slice().into_response()
    }
}

impl<T: IntoResponse, E: IntoResponse> IntoResponse for Result<T, E> {
    fn into_response(self) -> Response {
        match self {
            Ok(value) => value.into_response(),
            Err(error) => error.into_response(),
        }
    }
}

impl IntoResponse for std::convert::Infallible {
    fn into_response(self) -> Response {
        match self {}
    }
}

impl IntoResponse for HeaderMap {
    fn into_response(self) -> Response {
        (self, Body::empty()).into_response()
    }
}

impl<R: IntoResponse> IntoResponse for (StatusCode, R) {
    fn into_response(self) -> Response {
        self.1.into_response().with_status(self.0)
    }
}

impl<R: IntoResponse> IntoResponse for (HeaderMap, R) {
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        let mut last = None;
        for (name, value) in self.0 {
            // A map gives each name once, and `None` for its further values.
            match (name, &last) {
                (Some(name), _) => {
                    response.headers_mut().insert(name.clone(), value);
                    last = Some(name);
                }
                (None, Some(name)) => {
                    response.headers_mut().append(name.clone(), value);
                }
                (None, None) => {}
            }
        }
        response
    }
}

impl<N, V, R, const LEN: usize> IntoResponse for ([(N, V); LEN], R)
where
    N: TryInto<HeaderName>,
    V: TryInto<HeaderValue>,
    N::Error: Into<http::Error>,
    V::Error: Into<http::Error>,
    R: IntoResponse,
{
    fn into_response(self) -> Response {
        let mut response = self.1.into_response();
        let mut set = Vec::with_capacity(LEN);
        for (name, value) in self.0 {
            match InvalidHeader::check(name, value) {
                // The first of a name replaces what the body brought, the next ones are added to it.
                Ok((name, value)) if set.contains(&name) => {
                    response.headers_mut().append(name, value);
                }
                Ok((name, value)) => {
                    response.headers_mut().insert(name.clone(), value);
                    set.push(name);
                }
                Err(error) => response.reject(error),
            }
        }
        response
    }
}

impl<H, R> IntoResponse for (StatusCode, H, R)
where
    (H, R): IntoResponse,
{
    fn into_response(self) -> Response {
        (self.1, self.2).into_response().with_status(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_of_a_tuple_replace_those_of_the_body_and_may_repeat() {
        let response = ([("content-type", "text/csv"), ("x-a", "1"), ("x-a", "2")], "a,b").into_response();
        assert_eq!(response.headers()["content-type"], "text/csv");
        assert_eq!(response.headers().get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn an_error_status_brings_its_reason_and_an_empty_status_nothing() {
        assert!(!StatusCode::NOT_FOUND.into_response().body().is_empty());
        assert!(StatusCode::NO_CONTENT.into_response().body().is_empty());
    }

    #[test]
    fn a_bad_header_in_a_tuple_makes_the_response_unsendable() {
        assert!(([("x-a", "1\r\n2")], "body").into_response().defect().is_some());
    }
}
