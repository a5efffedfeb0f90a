//! What the API's document says of a report.

use std::collections::BTreeMap;

use hyperlane::openapi::schemars::JsonSchema;
use hyperlane::openapi::{DescribeResponse, Responses};
use serde::Serialize;
use serde_json::Value;

use crate::report::Report;

impl DescribeResponse for Report {
    fn describe_response(responses: Responses) -> Responses {
        responses
            .add(200, |response| {
                let response = response.description("what the sources gave, whole or in part");
                response.json::<Answer>()
            })
            .problem(502, "a source without which the answer is worth nothing gave nothing")
    }
}

/// What the sources gave.
#[derive(Serialize, JsonSchema)]
#[schemars(crate = "hyperlane::openapi::schemars", rename = "Report")]
struct Answer {
    /// Whether all parts are fresh.
    complete: bool,
    /// How long all of it took, in milliseconds.
    elapsed_ms: f64,
    /// What each source gave, by its name.
    parts: BTreeMap<String, PartOfAnswer>,
}

/// What one source gave.
#[derive(Serialize, JsonSchema)]
#[schemars(crate = "hyperlane::openapi::schemars", rename = "Part")]
struct PartOfAnswer {
    state: StateOfPart,
    /// The source's answer; `null` where it failed.
    value: Value,
    /// How long it took, in milliseconds.
    elapsed_ms: f64,
    /// How often the source was called.
    attempts: u32,
    /// How old the answer is, in milliseconds, where it was kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    age_ms: Option<f64>,
    /// Why the source gave no answer of its own, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    /// The same for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

/// Where a part comes from.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(crate = "hyperlane::openapi::schemars", rename = "State")]
#[expect(dead_code, reason = "only its schema is used")]
enum StateOfPart {
    /// From the source, lately.
    Fresh,
    /// Kept from earlier.
    Stale,
    /// Made up in its place.
    Fallback,
    /// There is none.
    Failed,
}
