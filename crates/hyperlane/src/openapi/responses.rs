//! What an operation answers: responses by their status.

use http::StatusCode;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::schemas::Schemas;
use crate::response::Problem;

pub(super) const PROBLEM: &str = "application/problem+json";

/// Which status a response has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// This one.
    Code(u16),
    /// One of those that begin with this digit.
    Class(u8),
    /// The type does not tell. [`Operation::response`](super::Operation::response) can.
    Open,
    /// An error, of whichever status.
    Failure,
}

/// The responses of an operation, while they are described.
#[derive(Clone, Debug)]
pub struct Responses {
    list: Vec<(Status, ResponseDescription)>,
    schemas: Schemas,
}

/// One response: its bodies and headers.
#[derive(Clone, Debug)]
pub struct ResponseDescription {
    description: Option<String>,
    content: Vec<(String, Option<Schema>)>,
    headers: Vec<(String, String)>,
    schemas: Schemas,
}

impl Responses {
    pub(super) fn new(schemas: &Schemas) -> Self {
        Self {
            list: Vec::new(),
            schemas: schemas.clone(),
        }
    }

    /// Adds a response. If one of this status is there, the new one is another form of it.
    #[must_use]
    pub fn add(
        mut self,
        status: impl Into<Status>,
        describe: impl FnOnce(ResponseDescription) -> ResponseDescription,
    ) -> Self {
        let response = describe(self.empty());
        self.insert(status.into(), response);
        self
    }

    /// Adds responses that `describe` makes apart from these, so that what it changes are its own alone.
    #[must_use]
    pub fn within(mut self, describe: impl FnOnce(Self) -> Self) -> Self {
        self.merge(describe(Self::new(&self.schemas)));
        self
    }

    /// Gives all of them this status, errors excepted.
    #[must_use]
    pub fn with_status(mut self, status: impl Into<Status>) -> Self {
        let status = status.into();
        for (old, response) in std::mem::take(&mut self.list) {
            let new = if old == Status::Failure { old } else { status };
            self.insert(new, response);
        }
        self
    }

    /// Gives all of them a header.
    #[must_use]
    pub fn with_header(mut self, name: &str, description: &str) -> Self {
        for (_, response) in &mut self.list {
            response.headers.push((name.to_owned(), description.to_owned()));
        }
        self
    }

    /// Adds an error that is told as a [`Problem`].
    #[must_use]
    pub fn problem(self, status: impl Into<Status>, description: &str) -> Self {
        self.add(status, |response| response.description(description).problem())
    }

    pub(super) fn merge(&mut self, other: Self) {
        for (status, response) in other.list {
            self.insert(status, response);
        }
    }

    /// Describes one of them further. One whose status no type tells gets this one: it is what the open one is.
    pub(super) fn refine(&mut self, status: Status, describe: impl FnOnce(ResponseDescription) -> ResponseDescription) {
        let open = self.find(Status::Open).cloned();
        let response = self.find(status).cloned().or(open).unwrap_or_else(|| self.empty());
        let response = describe(ResponseDescription {
            description: None,
            ..response
        });
        self.list.retain(|(other, _)| *other != status);
        self.list.push((status, response));
    }

    /// Forgets the open one, after [`refine`](Self::refine) has said what it is.
    pub(super) fn close(&mut self) {
        self.list.retain(|(status, _)| *status != Status::Open);
    }

    pub(super) fn has(&self, status: Status) -> bool {
        self.find(status).is_some()
    }

    pub(super) fn to_value(&self) -> Value {
        let mut all = Self::new(&self.schemas);
        for (status, response) in &self.list {
            // Both are what the document calls `default`.
            let status = if *status == Status::Failure {
                Status::Open
            } else {
                *status
            };
            all.insert(status, response.clone());
        }
        let responses = all.list.iter().map(|(status, response)| {
            let key = status.key();
            let value = response.to_value(*status);
            (key, value)
        });
        let mut map: Map<_, _> = responses.collect();
        if map.is_empty() {
            // A document must have one (OpenAPI 3.1 §4.8.16).
            map.insert("default".into(), json!({ "description": Status::Open.phrase() }));
        }
        Value::Object(map)
    }

    fn insert(&mut self, status: Status, response: ResponseDescription) {
        match self.list.iter_mut().find(|(other, _)| *other == status) {
            Some((_, existing)) => existing.merge(response),
            None => self.list.push((status, response)),
        }
    }

    fn find(&self, status: Status) -> Option<&ResponseDescription> {
        let found = self.list.iter().find(|(other, _)| *other == status);
        found.map(|(_, response)| response)
    }

