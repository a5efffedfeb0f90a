//! What the code that the macros write calls. It is public because that code stands in users' crates; by hand, nobody
//! needs it.
//!
//! A function's own type has no name for which a trait could be implemented. What an attribute knows of its function is
//! therefore carried by the type of the future that the function returns.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use crate::handler::{Handler, HandlerFn};
use crate::routing::{Router, Routes};

pub use crate::extract::path_param;
pub use hyperlane_router::{write_rest, write_segment};

/// What an attribute says of its function: method, pattern and name.
pub trait Annotation {
    /// Registers the function.
    fn register<H: Handler<Args>, Args: 'static>(router: &Router, handler: H);
}

pin_project_lite::pin_project! {
    /// The future of a function with an attribute.
    pub struct Annotated<A, F> {
        #[pin]
        future: F,
        annotation: PhantomData<fn(A)>,
    }
}

impl<A, F> Annotated<A, F> {
    /// The future `future` of a function with the attribute `A`.
    pub fn new(future: F) -> Self {
        Self {
            future,
            annotation: PhantomData,
        }
    }
}

impl<A, F: Future> Future for Annotated<A, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

impl<A, F> fmt::Debug for Annotated<A, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Annotated").finish_non_exhaustive()
    }
}

/// What a function with an attribute returns.
#[diagnostic::on_unimplemented(
    message = "only a function with an attribute like `#[get(\"/path\")]` can be added",
    label = "this one has no pattern",
    note = "register a plain handler with its method and pattern: `.get(\"/path\", handler)`"
)]
pub trait AnnotatedFuture {
    /// The attribute.
    type Annotation: Annotation;
}

impl<A: Annotation, F> AnnotatedFuture for Annotated<A, F> {
    type Annotation = A;
}

/// Tells functions with an attribute from other routes.
#[derive(Debug)]
pub struct ByAttribute<Args>(PhantomData<fn(Args)>);

impl<F, Args, OfHandler> Routes<ByAttribute<(Args, OfHandler)>> for F
where
    F: HandlerFn<Args> + Handler<OfHandler>,
    F::Output: AnnotatedFuture,
    OfHandler: 'static,
{
    fn register(self, router: &Router) {
        <F::Output as AnnotatedFuture>::Annotation::register(router, self);
    }
}

/// Says that a function is a handler, at the place of its name.
pub fn is_handler<H: Handler<Args>, Args>(handler: H) {
    drop(handler);
}

/// Describes a struct with `#[derive(TypedPath)]` for documents of the API.
///
/// The macro that writes the call can't know whether this crate has its feature `openapi`: so it is told here what
/// becomes of it.
#[cfg(feature = "openapi")]
#[doc(hidden)]
#[macro_export]
macro_rules! __describe_typed_path {
    ($name:ident $(($param:literal, $kind:ty, $documentation:literal))*) => {
        #[automatically_derived]
        impl $crate::openapi::Describe for $name {
            fn describe(operation: $crate::openapi::Operation) -> $crate::openapi::Operation {
                #[allow(unused_imports)]
                use $crate::__macros::{Described as _, Undescribed as _};
                let path = $crate::__macros::DescribedPath::new(operation);
                $(let path = (&$crate::__macros::PathField::<$kind>::NEW).describe(path, $param, $documentation);)*
                path.finish()
            }
        }
    };
}

/// Without documents there is nothing to describe.
#[cfg(not(feature = "openapi"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __describe_typed_path {
    ($($anything:tt)*) => {};
}

#[cfg(feature = "openapi")]
pub use crate::openapi::typed_path::{Described, DescribedPath, PathField, Undescribed};
