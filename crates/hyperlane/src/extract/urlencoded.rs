//! Values out of `application/x-www-form-urlencoded` text: queries and forms, arrays and nesting included.

use std::borrow::Cow;

use http::StatusCode;
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_qs::{Config, Deserializer, DuplicateKeyBehavior};

use super::field_path::{self, Misfit};
use super::rejection::{Rejection, RejectionKind, shorten};
use super::whole_number;
use crate::response::FieldLocation;

/// How deep brackets may nest; what is deeper is part of a name.
const MAX_DEPTH: usize = 8;
/// How many values that do not fit are left out or written otherwise before a text is refused.
const MAX_REPAIRS: usize = 16;

const CONFIG: Config = Config::new()
    .max_depth(MAX_DEPTH)
    .use_form_encoding(true)
    .duplicate_key_behavior(DuplicateKeyBehavior::Error);

/// Reads a query.
pub(crate) fn query_from_str<T: DeserializeOwned>(query: &str) -> Result<T, Rejection> {
    read(query, "query", StatusCode::BAD_REQUEST, FieldLocation::Query)
}

/// Reads a form.
pub(crate) fn form_from_str<T: DeserializeOwned>(form: &str) -> Result<T, Rejection> {
    read(form, "form", StatusCode::UNPROCESSABLE_ENTITY, FieldLocation::Form)
}

fn read<T: DeserializeOwned>(
    text: &str,
    what: &str,
    status: StatusCode,
    location: FieldLocation,
) -> Result<T, Rejection> {
    let mut text = upper_case_brackets(text.trim_matches('&'));
    if let Some(sorted) = nameless_last(&text) {
        text = Cow::Owned(sorted);
    }
    for _ in 0..MAX_REPAIRS {
        let deserializer = Deserializer::with_config(CONFIG, text.as_bytes()).map_err(|error| {
            let message = shorten(format!("{what} is malformed: {error}"));
            let rejection = Rejection::new(StatusCode::BAD_REQUEST, message);
            rejection.with_kind(RejectionKind::Malformed).with_source(error)
        })?;
        let misfit = match field_path::read(deserializer) {
            Ok(value) => return Ok(value),
            Err(misfit) => misfit,
        };
        let field = &misfit.path.dotted;
        match without_empty(&text, field).or_else(|| with_plain_numbers(&text, field)) {
            Some(repaired) => text = Cow::Owned(repaired),
            None => return Err(reject(misfit, what, status, location)),
        }
    }
    let message = format!(
        "{what} has more than {MAX_REPAIRS} values that are empty or no plain numbers: leave the empty ones out, and \
         write whole numbers in digits"
    );
    Err(Rejection::new(status, message).with_kind(RejectionKind::Invalid))
}

fn reject(misfit: Misfit<serde_qs::Error>, what: &str, status: StatusCode, location: FieldLocation) -> Rejection {
    let Misfit { path, error } = misfit;
    path.reject(what, status, location, &error.to_string())
        .with_source(error)
}

/// The parser knows encoded brackets in upper case alone; both are the same (RFC 3986 §2.1).
fn upper_case_brackets(text: &str) -> Cow<'_, str> {
    if text.contains("%5b") || text.contains("%5d") {
        Cow::Owned(text.replace("%5b", "%5B").replace("%5d", "%5D"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text without the empty value that did not fit at this field, if it has one: forms send what was left empty.
fn without_empty(text: &str, dotted: &str) -> Option<String> {
    let is_empty_one = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        value.is_empty() && !name.is_empty() && dotted_name(name) == dotted
    };
    let kept: Vec<_> = text.split('&').filter(|pair| !is_empty_one(pair)).collect();
    let shorter = kept.join("&");
    (shorter.len() < text.len()).then_some(shorter)
}

/// The text with the whole numbers that did not fit at this field in plain digits, if they are written otherwise:
/// `3.0` is 3, as it is in JSON.
fn with_plain_numbers(text: &str, dotted: &str) -> Option<String> {
    // The items of a list may all have its name.
    let list = dotted.strip_suffix(']').and_then(|dotted| dotted.rsplit_once('['));
    let belongs = |name: &str| {
        let name = dotted_name(name);
        name == dotted || list.is_some_and(|(list, _)| name.strip_suffix("[]").unwrap_or(&name) == list)
    };
    whole_number::plain_form(text, belongs, decoded)
}

/// The text with its values without a name behind all others, where the parser takes them for a field with an empty
/// name; in front it takes the first for the whole. `None` if there are no such values.
fn nameless_last(text: &str) -> Option<String> {
    let (nameless, named): (Vec<_>, Vec<_>) = text.split('&').partition(|pair| pair.starts_with('='));
    if nameless.is_empty() {
        return None;
    }
    // Where there is no field at all, values that belong to none are none.
    if named.is_empty() {
        return Some(String::new());
    }
    Some([named, nameless].concat().join("&"))
}

/// `filter[name]` as `filter.name`.
fn dotted_name(name: &str) -> String {
    let name = decoded(name);
    let Some((first, rest)) = name.split_once('[') else {
        return name;
    };
    let inner = rest.strip_suffix(']').unwrap_or(rest).split("][");
    inner.fold(first.to_owned(), |dotted, part| {
        if part.bytes().all(|byte| byte.is_ascii_digit()) {
            format!("{dotted}[{part}]")
        } else {
            format!("{dotted}.{part}")
        }
    })
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}