    fn empty(&self) -> ResponseDescription {
        ResponseDescription {
            description: None,
            content: Vec::new(),
            headers: Vec::new(),
            schemas: self.schemas.clone(),
        }
    }
}

impl ResponseDescription {
    /// What it means. Default: the reason phrase of its status.
    #[must_use]
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// It may have a body of this media type, whose content is not told further.
    #[must_use]
    pub fn body(mut self, media_type: &str) -> Self {
        self.add_content(media_type, None);
        self
    }

    /// It may have a body of this media type that is a `T`.
    #[must_use]
    pub fn body_of<T: JsonSchema>(mut self, media_type: &str) -> Self {
        let schema = self.schemas.output::<T>();
        self.add_content(media_type, Some(schema));
        self
    }

    /// It may have a body that is a `T` as JSON.
    #[must_use]
    pub fn json<T: JsonSchema>(self) -> Self {
        self.body_of::<T>("application/json")
    }

    /// It may have a body that is a [`Problem`].
    #[must_use]
    pub fn problem(self) -> Self {
        self.body_of::<Problem>(PROBLEM)
    }

    /// It has a header.
    #[must_use]
    pub fn header(mut self, name: &str, description: &str) -> Self {
        self.headers.push((name.to_owned(), description.to_owned()));
        self
    }

    fn add_content(&mut self, media_type: &str, schema: Option<Schema>) {
        match self.content.iter_mut().find(|(other, _)| other == media_type) {
            Some((_, existing)) => *existing = either(existing.take(), schema),
            None => self.content.push((media_type.to_owned(), schema)),
        }
    }

    fn merge(&mut self, other: Self) {
        self.description = match (self.description.take(), other.description) {
            (Some(own), Some(other)) if own != other => Some(format!("{own}, or: {other}")),
            (own, other) => own.or(other),
        };
        for (media_type, schema) in other.content {
            self.add_content(&media_type, schema);
        }
        for header in other.headers {
            if !self.headers.iter().any(|(name, _)| *name == header.0) {
                self.headers.push(header);
            }
        }
    }

    fn to_value(&self, status: Status) -> Value {
        let description = self.description.clone().unwrap_or_else(|| status.phrase());
        let mut value = json!({ "description": description });
        if !self.content.is_empty() {
            let content: Map<_, _> = self
                .content
                .iter()
                .map(|(media_type, schema)| (media_type.clone(), media_type_value(schema.as_ref())))
                .collect();
            value["content"] = Value::Object(content);
        }
        if !self.headers.is_empty() {
            let headers: Map<_, _> = self
                .headers
                .iter()
                .map(|(name, description)| {
                    let header = json!({ "description": description, "schema": { "type": "string" } });
                    (name.clone(), header)
                })
                .collect();
            value["headers"] = Value::Object(headers);
        }
        value
    }
}

impl Status {
    fn key(self) -> String {
        match self {
            Self::Code(code) => code.to_string(),
            Self::Class(digit) => format!("{digit}XX"),
            Self::Open | Self::Failure => "default".to_owned(),
        }
    }

    fn phrase(self) -> String {
        let phrase = match self {
            Self::Code(code) => StatusCode::from_u16(code)
                .ok()
                .and_then(|status| status.canonical_reason())
                .map(str::to_lowercase),
            Self::Class(3) => Some("a redirect".to_owned()),
            Self::Class(_) | Self::Open => Some("the answer".to_owned()),
            Self::Failure => Some("an error".to_owned()),
        };
        phrase.unwrap_or_else(|| "the answer".to_owned())
    }
}

impl From<u16> for Status {
    fn from(code: u16) -> Self {
        Self::Code(code)
    }
}

impl From<StatusCode> for Status {
    fn from(status: StatusCode) -> Self {
        Self::Code(status.as_u16())
    }
}

pub(super) fn media_type_value(schema: Option<&Schema>) -> Value {
    schema.map_or_else(|| json!({}), |schema| json!({ "schema": schema }))
}

/// A value of one schema or the other; no schema is anything.
pub(super) fn either(one: Option<Schema>, other: Option<Schema>) -> Option<Schema> {
    let (one, other) = (one?, other?);
    if one == other {
        return Some(one);
    }
    let mut choices = match one.get("anyOf").and_then(Value::as_array) {
        Some(choices) if one.as_object().is_some_and(|object| object.len() == 1) => choices.clone(),
        _ => vec![one.to_value()],
    };
    let other = other.to_value();
    if !choices.contains(&other) {
        choices.push(other);
    }
    Schema::try_from(json!({ "anyOf": choices })).ok()
}
