//! A form as an argument.

use serde::de::DeserializeOwned;

use super::optional::present;
use super::{FromContext, Rejection, Requirements};
use crate::context::Context;

/// A body of `application/x-www-form-urlencoded`, as HTML forms send it, as a value of `T`. Lists, nesting and empty
/// values are read as in [`Query`](crate::Query).
///
/// It is answered 415 if the content type is another, 422 with the name of the field if it does not fit `T`, and 413 if
/// it is over the server's limit. An [`Option`] of it is `None` where there is neither a content type nor a body. The
/// same as [`Context::form`](crate::Context::form).
///
/// A form with files is [`Multipart`](https://docs.rs/hyperlane/latest/hyperlane/struct.Multipart.html).
///
/// ```
/// use hyperlane::*;
///
/// #[derive(serde::Deserialize)]
/// struct Login { name: String, password: String, remember: Option<bool> }
///
/// async fn login(Form(login): Form<Login>) -> Redirect {
///     println!("{} {}", login.name, login.remember.unwrap_or(false));
///     Redirect::see_other("/")
/// }
/// # Server::new().post("/login", login);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form<T>(pub T);

impl<T: DeserializeOwned + Send> FromContext for Form<T> {
    type Rejection = Rejection;

    async fn from_context(ctx: &Context) -> Result<Self, Rejection> {
        ctx.form().await.map(Self)
    }

    async fn from_context_if_present(ctx: &Context) -> Result<Option<Self>, Rejection> {
        present(Self::from_context(ctx).await)
    }

    fn check(needs: &mut Requirements) {
        needs.reads_body("Form");
    }
}
