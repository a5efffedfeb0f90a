//! `/visitor`: what the server remembers of a browser. The cookie holds a number alone, the values stay in the session.

use garde::Validate;
use hyperlane::{Error, Form, Json, NoContent, Valid, middleware::Session};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Under what the session keeps the visitor's name.
pub(super) const NAME: &str = "name";

/// Under what it keeps the numbers of the visitor's own notes.
pub(super) const OWN_NOTES: &str = "notes";

/// `GET /visitor`: who this is, as far as it was said.
pub(crate) async fn visitor(session: Session) -> Result<Json<Visitor>, Error> {
    let own_notes: Vec<i64> = session.get(OWN_NOTES).await?.unwrap_or_default();
    Ok(Json(Visitor {
        name: session.get(NAME).await?,
        own_notes,
    }))
}

/// `POST /visitor`: a form with the visitor's name.
pub(crate) async fn introduce(
    session: Session,
    Valid(Form(introduction)): Valid<Form<Introduction>>,
) -> Result<Json<Visitor>, Error> {
    // As after a login: an identifier that was there before is worth nothing from here on.
    session.renew().await?;
    session.insert(NAME, introduction.name).await?;
    visitor(session).await
}

/// `DELETE /visitor`: forgets all of it.
pub(crate) async fn forget(session: Session) -> Result<NoContent, Error> {
    session.destroy().await?;
    Ok(NoContent)
}

/// What a visitor says of himself or herself.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
pub(crate) struct Introduction {
    /// What to be called.
    #[garde(length(chars, min = 1, max = 40))]
    name: String,
}

/// What the server remembers of a browser.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Visitor {
    /// What the visitor wants to be called; absent until it is said.
    name: Option<String>,
    /// The numbers of the notes that were written in this session.
    own_notes: Vec<i64>,
}
