//! `GET /best-practices`: the article's advice, and a time-out that really happens.

use std::time::Instant;

use hyperlane::{Json, State};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::{Duration, timeout};

use crate::{
    app::Showcase,
    sources::{SLOW_ANSWER, milliseconds},
};

const LIMIT: Duration = Duration::from_millis(100);

/// Answers with the advice, after calling a partner that is slower than the call may take.
pub(crate) async fn best_practices(State(showcase): State<Showcase>) -> Json<BestPracticesResponse> {
    let start = Instant::now();
    // Dropping the call at its limit closes its connection: the partner stops as well.
    let outcome = timeout(LIMIT, showcase.sources.partner().ask_slow()).await;
    let elapsed = start.elapsed();

    let timeout_demo = match &outcome {
        Ok(Ok(answer)) => format!("Operation completed: {answer}"),
        Ok(Err(error)) => format!("Operation failed: {error}"),
        Err(_) => "Operation timed out".to_owned(),
    };
    Json(BestPracticesResponse {
        practices: PRACTICES,
        timeout_demo,
        timeout: TimeoutFigures {
            limit_ms: milliseconds(LIMIT),
            operation_ms: milliseconds(SLOW_ANSWER),
            elapsed_ms: milliseconds(elapsed),
            timed_out: outcome.is_err(),
        },
        performance_tips: PERFORMANCE_TIPS,
    })
}

const PRACTICES: AsyncBestPractices = AsyncBestPractices {
    avoid_blocking: "Use async versions of IO operations, avoid blocking calls",
    proper_error_handling: "Use Result types and ? operator for error propagation",
    resource_management: "Release resources promptly, avoid memory leaks",
    task_spawning: "Use tokio::spawn judiciously for concurrent tasks",
    yield_control: "Periodically yield control in CPU-intensive tasks",
    timeout_handling: "Set reasonable timeouts for async operations",
};

const PERFORMANCE_TIPS: [&str; 5] = [
    "Use tokio::join! to execute independent async operations concurrently",
    "Avoid blocking synchronous code in async functions",
    "Set appropriate buffer sizes to optimize memory usage",
    "Use stream processing for handling large amounts of data",
    "Monitor execution time and resource usage of async tasks",
];

/// The article's answer, with the time-out's figures.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BestPracticesResponse {
    practices: AsyncBestPractices,
    timeout_demo: String,
    timeout: TimeoutFigures,
    performance_tips: [&'static str; 5],
}

#[derive(Debug, Serialize, JsonSchema)]
struct AsyncBestPractices {
    avoid_blocking: &'static str,
    proper_error_handling: &'static str,
    resource_management: &'static str,
    task_spawning: &'static str,
    yield_control: &'static str,
    timeout_handling: &'static str,
}

/// What the time-out allowed, what the operation needs, and when the handler went on.
#[derive(Debug, Serialize, JsonSchema)]
struct TimeoutFigures {
    limit_ms: f64,
    operation_ms: f64,
    elapsed_ms: f64,
    timed_out: bool,
}
