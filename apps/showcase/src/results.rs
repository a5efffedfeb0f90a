//! The results of the last benchmark, read from the file that the benchmark writes.
//!
//! The file is looked up and read for every request of `/performance`, so that a benchmark's figures
//! appear without a restart. A file that is missing or broken is an answer, not an error: the page
//! says so and shows no figure.
//!
//! # Example
//!
//! ```
//! use showcase::results::Results;
//!
//! let text = r#"{"schema":1,"rows":[{"name":"hyperlane","requests_per_second":1000.0}]}"#;
//! assert_eq!(Results::parse(text.as_bytes()).unwrap().rows[0].name, "hyperlane");
//! ```

use std::{
    env, fmt,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::growth::{self, GrowthChart};
use crate::measured::{self, Summary};

/// The only layout of the file that is understood.
const SCHEMA: u64 = 1;

/// A results file is a few kilobytes; what is larger is something else.
const MAX_BYTES: u64 = 1024 * 1024;

/// What the benchmark writes beside it about growth.
const GROWTH_FILE: &str = "growth.json";

/// What the benchmark writes beside it about the article's scenarios.
const SCENARIOS_FILE: &str = "scenarios.json";

const DEFAULT_PATH: &str = "bench/results.json";

/// Where the results file is.
#[derive(Debug, Clone)]
pub enum ResultsFile {
    /// The file that `--results` names.
    Given(PathBuf),
    /// `bench/results.json` in this folder or the nearest one above it.
    Upward(PathBuf),
}

impl ResultsFile {
    /// The file of `--results`, or the default looked for upward from the current folder.
    #[must_use]
    pub fn new(given: Option<PathBuf>) -> Self {
        match given {
            Some(path) => Self::Given(path),
            None => Self::Upward(env::current_dir().unwrap_or_else(|_| PathBuf::from("."))),
        }
    }

    /// Reads the file as it is now, without blocking.
    ///
    /// # Errors
    ///
    /// [`ResultsError::Missing`] when there is none, [`ResultsError::Broken`] when it can't be used.
    pub async fn read(&self) -> Result<Results, ResultsError> {
        let file = self.clone();
        match tokio::task::spawn_blocking(move || file.read_blocking()).await {
            Ok(results) => results,
            Err(error) => Err(ResultsError::Broken(error.to_string())),
        }
    }

    /// Reads the file beside it that says how cost grows, without blocking; no charts where there is none.
    pub async fn growth(&self) -> Vec<GrowthChart> {
        let file = self.clone();
        let read = move || growth::read_blocking(&file.locate().with_file_name(GROWTH_FILE));
        tokio::task::spawn_blocking(read).await.unwrap_or_default()
    }

    /// Reads the file beside it that says how the article's scenarios went, without blocking.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read) has them.
    pub async fn scenarios(&self) -> Result<Vec<Summary>, ResultsError> {
        let file = self.clone();
        let read = move || measured::read_blocking(&file.locate().with_file_name(SCENARIOS_FILE));
        match tokio::task::spawn_blocking(read).await {
            Ok(summaries) => summaries,
            Err(error) => Err(ResultsError::Broken(error.to_string())),
        }
    }

    fn read_blocking(&self) -> Result<Results, ResultsError> {
        let path = self.locate();
        let mut bytes = Vec::new();
        match File::open(&path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)) {
            Ok(_) if bytes.len() as u64 > MAX_BYTES => Err(ResultsError::Broken(format!("exceeds {MAX_BYTES} bytes"))),
            Ok(_) => Results::parse(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ResultsError::Missing),
            Err(error) => Err(ResultsError::Broken(error.to_string())),
        }
    }

    fn locate(&self) -> PathBuf {
        match self {
            Self::Given(path) => path.clone(),
            Self::Upward(folder) => folder
                .ancestors()
                .map(|folder| folder.join(DEFAULT_PATH))
                .find(|path| path.is_file())
                .unwrap_or_else(|| PathBuf::from(DEFAULT_PATH)),
        }
    }
}

impl fmt::Display for ResultsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path: &Path = match self {
            Self::Given(path) => path,
            Self::Upward(_) => Path::new(DEFAULT_PATH),
        };
        path.display().fmt(f)
    }
}

/// Why there are no results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResultsError {
    /// No benchmark has been run, or its file lies elsewhere.
    Missing,
    /// The file is there, but its content can't be used.
    Broken(String),
}

