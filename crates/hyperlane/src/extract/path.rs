//! The parameters of a path as an argument.

use serde::de::DeserializeOwned;

use super::params::ParamsDeserializer;
use super::{FromContext, Rejection};
use crate::context::Context;

/// The parameters of the matched pattern, decoded: a single value for one parameter, a tuple in their order, or a
/// struct, or map, by their names.
///
/// A value that does not fit is answered 400 and named. A pattern that has other parameters than `T` wants is a
/// mistake of the program: 500, and it is logged. An [`Option`] of it is `None` where the pattern has no parameters.
///
/// ```
/// use hyperlane::*;
///
/// #[derive(serde::Deserialize)]
/// struct Item { shop: String, id: u32 }
///
/// async fn one(Path(id): Path<u64>) -> String { format!("{id}") }
/// async fn two(Path((shop, id)): Path<(String, u32)>) -> String { format!("{shop} {id}") }
/// async fn named(Path(item): Path<Item>) -> String { format!("{} {}", item.shop, item.id) }
///
/// let server = Server::new();
/// server.get("/{id}", one).get("/{shop}/{id}", two).get("/named/{shop}/{id}", named);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromContext for Path<T> {
    type Rejection = Rejection;

    async fn from_context(ctx: &Context) -> Result<Self, Rejection> {
        T::deserialize(ParamsDeserializer::new(ctx.router_params()))
            .map(Self)
            .map_err(Rejection::from)
    }

    async fn from_context_if_present(ctx: &Context) -> Result<Option<Self>, Rejection> {
        if ctx.params().len() == 0 {
            return Ok(None);
        }
        Self::from_context(ctx).await.map(Some)
    }
}
