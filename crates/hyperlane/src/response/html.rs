//! HTML.

use http::HeaderValue;
use hyperlane_core::{Body, IntoResponse, Response};

static HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// A page: text, bytes or a stream sent as `text/html; charset=utf-8`.
///
/// Nothing is escaped: what users wrote has to be escaped by the template that it is put into.
///
/// ```
/// use hyperlane::*;
///
/// async fn page() -> Html<&'static str> {
///     Html("<!doctype html><title>hello</title>")
/// }
/// # Server::new().get("/", page);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Html<T>(pub T);

impl<T: Into<Body>> IntoResponse for Html<T> {
    fn into_response(self) -> Response {
        Response::typed(&HTML, self.0)
    }
}
