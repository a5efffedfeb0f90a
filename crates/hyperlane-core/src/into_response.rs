//! What a handler may return.

mod error_response;
mod part;

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::{Body, Response};

pub use error_response::ErrorResponse;
pub use part::{AppendHeaders, ResponsePart};

/// The content type of text.
pub static TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
/// The content type of bytes about which no more is known.
pub static BINARY: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// A value that can be the answer to a request.
///
/// Text is sent as `text/plain; charset=utf-8`, bytes as `application/octet-stream`, a status with its reason phrase
/// as text, `None` as a 404. In a tuple a status, headers and other [`ResponsePart`]s stand before the body.
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
    note = "return text, bytes, `Html(text)`, `Json(value)`, a `StatusCode`, a `Response`, `()`, a tuple of status, headers and body, or an `Option` or `Result` of these",
    note = "an error: return `Result<T, hyperlane::Error>`, which `?` makes of every `std::error::Error`",
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

impl IntoResponse for Cow<'static, [u8]> {
    fn into_response(self) -> Response {
        match self {
            Cow::Borrowed(bytes) => bytes.into_response(),
            Cow::Owned(bytes) => bytes.into_response(),
        }
    }
}

impl IntoResponse for Box<str> {
    fn into_response(self) -> Response {
        self.into_string().into_response()
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

/// `None` is an empty-handed 404: what a look-up found, or not, can be returned as it is.
impl<T: IntoResponse> IntoResponse for Option<T> {
    fn into_response(self) -> Response {
        match self {
            Some(value) => value.into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        }
    }
}

impl IntoResponse for HeaderMap {
    fn into_response(self) -> Response {
        (self, Body::empty()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_status_brings_its_reason_and_an_empty_status_nothing() {
        assert!(!StatusCode::NOT_FOUND.into_response().body().is_empty());
        assert!(StatusCode::NO_CONTENT.into_response().body().is_empty());
    }

    #[test]
    fn none_is_a_404_and_some_is_what_it_holds() {
        assert_eq!(None::<&str>.into_response().status(), 404);
        assert_eq!(Some("x").into_response().status(), 200);
    }
}
