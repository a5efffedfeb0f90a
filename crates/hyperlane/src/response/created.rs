//! Answers to what changed something: `201 Created` and `204 No Content`.

use http::StatusCode;
use hyperlane_core::{IntoResponse, Response};

use super::redirect::set_location;

/// `201 Created` with the place of what was made in `Location` (RFC 9110 §15.3.2), and a body that describes it.
///
/// The place is checked as that of a [`Redirect`](crate::Redirect) is.
///
/// ```
/// use hyperlane::*;
///
/// async fn create() -> Created<&'static str> {
///     Created::new("/items/7", "made item 7")
/// }
/// # Server::new().post("/items", create);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created<T> {
    location: String,
    body: T,
}

impl<T> Created<T> {
    /// What was made is at `location`, a URI or a path of this server.
    pub fn new(location: impl Into<String>, body: T) -> Self {
        Self {
            location: location.into(),
            body,
        }
    }
}

impl Created<()> {
    /// The same without a body.
    pub fn at(location: impl Into<String>) -> Self {
        Self::new(location, ())
    }
}

impl<T: IntoResponse> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = self.body.into_response().with_status(StatusCode::CREATED);
        set_location(&mut response, &self.location);
        response
    }
}

/// `204 No Content`: done, and there is nothing to say (RFC 9110 §15.3.5).
///
/// ```
/// use hyperlane::*;
///
/// async fn delete(Path(id): Path<u64>) -> NoContent {
///     println!("deleted {id}");
///     NoContent
/// }
/// # Server::new().delete("/items/{id}", delete);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        Response::from(StatusCode::NO_CONTENT)
    }
}
