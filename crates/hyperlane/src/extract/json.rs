//! JSON, in both directions.

use http::{HeaderValue, StatusCode};
use hyperlane_core::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::field_path::Misfit;
use super::optional::present;
use super::rejection::shorten;
use super::{FromContext, Rejection, RejectionKind, Requirements, field_path, whole_number};
use crate::context::Context;
use crate::response::{FieldLocation, Problem};

static JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A value as JSON (RFC 8259): the request's body as an argument, or a response.
///
/// As an argument it is answered 415 if the content type is neither `application/json` nor one with `+json`, 400 if the
/// body is no JSON, 422 with the path of the field if it is JSON of another shape, and 413 if it is over the server's
/// limit. An [`Option`] of it is `None` where there is neither a content type nor a body. The same as
/// [`Context::json`](crate::Context::json).
///
/// `3.0` and `30e-1` fit an integer, as they do for JSON Schema (Validation 2020-12 §6.1.1): some languages write whole
/// numbers like that.
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

    async fn from_context_if_present(ctx: &Context) -> Result<Option<Self>, Rejection> {
        present(Self::from_context(ctx).await)
    }

    fn check(needs: &mut Requirements) {
        needs.reads_body("Json");
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(text) => Response::typed(&JSON, text),
            Err(error) => {
                tracing::error!(%error, value = std::any::type_name::<T>(), "value can't be written as json");
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR).into_response()
            }
        }
    }
}

pub(crate) fn json_from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Rejection> {
    let misfit = match read(bytes) {
        Ok(read) => return read,
        Err(misfit) => misfit,
    };
    let misfit = match whole_number::plain_json(bytes) {
        None => misfit,
        Some(plain) => match read(&plain) {
            Ok(read) => return read,
            Err(misfit) => misfit,
        },
    };
    let reason = misfit.error.to_string();
    let rejection = misfit.path.reject(
        "json body",
        StatusCode::UNPROCESSABLE_ENTITY,
        FieldLocation::Body,
        &reason,
    );
    Err(rejection.with_source(misfit.error))
}

/// The value, or why the text is no JSON; JSON that does not fit is told apart.
fn read<T: DeserializeOwned>(text: &[u8]) -> Result<Result<T, Rejection>, Misfit<serde_json::Error>> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    match field_path::read(&mut deserializer) {
        Ok(value) => Ok(deserializer.end().map_err(malformed).map(|()| value)),
        Err(misfit) => match misfit.error.classify() {
            Category::Data => Err(misfit),
            Category::Syntax | Category::Eof | Category::Io => Ok(Err(malformed(misfit.error))),
        },
    }
}

fn malformed(error: serde_json::Error) -> Rejection {
    let message = shorten(format!("request body is not json: {error}"));
    Rejection::new(StatusCode::BAD_REQUEST, message)
        .with_kind(RejectionKind::Malformed)
        .with_source(error)
}
