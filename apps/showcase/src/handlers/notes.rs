//! `/notes`: the guest book. Typed arguments in, typed answers out; mistakes are told as `application/problem+json`.

use std::time::{SystemTime, UNIX_EPOCH};

use garde::Validate;
use hyperlane::{
    Created, Error, Json, NoContent, Path, Problem, Query, State, StatusCode, TypedPath, Valid, middleware::Session,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::visitor::{NAME, OWN_NOTES};
use crate::{app::Showcase, sources::StoredNote};

/// The most notes whose author a session remembers.
const MAX_OWN: usize = 100;

/// Where a note is: the pattern that the routes are registered under, and the links that are written with it.
#[derive(Debug, TypedPath)]
#[typed_path("/notes/{id:i64}")]
pub(crate) struct NotePath {
    id: i64,
}

/// `GET /notes?limit=10`: the latest notes, the newest first.
pub(crate) async fn list_notes(
    State(showcase): State<Showcase>,
    session: Session,
    Valid(Query(listing)): Valid<Query<Listing>>,
) -> Result<Json<Vec<Note>>, Error> {
    let own = own_notes(&session).await?;
    let notes = showcase.sources.database().latest_notes(listing.limit.into()).await?;
    Ok(Json(notes.into_iter().map(|note| Note::new(note, &own)).collect()))
}

/// `GET /notes/{id}`.
pub(crate) async fn read_note(
    State(showcase): State<Showcase>,
    session: Session,
    Path(id): Path<i64>,
) -> Result<Json<Note>, Error> {
    let note = showcase.sources.database().note(id).await?.ok_or_else(no_such_note)?;
    Ok(Json(Note::new(note, &own_notes(&session).await?)))
}

/// `POST /notes`: writes a note under the visitor's name, and answers where it is.
pub(crate) async fn write_note(
    State(showcase): State<Showcase>,
    session: Session,
    Valid(Json(new)): Valid<Json<NewNote>>,
) -> Result<Created<Json<Note>>, Error> {
    let author: Option<String> = session.get(NAME).await?;
    let author = author.unwrap_or_else(|| "somebody".to_owned());
    let note = showcase.sources.database().add_note(&author, &new.text, now()).await?;

    let mut own = own_notes(&session).await?;
    own.push(note.id);
    let forgotten = own.len().saturating_sub(MAX_OWN);
    own.drain(..forgotten);
    session.insert(OWN_NOTES, &own).await?;
    let url = NotePath { id: note.id }.url();
    Ok(Created::new(url, Json(Note::new(note, &own))))
}

/// `DELETE /notes/{id}`: removes a note; only who wrote it may.
pub(crate) async fn remove_note(
    State(showcase): State<Showcase>,
    session: Session,
    Path(id): Path<i64>,
) -> Result<NoContent, Error> {
    let database = showcase.sources.database();
    if database.note(id).await?.is_none() {
        return Err(no_such_note());
    }
    if !own_notes(&session).await?.contains(&id) {
        let problem = Problem::new(StatusCode::FORBIDDEN).with_detail("only who wrote a note may remove it");
        return Err(Error::problem(problem));
    }
    database.remove_note(id).await?;
    Ok(NoContent)
}

/// How many notes to list.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
pub(crate) struct Listing {
    /// How many at most.
    #[serde(default = "ten")]
    #[garde(range(min = 1, max = 50))]
    limit: u8,
}

/// A note before it has a number.
#[derive(Debug, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewNote {
    /// What to say.
    #[garde(length(chars, min = 1, max = 280))]
    text: String,
}

/// A note of the guest book.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Note {
    id: i64,
    /// Where it is.
    url: String,
    author: String,
    text: String,
    /// When it was written, in milliseconds since 1970.
    written_ms: i64,
    /// Whether it was written in this session, and may be removed in it.
    own: bool,
}

impl Note {
    fn new(note: StoredNote, own: &[i64]) -> Self {
        Self {
            url: NotePath { id: note.id }.url(),
            own: own.contains(&note.id),
            id: note.id,
            author: note.author,
            text: note.text,
            written_ms: note.written_ms,
        }
    }
}

async fn own_notes(session: &Session) -> Result<Vec<i64>, Error> {
    Ok(session.get(OWN_NOTES).await?.unwrap_or_default())
}

fn no_such_note() -> Error {
    Error::problem(Problem::new(StatusCode::NOT_FOUND).with_detail("there is no such note"))
}

fn ten() -> u8 {
    10
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
