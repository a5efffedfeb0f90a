//! `GET /scenarios`: where the article sees asynchronous programming at work.

use hyperlane::Json;
use schemars::JsonSchema;
use serde::Serialize;

/// Answers with the article's four scenarios; their gains are the article's claims, and marked so.
pub(crate) async fn scenarios() -> Json<[AsyncScenario; 4]> {
    Json([
        AsyncScenario {
            name: "Data Aggregation Service",
            description: "Concurrently fetch and aggregate data from multiple sources",
            performance_gain: "60% reduction in response time",
            use_case: "Dashboard data display",
            origin: ARTICLE,
        },
        AsyncScenario {
            name: "File Upload Processing",
            description: "Async processing of large file uploads and conversions",
            performance_gain: "200% increase in throughput",
            use_case: "Image and video processing services",
            origin: ARTICLE,
        },
        AsyncScenario {
            name: "Real-time Communication",
            description: "Async message processing for WebSocket connections",
            performance_gain: "Support for 100k concurrent connections",
            use_case: "Online chat and collaboration tools",
            origin: ARTICLE,
        },
        AsyncScenario {
            name: "Batch Data Processing",
            description: "Async processing of large data records",
            performance_gain: "150% increase in processing speed",
            use_case: "Data import and ETL tasks",
            origin: ARTICLE,
        },
    ])
}

const ARTICLE: &str = "the article's claim, not measured here";

/// One scenario.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AsyncScenario {
    name: &'static str,
    description: &'static str,
    performance_gain: &'static str,
    use_case: &'static str,
    /// Where `performance_gain` comes from.
    origin: &'static str,
}
