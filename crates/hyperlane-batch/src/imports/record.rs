//! A record as it stands in its source, and how it becomes a value.

use std::sync::Arc;

use csv::{ByteRecord, StringRecord};
use serde::de::DeserializeOwned;

use super::rejected::Rejected;

/// A record that was told apart from its neighbours, and not looked at yet.
#[derive(Debug)]
pub(super) struct Record {
    /// Its number in the source, from 1, the header not counted.
    pub(super) number: u64,
    /// The line that it begins on, from 1.
    pub(super) line: u64,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Csv {
        header: Arc<StringRecord>,
        fields: ByteRecord,
    },
    Json(Vec<u8>),
    /// It was passed over while it was read.
    Refused(Rejected),
}

impl Content {
    pub(super) fn parse<T: DeserializeOwned>(self) -> Result<T, Rejected> {
        match self {
            Self::Csv { header, fields } => parse_csv(&header, fields),
            Self::Json(bytes) => parse_json(&bytes),
            Self::Refused(rejected) => Err(rejected),
        }
    }
}

fn parse_csv<T: DeserializeOwned>(header: &StringRecord, fields: ByteRecord) -> Result<T, Rejected> {
    let named = |index: usize| header.get(index).unwrap_or_default().to_owned();
    if fields.len() != header.len() {
        let (fields, columns) = (fields.len(), header.len());
        return Err(Rejected::new(format!(
            "has {fields} fields where the header has {columns}"
        )));
    }
    let record = StringRecord::from_byte_record(fields)
        .map_err(|error| Rejected::field(named(error.utf8_error().field()), "is no valid UTF-8"))?;
    record.deserialize(Some(header)).map_err(|error| match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => {
            let field = err.field().and_then(|field| usize::try_from(field).ok());
            Rejected::field(field.map(named).unwrap_or_default(), err.kind().to_string())
        }
        _ => Rejected::new(error.to_string()),
    })
}

fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Rejected> {
    if std::str::from_utf8(bytes).is_err() {
        return Err(Rejected::new("is no valid UTF-8"));
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        Rejected::field(path, without_place(&error.into_inner()))
    })?;
    json.end()
        .map_err(|_| Rejected::new("goes on after its value: one value belongs on a line"))?;
    Ok(value)
}

/// The line is known better by the reader: to the parser each record is line 1.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((reason, _)) => format!("{reason} at column {}", error.column()),
        None => text,
    }
}
