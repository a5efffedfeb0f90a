//! `GET /scenarios`: where the article sees asynchronous programming at work, and what was measured of it.

use hyperlane::{Json, State};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    app::Showcase,
    measured::{Headline, Summary},
    results::ResultsError,
};

/// Answers with the article's four scenarios; their gains are the article's claims, and marked so. Beside each stands what
/// the last benchmark on this machine measured, or that there was none.
pub(crate) async fn scenarios(State(showcase): State<Showcase>) -> Json<[AsyncScenario; 4]> {
    let summaries = showcase.results.scenarios().await;
    Json(SCENARIOS.map(|scenario| AsyncScenario {
        name: scenario.name,
        description: scenario.description,
        performance_gain: scenario.gain,
        use_case: scenario.use_case,
        origin: "the article's claim, not measured here",
        page: scenario.page,
        measured: Measured::new(&summaries, scenario.key),
    }))
}

/// One scenario.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AsyncScenario {
    name: &'static str,
    description: &'static str,
    performance_gain: &'static str,
    use_case: &'static str,
    /// Where `performance_gain` comes from.
    origin: &'static str,
    /// The page of this showcase on which it can be tried.
    page: &'static str,
    measured: Measured,
}

/// What the last benchmark on this machine says.
#[derive(Debug, Serialize, JsonSchema)]
struct Measured {
    /// `measured`, `missing` or `broken`.
    status: &'static str,
    message: String,
    /// Empty unless it was measured.
    headlines: Vec<Headline>,
}

impl Measured {
    fn new(summaries: &Result<Vec<Summary>, ResultsError>, key: &str) -> Self {
        let (status, message, headlines) = match summaries {
            Ok(summaries) => {
                let summary = summaries.iter().find(|summary| summary.name == key);
                match summary.map(|summary| summary.headlines.clone()) {
                    Some(headlines) if !headlines.is_empty() => ("measured", MEASURED.to_owned(), headlines),
                    _ => ("missing", MISSING.to_owned(), Vec::new()),
                }
            }
            Err(ResultsError::Missing) => ("missing", MISSING.to_owned(), Vec::new()),
            Err(ResultsError::Broken(reason)) => (
                "broken",
                format!("the benchmark's file can't be used: {reason}"),
                Vec::new(),
            ),
        };
        Self {
            status,
            message,
            headlines,
        }
    }
}

const MEASURED: &str = "figures of the last benchmark of the scenarios";
const MISSING: &str = "not measured on this machine";

/// What the article says, and where it is here.
struct Article {
    /// In the benchmark's file.
    key: &'static str,
    name: &'static str,
    description: &'static str,
    gain: &'static str,
    use_case: &'static str,
    page: &'static str,
}

const SCENARIOS: [Article; 4] = [
    Article {
        key: "aggregation",
        name: "Data Aggregation Service",
        description: "Concurrently fetch and aggregate data from multiple sources",
        gain: "60% reduction in response time",
        use_case: "Dashboard data display",
        page: "/dashboard",
    },
    Article {
        key: "uploads",
        name: "File Upload Processing",
        description: "Async processing of large file uploads and conversions",
        gain: "200% increase in throughput",
        use_case: "Image and video processing services",
        page: "/uploads",
    },
    Article {
        key: "real-time",
        name: "Real-time Communication",
        description: "Async message processing for WebSocket connections",
        gain: "Support for 100k concurrent connections",
        use_case: "Online chat and collaboration tools",
        page: "/chat",
    },
    Article {
        key: "batch",
        name: "Batch Data Processing",
        description: "Async processing of large data records",
        gain: "150% increase in processing speed",
        use_case: "Data import and ETL tasks",
        page: "/imports",
    },
];
