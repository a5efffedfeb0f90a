//! The query as an argument.

use serde::de::DeserializeOwned;

use super::{FromContext, Rejection};
use crate::context::Context;

/// The query as a value of `T`, decoded as a form is.
///
/// Lists are given as `a=1&a=2`, `a[]=1&a[]=2` or `a[0]=1&a[1]=2`, and structs or maps in it as `filter[name]=x`, up to
/// eight levels deep. A name without a value is an empty text, or `true`. An empty value that does not fit its field
/// counts as one that is not there, as forms send fields that were left empty. A missing query is an empty one; an
/// [`Option`] of it is `None` then.
///
/// What does not fit `T` is answered 400 and names the field. The same as
/// [`Context::query_as`](crate::Context::query_as).
///
/// ```
/// use hyperlane::*;
///
/// #[derive(serde::Deserialize)]
/// struct Search { q: String, #[serde(default)] tag: Vec<String>, price: Option<Range> }
///
/// #[derive(serde::Deserialize)]
/// struct Range { min: u32, max: u32 }
///
/// /// Takes `?q=rust&tag=web&tag=async&price[min]=1&price[max]=9`.
/// async fn search(Query(search): Query<Search>) -> String {
///     let price = search.price.map_or(0, |price| price.max - price.min);
///     format!("{} in {:?}, {price}", search.q, search.tag)
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

    async fn from_context_if_present(ctx: &Context) -> Result<Option<Self>, Rejection> {
        match ctx.query_string() {
            Some(_) => Self::from_context(ctx).await.map(Some),
            None => Ok(None),
        }
    }
}
