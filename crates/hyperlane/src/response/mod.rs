//! Responses: values that a handler returns beside those that `hyperlane-core` knows.
//!
//! Behind the handler in the walk of a request: each type here is a thin [`IntoResponse`](crate::IntoResponse).
//! [`Problem`] is the one form of all errors that the framework itself answers with.

mod created;
mod either;
mod error;
mod html;
mod problem;
mod redirect;

pub use created::{Created, NoContent};
pub use either::Either;
pub use error::{Error, OrError};
pub use html::Html;
pub use problem::{FieldError, FieldLocation, Problem};
pub use redirect::Redirect;
