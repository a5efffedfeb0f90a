//! JSON, in both directions.

use http::{HeaderValue, StatusCode};
use hyperlane_core::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::{FromContext, Rejection};
use crate::context::Context;

static JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A value as JSON (RFC 8259): the request's body as an argument, or a response.
///
/// As an argument it is answered 415 if the content type is neither `application/json` nor one with `+json`, 400 if the
/// body is no JSON, 422 with the path of the field if it is JSON of another shape, and 413 if it is over the server's
/// limit. The same as [`Context::json`](crate::Context::json).
///
/// As a response it is `application/json`. A value that can't be written makes it a 500, and is logged.
///
/// ```
/// use hyperlane::*;
///
/// #[derive(serde::Deserialize, serde::Serialize)]
/// struct Point { x: i64, y: i64 }
///
/// async fn mirror(Json(point): Json<Point>) -> Json<Point> {
///     Json(Point { x: point.y, y: point.x })
/// }
/// # Server::new().post("/", mirror);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + Send> FromContext for Json<T> {
    type Rejection = Rejection;

    async fn from_context(ctx: &Context) -> Result<Self, Rejection> {
        ctx.json().await.map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(text) => Response::typed(&JSON, text),
            Err(error) => {
                tracing::error!(%error, value = std::any::type_name::<T>(), "value can't be written as json");
                Response::from(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

/// Checks that a body says it is JSON: a browser sends no such type to another site without asking first, so that the
/// check keeps forged forms out.
pub(crate) fn check_json_type(content_type: Option<&str>) -> Result<(), Rejection> {
    let essence = content_type
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    let is_json = essence.eq_ignore_ascii_case("application/json")
        || essence.len() > "+json".len()
            && essence.contains('/')
            && essence
                .get(essence.len() - "+json".len()..)
                .is_some_and(|end| end.eq_ignore_ascii_case("+json"));
    if is_json {
        return Ok(());
    }
    let message = "request body must be json: send it with `content-type: application/json`";
    Err(Rejection::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message))
}

pub(crate) fn json_from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Rejection> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = match serde_path_to_error::deserialize(&mut deserializer) {
        Ok(value) => value,
        Err(error) => return Err(reject(&error.path().to_string(), error.into_inner())),
    };
    deserializer.end().map_err(|error| reject("", error))?;
    Ok(value)
}

fn reject(path: &str, error: serde_json::Error) -> Rejection {
    let (status, message) = match error.classify() {
        Category::Data if path.is_empty() || path == "." => (
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("json body does not fit: {error}"),
        ),
        Category::Data => (
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("json body does not fit at `{path}`: {error}"),
        ),
        Category::Syntax | Category::Eof | Category::Io => {
            (StatusCode::BAD_REQUEST, format!("request body is not json: {error}"))
        }
    };
    Rejection::new(status, message).with_source(error)
}
