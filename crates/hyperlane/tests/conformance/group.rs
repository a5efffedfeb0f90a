//! Runs a table of cases against one server, and reports each by its name.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::app::TestApp;
use crate::case::Case;

/// Connections at the same time: enough to overlap the waits, few enough for a small backlog.
const AT_ONCE: usize = 32;

/// Runs every case on a connection of its own, some at the same time.
///
/// Prints a line for each case, and panics at the end with the report of all that failed.
pub(crate) async fn run_all(group: &str, app: &TestApp, cases: Vec<Case>) {
    let total = cases.len();
    let free = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for (index, case) in cases.into_iter().enumerate() {
        let (free, addr, marks) = (Arc::clone(&free), app.addr(), app.marks().clone());
        running.spawn(async move {
            let _permit = free.acquire_owned().await.expect("the semaphore is never closed");
            let started = Instant::now();
            let verdict = case.run(addr, &marks).await;
            (index, case, started.elapsed(), verdict)
        });
    }
    let mut results = running.join_all().await;
    results.sort_by_key(|(index, ..)| *index);

    let mut failures = String::new();
    let mut failed = 0;
    for (_, case, took, verdict) in &results {
        let mark = if verdict.is_ok() { "ok  " } else { "FAIL" };
        println!(
            "{mark} {group}::{} [{}] {} ms",
            case.name,
            case.source,
            took.as_millis()
        );
        if let Err(report) = verdict {
            failed += 1;
            let _ = writeln!(failures, "  {} [{}]\n      {report}", case.name, case.source);
        }
    }
    assert!(failed == 0, "{failed} of {total} cases of {group} failed:\n{failures}");
}
