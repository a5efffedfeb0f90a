//! The books and their handlers. Nothing here is said for the document alone, but for the derived `JsonSchema`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use garde::Validate;
use hyperlane::{Created, Form, Html, Json, NoContent, Path, Query, State, StatusCode, Valid};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A book of the library.
#[derive(Clone, JsonSchema, Serialize)]
pub(crate) struct Book {
    /// Its number.
    id: u32,
    #[serde(flatten)]
    about: NewBook,
}

/// A book before it has a number.
#[derive(Clone, Deserialize, JsonSchema, Serialize, Validate)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBook {
    /// As it stands on its cover.
    #[garde(length(chars, min = 1, max = 200))]
    title: String,
    #[serde(default)]
    #[garde(length(max = 10))]
    authors: Vec<String>,
    /// When it first came out.
    #[garde(range(min = 1450, max = 2100))]
    year: Option<u16>,
    #[garde(skip)]
    kind: Kind,
}

/// What a book is.
#[derive(Clone, Copy, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Fiction,
    Science,
    Travel,
}

/// Which books to find.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Search {
    /// A part of the title.
    title: Option<String>,
    kind: Option<Kind>,
    /// How many at most.
    #[serde(default = "ten")]
    limit: u8,
}

/// Whom to remind, and when.
#[derive(Deserialize, JsonSchema, Validate)]
pub(crate) struct Reminder {
    #[garde(length(chars, min = 1, max = 100))]
    reader: String,
    #[garde(range(min = 1, max = 365))]
    days: u16,
}

/// A state is cloned for each use: what is shared stands behind an `Arc`.
#[derive(Clone, Default)]
pub(crate) struct Books(Arc<Mutex<BTreeMap<u32, NewBook>>>);

impl Books {
    pub(crate) fn with_some() -> Self {
        let books = Self::default();
        let titles = [("Emma", 1815, Kind::Fiction), ("Opticks", 1704, Kind::Science)];
        for (title, year, kind) in titles {
            books.insert(NewBook {
                title: title.to_owned(),
                authors: Vec::new(),
                year: Some(year),
                kind,
            });
        }
        books
    }

    fn insert(&self, book: NewBook) -> u32 {
        let mut books = self.lock();
        let id = books.last_key_value().map_or(1, |(id, _)| id.saturating_add(1));
        books.insert(id, book);
        id
    }

    fn get(&self, id: u32) -> Option<Book> {
        let about = self.lock().get(&id)?.clone();
        Some(Book { id, about })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, NewBook>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) async fn find(State(books): State<Books>, Query(search): Query<Search>) -> Json<Vec<Book>> {
    let books = books.lock();
    let found = books
        .iter()
        .filter(|(_, book)| search.title.as_ref().is_none_or(|part| book.title.contains(part)))
        .filter(|(_, book)| search.kind.is_none_or(|kind| book.kind == kind));
    let found = found.map(|(id, about)| Book {
        id: *id,
        about: about.clone(),
    });
    Json(found.take(search.limit.into()).collect())
}

pub(crate) async fn read(State(books): State<Books>, Path(id): Path<u32>) -> Option<Json<Book>> {
    books.get(id).map(Json)
}

pub(crate) async fn html(State(books): State<Books>, Path(id): Path<u32>) -> Option<Html<String>> {
    let book = books.get(id)?;
    let title = book.about.title.replace('&', "&amp;").replace('<', "&lt;");
    Some(Html(format!("<!doctype html><title>{title}</title><h1>{title}</h1>")))
}

pub(crate) async fn add(State(books): State<Books>, Valid(Json(book)): Valid<Json<NewBook>>) -> Created<Json<Book>> {
    let id = books.insert(book.clone());
    Created::new(format!("/books/{id}"), Json(Book { id, about: book }))
}

pub(crate) async fn change(
    State(books): State<Books>,
    Path(id): Path<u32>,
    Valid(Json(book)): Valid<Json<NewBook>>,
) -> Option<Json<Book>> {
    let mut books = books.lock();
    let place = books.get_mut(&id)?;
    *place = book.clone();
    Some(Json(Book { id, about: book }))
}

pub(crate) async fn remove(State(books): State<Books>, Path(id): Path<u32>) -> Option<NoContent> {
    books.lock().remove(&id).map(|_| NoContent)
}

pub(crate) async fn remind(
    State(books): State<Books>,
    Path(id): Path<u32>,
    Valid(Form(reminder)): Valid<Form<Reminder>>,
) -> Option<StatusCode> {
    books.get(id)?;
    println!(
        "in {} days {} is to bring book {id} back",
        reminder.days, reminder.reader
    );
    Some(StatusCode::ACCEPTED)
}

fn ten() -> u8 {
    10
}
