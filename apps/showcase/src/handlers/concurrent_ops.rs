//! `GET /concurrent-ops`: a hundred tasks that compute and yield.

use std::time::Instant;

use futures::future::join_all;
use hyperlane::Json;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::task::yield_now;

use crate::sources::milliseconds;

const TASKS: usize = 100;

/// Spawns the tasks, waits for all, and reports how they ended.
pub(crate) async fn concurrent_ops() -> Json<ConcurrentReport> {
    let start = Instant::now();
    let tasks: Vec<_> = (0..TASKS).map(|id| tokio::spawn(async_computation(id))).collect();
    let results = join_all(tasks).await;
    let elapsed = start.elapsed();

    let successful_tasks = results.iter().filter(|result| result.is_ok()).count();
    Json(ConcurrentReport {
        tasks_created: TASKS,
        successful_tasks,
        total_time_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        average_time_per_task_ms: milliseconds(elapsed) / TASKS as f64,
        concurrency_efficiency: successful_tasks as f64 / TASKS as f64 * 100.0,
    })
}

/// How the tasks ended.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ConcurrentReport {
    tasks_created: usize,
    successful_tasks: usize,
    total_time_ms: u64,
    average_time_per_task_ms: f64,
    concurrency_efficiency: f64,
}

/// A computation that gives the other tasks of its worker a turn every thousand steps.
async fn async_computation(id: usize) -> String {
    let mut result = 0u64;
    for step in 0..10_000 {
        result = result.wrapping_add(step);
        if step % 1000 == 0 {
            yield_now().await;
        }
    }
    format!("Task {id} result: {result}")
}
