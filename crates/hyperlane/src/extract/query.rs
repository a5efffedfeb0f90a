//! The query as an argument.

use http::StatusCode;
use serde::de::DeserializeOwned;

use super::{FromContext, Rejection};
use crate::context::Context;

/// The query as a value of `T`, decoded as a form is. A name that is given several times fills a list; a missing query
/// is an empty one.
///
/// What does not fit `T` is answered 400 with the reason. The same as
/// [`Context::query_as`](crate::Context::query_as).
///
/// ```
/// use hyperlane::*;
///
/// #[derive(serde::Deserialize)]
/// struct Search { q: String, #[serde(default)] tag: Vec<String> }
///
/// async fn search(Query(search): Query<Search>) -> String {
///     format!("{} in {:?}", search.q, search.tag)
/// }
/// # Server::new().get("/", search);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send> FromContext for Query<T> {
    type Rejection = Rejection;

    async fn from_context(ctx: &Context) -> Result<Self, Rejection> {
        ctx.query_as().map(Self)
    }
}

pub(crate) fn query_from_str<T: DeserializeOwned>(query: &str) -> Result<T, Rejection> {
    serde_html_form::from_str(query).map_err(|error| {
        Rejection::new(StatusCode::BAD_REQUEST, format!("query does not fit: {error}")).with_source(error)
    })
}
