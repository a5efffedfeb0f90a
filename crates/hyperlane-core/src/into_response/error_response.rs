//! Any error response, for functions whose errors are of several types.

use super::IntoResponse;
use crate::Response;

/// The error type of a handler that uses `?` on errors of several types, each of which implements [`IntoResponse`].
///
/// It is made of any of them and answers as they do.
///
/// ```
/// use http::StatusCode;
/// use hyperlane_core::IntoResponse;
/// use hyperlane_core::into_response::ErrorResponse;
///
/// fn find(id: u32) -> Result<&'static str, StatusCode> {
///     if id == 7 { Ok("seven") } else { Err(StatusCode::NOT_FOUND) }
/// }
///
/// fn check(text: &str) -> Result<(), (StatusCode, &'static str)> {
///     if text.len() > 3 { Ok(()) } else { Err((StatusCode::CONFLICT, "too short")) }
/// }
///
/// fn handler(id: u32) -> Result<&'static str, ErrorResponse> {
///     let text = find(id)?;
///     check(text)?;
///     Ok(text)
/// }
///
/// assert_eq!(handler(7).into_response().status(), 200);
/// assert_eq!(handler(8).into_response().status(), 404);
/// ```
#[derive(Debug)]
// It does not implement `IntoResponse` itself: then it could not be made of everything that does.
pub struct ErrorResponse(Box<Response>);

impl<E: IntoResponse> From<E> for ErrorResponse {
    fn from(error: E) -> Self {
        Self(Box::new(error.into_response()))
    }
}

impl<T: IntoResponse> IntoResponse for Result<T, ErrorResponse> {
    fn into_response(self) -> Response {
        match self {
            Ok(value) => value.into_response(),
            Err(error) => *error.0,
        }
    }
}
