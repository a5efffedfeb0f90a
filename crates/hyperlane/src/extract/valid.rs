//! Values that follow the rules of their type, by the `garde` crate.

use garde::Validate;
use http::StatusCode;

use super::field_path::FieldPath;
use super::rejection::shorten;
use super::{Form, FromContext, Path, Query, Rejection, RejectionKind, Requirements};
use crate::context::Context;
use crate::response::FieldLocation;

/// An extractor whose value follows the rules that its type has by [`garde::Validate`]: `Valid<Json<T>>`,
/// `Valid<Query<T>>`, `Valid<Form<T>>`, `Valid<Path<T>>`.
///
/// What breaks them is answered 422, or 400 where it stands in path or query, and each broken rule is told with the
/// path of its field, up to a hundred. The paths are those of the Rust types, before any renaming by `serde`. Rules
/// that need a context get its default. Put it into an [`Option`], not the other way round, where the value may be
/// missing.
///
/// ```
/// use hyperlane::*;
/// use garde::Validate;
///
/// #[derive(serde::Deserialize, Validate)]
/// struct NewUser {
///     #[garde(length(chars, min = 1, max = 50))]
///     name: String,
///     #[garde(range(min = 18))]
///     age: u8,
/// }
///
/// async fn create(Valid(Json(user)): Valid<Json<NewUser>>) -> String {
///     format!("{} is {}", user.name, user.age)
/// }
/// # Server::new().post("/users", create);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Valid<E>(pub E);

/// An extractor whose value can be looked at by [`Valid`].
///
/// Implement it for an extractor of your own whose rejection is a [`Rejection`]:
///
/// ```
/// use hyperlane::*;
/// use garde::Validate;
///
/// /// JSON in the query parameter `json`.
/// struct QueryJson<T>(T);
///
/// impl<T: Validate> Validatable for QueryJson<T> {
///     type Value = T;
///     const LOCATION: FieldLocation = FieldLocation::Query;
///
///     fn value(&self) -> &T {
///         &self.0
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`Valid<{Self}>` can't be an argument of a handler",
    label = "this is no extractor whose value can be validated",
    note = "write `Valid<Json<T>>`, `Valid<Query<T>>`, `Valid<Form<T>>` or `Valid<Path<T>>`, where `T` derives `garde::Validate`"
)]
pub trait Validatable {
    /// The type that has the rules.
    type Value: Validate;
    /// Where in a request its fields stand.
    const LOCATION: FieldLocation;

    /// The value.
    fn value(&self) -> &Self::Value;
}

macro_rules! validatable {
    ($($extractor:ident $location:ident;)*) => {$(
        impl<T: Validate> Validatable for $extractor<T> {
            type Value = T;
            const LOCATION: FieldLocation = FieldLocation::$location;

            fn value(&self) -> &T {
                &self.0
            }
        }
    )*};
}

validatable! {
    Form Form;
    Path Path;
    Query Query;
}

#[cfg(feature = "json")]
use super::Json;
#[cfg(feature = "json")]
validatable! { Json Body; }

impl<E> FromContext for Valid<E>
where
    E: FromContext<Rejection = Rejection> + Validatable,
    <E::Value as Validate>::Context: Default,
{
    type Rejection = Rejection;

    async fn from_context(ctx: &Context) -> Result<Self, Rejection> {
        validate(E::from_context(ctx).await?)
    }

    async fn from_context_if_present(ctx: &Context) -> Result<Option<Self>, Rejection> {
        E::from_context_if_present(ctx).await?.map(validate).transpose()
    }

    fn check(needs: &mut Requirements) {
        E::check(needs);
    }
}

fn validate<E>(extracted: E) -> Result<Valid<E>, Rejection>
where
    E: Validatable,
    <E::Value as Validate>::Context: Default,
{
    let Err(report) = extracted.value().validate() else {
        return Ok(Valid(extracted));
    };
    let status = match E::LOCATION {
        FieldLocation::Body | FieldLocation::Form => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::BAD_REQUEST,
    };
    let broken = report.iter().count();
    let message = match broken {
        1 => "a field breaks its rule".to_owned(),
        _ => format!("{broken} fields break their rules"),
    };
    let rejection = Rejection::new(status, message).with_kind(RejectionKind::RuleBroken);
    let fields = report.iter().take(super::rejection::MAX_FIELDS).map(|(path, error)| {
        let reason = shorten(error.message().to_owned());
        FieldPath::parse(&path.to_string()).error(E::LOCATION, reason)
    });
    Err(fields.fold(rejection, Rejection::with_field))
}
