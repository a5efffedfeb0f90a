//! What was measured of the article's four scenarios, read from the file that the benchmark's `scenarios` writes beside the
//! other results.
//!
//! A file that is missing or broken is an answer, not an error: nothing is shown that nobody measured.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::results::ResultsError;

/// The only layout of the file that is understood.
const SCHEMA: u64 = 1;

/// A file of figures; what is larger is something else.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// One of the four, in short.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Summary {
    /// `aggregation`, `uploads`, `real-time` or `batch`.
    pub name: String,
    /// None where nothing was measured.
    pub headlines: Vec<Headline>,
}

/// One comparison of a way without async and ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Headline {
    /// What was done.
    pub what: String,
    /// What came of it, in words.
    pub text: String,
    /// Of both figures.
    pub unit: String,
    /// The way without async, where there is one.
    pub plain: Option<Side>,
    /// Ours.
    pub ours: Side,
    /// Ours to the plain one; absent where that got nothing done.
    pub ratio: Option<f64>,
    /// Measured in short slices, which are no comparison.
    pub quick: bool,
    /// When, in UTC.
    pub measured: String,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    /// How it does it.
    pub how: String,
    /// The median of the rounds.
    pub figure: f64,
    /// The most memory that its server had at once, in bytes.
    pub memory: Option<f64>,
}

/// Reads the summaries of a file.
///
/// # Errors
///
/// [`ResultsError::Missing`] when there is none, [`ResultsError::Broken`] when it can't be used.
pub fn read_blocking(path: &Path) -> Result<Vec<Summary>, ResultsError> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes)) {
        Ok(_) => parse(&bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ResultsError::Missing),
        Err(error) => Err(ResultsError::Broken(error.to_string())),
    }
}

#[derive(Deserialize)]
struct Scenarios {
    schema: u64,
    scenarios: Vec<Summary>,
}

fn parse(bytes: &[u8]) -> Result<Vec<Summary>, ResultsError> {
    match serde_json::from_slice(bytes) {
        Ok(Scenarios {
            schema: SCHEMA,
            scenarios,
        }) => Ok(scenarios),
        Ok(Scenarios { schema, .. }) => Err(ResultsError::Broken(format!(
            "schema {schema} is unknown; this showcase reads schema {SCHEMA}"
        ))),
        Err(error) => Err(ResultsError::Broken(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_summaries_and_ignores_what_it_does_not_know() {
        let text = br#"{"schema":1,"machine":"m","cases":[],"scenarios":[{"name":"batch","title":"Batch","claim":"more","headlines":[
            {"what":"w","text":"t","unit":"u","plain":null,"ours":{"how":"h","figure":2.5,"memory":null},"ratio":null,"quick":false,
             "measured":"2026-01-31 23:59"}]}]}"#;
        let summaries = parse(text).unwrap();
        assert_eq!(summaries[0].name, "batch");
        assert_eq!(summaries[0].headlines[0].ours.figure, 2.5);
    }

    #[test]
    fn tells_a_missing_file_from_a_broken_one() {
        assert_eq!(read_blocking(Path::new("no such file")), Err(ResultsError::Missing));
        assert!(matches!(parse(b"{"), Err(ResultsError::Broken(_))));
        let other = parse(br#"{"schema":2,"scenarios":[]}"#);
        assert!(matches!(other, Err(ResultsError::Broken(reason)) if reason.contains("schema 2")));
    }
}
