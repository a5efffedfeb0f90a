//! Sources of known types, asked together.

use std::hash::Hash;

use crate::deadline::Deadline;
use crate::part::Part;
use crate::source::Source;

/// Asks some sources at once, and gives their parts with their types: two to eight, as a tuple of references.
///
/// ```
/// use hyperlane::*;
/// use hyperlane_aggregate::{Source, together};
///
/// #[derive(Clone)]
/// struct Sources {
///     name: Source<String, u64>,
///     orders: Source<u32, u64>,
/// }
///
/// async fn greet(ctx: Context, Path(id): Path<u64>, State(sources): State<Sources>) -> String {
///     let (name, orders) = together((&sources.name, &sources.orders), id, &ctx).await;
///     let name = name.value().map_or("stranger", String::as_str);
///     match orders.value() {
///         Some(orders) => format!("{name} has {orders} orders"),
///         None => format!("{name} may have orders"),
///     }
/// }
/// # Server::new().get("/{id}", greet);
/// ```
///
/// The deadline is that of [`Source::ask`].
pub async fn together<K, S: Together<K>>(sources: S, key: K, deadline: impl Into<Deadline>) -> S::Parts {
    sources.ask(key, deadline.into()).await
}

/// Tuples of sources that have one key: see [`together`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tuple of sources with one key",
    note = "`together` takes two to eight sources by reference: `together((&users, &orders), key, &ctx)`"
)]
pub trait Together<K>: sealed::Sealed {
    /// Their parts, in the same order.
    type Parts;

    /// Asks them.
    #[doc(hidden)]
    fn ask(self, key: K, deadline: Deadline) -> impl Future<Output = Self::Parts> + Send;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! tuple {
    ($($source:ident: $part:ident),+) => {
        impl<K, $($part),+> sealed::Sealed for ($(&Source<$part, K>,)+) {}

        impl<K, $($part),+> Together<K> for ($(&Source<$part, K>,)+)
        where
            K: Clone + Hash + Eq + Send + Sync + 'static,
            $($part: Send + Sync + 'static,)+
        {
            type Parts = ($(Part<$part>,)+);

            fn ask(self, key: K, deadline: Deadline) -> impl Future<Output = Self::Parts> + Send {
                let ($($source,)+) = self;
                $(let $source = $source.ask(key.clone(), deadline);)+
                async move { tokio::join!($($source),+) }
            }
        }
    };
}

tuple!(a: A, b: B);
tuple!(a: A, b: B, c: C);
tuple!(a: A, b: B, c: C, d: D);
tuple!(a: A, b: B, c: C, d: D, e: E);
tuple!(a: A, b: B, c: C, d: D, e: E, f: F);
tuple!(a: A, b: B, c: C, d: D, e: E, f: F, g: G);
tuple!(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H);
