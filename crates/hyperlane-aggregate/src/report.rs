//! The report: all parts of an answer, and whether it is whole.

use std::any::Any;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyperlane::{HeaderValue, IntoResponse, Json, Problem, Response, StatusCode};
use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use crate::failure::Failure;
use crate::part::{AnyPart, Part, State, millis};

/// What the sources of an [`Aggregate`](crate::Aggregate) gave.
///
/// As a response it is JSON: `complete` (whether all parts are fresh), `elapsed_ms`, and `parts` by the name of their
/// source, each a [`Part`]. It is a 200 however few parts there are, unless one that is
/// [required](crate::Aggregate::required) has failed: then it is a 502 that names it (RFC 9457), with the same members.
/// What is not complete forbids caches to keep it.
#[derive(Debug, Clone)]
pub struct Report {
    parts: Vec<(AnyPart, bool)>,
    elapsed: Duration,
}

impl Report {
    pub(crate) fn new(parts: impl Iterator<Item = (AnyPart, bool)>, elapsed: Duration) -> Self {
        Self {
            parts: parts.collect(),
            elapsed,
        }
    }

    /// The value of this source, if there is one and it is of this type.
    pub fn get<T: Any>(&self, name: &str) -> Option<&T> {
        self.part(name)?.get()
    }

    /// The part of this source.
    pub fn part(&self, name: &str) -> Option<&AnyPart> {
        self.parts().find(|part| part.name() == name)
    }

    /// All parts, in the order of their sources.
    pub fn parts(&self) -> impl Iterator<Item = &AnyPart> {
        self.parts.iter().map(|(part, _)| part)
    }

    /// Whether all parts are fresh.
    pub fn is_complete(&self) -> bool {
        self.parts().all(|part| part.state() == State::Fresh)
    }

    /// The parts that have failed although they are required; the answer is worth nothing without them.
    pub fn missing(&self) -> impl Iterator<Item = &AnyPart> {
        let missing = |(part, required): &&(AnyPart, bool)| *required && part.state() == State::Failed;
        self.parts.iter().filter(missing).map(|(part, _)| part)
    }

    /// How long all of it took.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut report = serializer.serialize_struct("Report", 3)?;
        report.serialize_field("complete", &self.is_complete())?;
        report.serialize_field("elapsed_ms", &millis(self.elapsed))?;
        report.serialize_field("parts", &ByName(&self.parts))?;
        report.end()
    }
}

struct ByName<'a>(&'a [(AnyPart, bool)]);

impl Serialize for ByName<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut parts = serializer.serialize_map(Some(self.0.len()))?;
        for (part, _) in self.0 {
            parts.serialize_entry(part.name(), part)?;
        }
        parts.end()
    }
}

impl IntoResponse for Report {
    fn into_response(mut self) -> Response {
        let mut response = self.respond();
        if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
            self.leave_out_what_is_no_json();
            response = self.respond();
        }
        if !self.is_complete() {
            let headers = response.headers_mut();
            headers.insert("cache-control", HeaderValue::from_static("no-store"));
        }
        response
    }
}

impl Report {
    fn respond(&self) -> Response {
        let missing: Vec<&str> = self.missing().map(Part::name).collect();
        if missing.is_empty() {
            return Json(self).into_response();
        }
        Problem::new(StatusCode::BAD_GATEWAY)
            .with_detail(format!("nothing to be had from: {}", missing.join(", ")))
            .with_member("complete", self.is_complete())
            .with_member("elapsed_ms", millis(self.elapsed))
            .with_member("parts", ByName(&self.parts))
            .into_response()
    }

    /// A value may be none that JSON can say, such as a map whose keys are no strings. That is the failure of its source,
    /// not of the others.
    fn leave_out_what_is_no_json(&mut self) {
        for (part, _) in &mut self.parts {
            let written = part.value().map(|value| serde_json::to_writer(io::sink(), value));
            if let Some(Err(error)) = written {
                tracing::error!(source = part.name(), %error, "a part can't be written as json");
                part.facts.state = State::Failed;
                part.facts.failure = Some(Failure::Error(Arc::new(error.into())));
                part.facts.age = None;
                part.value = None;
            }
        }
    }
}
