//! One of two responses.

use hyperlane_core::{IntoResponse, Response};

/// One of two types of response, for handlers whose branches return different ones.
///
/// ```
/// use hyperlane::*;
///
/// async fn page(ctx: Context) -> Either<Html<&'static str>, Redirect> {
///     if ctx.cookie("session").is_some() {
///         Either::Left(Html("<h1>welcome</h1>"))
///     } else {
///         Either::Right(Redirect::see_other("/login"))
///     }
/// }
/// # Server::new().get("/", page);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either<L, R> {
    /// The first.
    Left(L),
    /// The second.
    Right(R),
}

impl<L: IntoResponse, R: IntoResponse> IntoResponse for Either<L, R> {
    fn into_response(self) -> Response {
        match self {
            Self::Left(value) => value.into_response(),
            Self::Right(value) => value.into_response(),
        }
    }
}