/// One run of the benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Results {
    schema: u64,
    /// When the benchmark ran.
    pub date: Option<String>,
    /// What it ran on.
    pub machine: Option<String>,
    /// How the load was made.
    pub workload: Option<String>,
    /// Connections at once.
    pub connections: Option<u32>,
    /// How long the load lasted for each server, in seconds.
    pub seconds: Option<u32>,
    /// One row for each server measured.
    pub rows: Vec<Row>,
}

/// The figures of one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// The server's name.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// Requests answered in a second.
    pub requests_per_second: f64,
    /// The mean time to an answer, in milliseconds.
    pub latency_avg_ms: Option<f64>,
    /// The longest time to an answer, in milliseconds.
    pub latency_max_ms: Option<f64>,
    /// The time within which 99 of 100 answers came, in milliseconds.
    pub latency_p99_ms: Option<f64>,
    /// Requests per second over those of raw tokio in the same run.
    pub ratio_to_raw_tokio: Option<f64>,
    /// Requests answered in the whole run.
    pub requests_total: Option<u64>,
    /// Requests that failed.
    pub errors: Option<u64>,
}

impl Results {
    /// Parses the content of a results file.
    ///
    /// # Errors
    ///
    /// [`ResultsError::Broken`] when it is not JSON of the known schema with at least one row, or a
    /// row has no positive rate.
    pub fn parse(bytes: &[u8]) -> Result<Self, ResultsError> {
        let broken = |reason: String| Err(ResultsError::Broken(reason));
        let results: Self = match serde_json::from_slice(bytes) {
            Ok(results) => results,
            Err(error) => return broken(error.to_string()),
        };
        if results.schema != SCHEMA {
            return broken(format!(
                "schema {} is unknown; this showcase reads schema {SCHEMA}",
                results.schema
            ));
        }
        if results.rows.is_empty() {
            return broken("it has no rows".to_owned());
        }
        match results.rows.iter().find(|row| row.requests_per_second <= 0.0) {
            Some(row) => broken(format!("requests_per_second of {:?} is not positive", row.name)),
            None => Ok(results),
        }
    }

    /// The row of hyperlane itself.
    #[must_use]
    pub fn hyperlane(&self) -> Option<&Row> {
        let named = |wanted: fn(&str) -> bool| self.rows.iter().find(|row| wanted(&row.name.to_lowercase()));
        named(|name| name == "hyperlane").or_else(|| named(|name| name.starts_with("hyperlane")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        match Results::parse(text.as_bytes()) {
            Err(ResultsError::Broken(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn reads_a_row_with_only_its_required_fields() {
        let results =
            Results::parse(br#"{"schema":1,"rows":[{"name":"Hyperlane 0.1","requests_per_second":2}]}"#).unwrap();
        assert_eq!(results.hyperlane().unwrap().requests_per_second, 2.0);
        assert_eq!(results.rows[0].latency_avg_ms, None);
    }

    #[test]
    fn ignores_fields_it_does_not_know() {
        assert!(
            Results::parse(br#"{"schema":1,"new":{},"rows":[{"name":"a","requests_per_second":1,"x":[]}]}"#).is_ok()
        );
    }

    #[test]
    fn says_why_a_file_is_broken() {
        assert_eq!(
            reason(r#"{"schema":2,"rows":[]}"#),
            "schema 2 is unknown; this showcase reads schema 1"
        );
        assert_eq!(reason(r#"{"schema":1,"rows":[]}"#), "it has no rows");
        assert!(reason("").starts_with("EOF"));
        assert!(reason(r#"{"schema":1,"rows":[{"name":"a"}]}"#).contains("requests_per_second"));
        assert!(reason(r#"{"schema":1,"rows":[{"name":"a","requests_per_second":0}]}"#).contains("not positive"));
    }

    #[tokio::test]
    async fn finds_the_default_file_in_a_folder_above() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("a").join("b");
        std::fs::create_dir_all(&deep).unwrap();
        let file = ResultsFile::Upward(deep);
        assert_eq!(file.read().await, Err(ResultsError::Missing));

        std::fs::create_dir(root.path().join("bench")).unwrap();
        let text = r#"{"schema":1,"rows":[{"name":"a","requests_per_second":1}]}"#;
        std::fs::write(root.path().join("bench").join("results.json"), text).unwrap();
        assert_eq!(file.read().await.unwrap().rows.len(), 1);
    }
}
