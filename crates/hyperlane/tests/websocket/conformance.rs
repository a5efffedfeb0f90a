//! The cases of the Autobahn suite, driven by `kosoku`, against a server that compresses.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use serde::Deserialize;

use super::tools::{output, serve, tool};

/// All that the suite has.
const CASES: usize = 517;
/// It takes a few minutes of two cores, most of it the suite's own.
const PATIENCE: Duration = Duration::from_secs(1800);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    behavior: String,
    behavior_close: String,
}

/// Every case passes strictly: neither "non-strict" nor with another close code than the suite expects, and nothing is
/// left out as not implemented.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_cases_of_the_autobahn_suite_pass_strictly() {
    let Some(kosoku) = tool("kosoku", "all_cases_of_the_autobahn_suite_pass_strictly") else {
        return;
    };
    let (server, _) = serve("").await;
    let reports = tempfile::tempdir().unwrap();
    let folder = reports.path().to_str().unwrap();
    let address = format!("ws://{}", server.local_addr());
    let arguments = ["--parallelism", "4", "--outdir", folder, &address];
    output(&kosoku, &arguments, PATIENCE).await;

    let index = fs::read_to_string(reports.path().join("index.json")).unwrap();
    let agents: BTreeMap<String, BTreeMap<String, Case>> = serde_json::from_str(&index).unwrap();
    let cases: Vec<_> = agents.values().flatten().collect();
    assert_eq!(cases.len(), CASES);
    let passes = |(name, case): &&(&String, &Case)| {
        // Of these the suite only tells how they end: none of the ways is wrong.
        let informational = case.behavior == "INFORMATIONAL" && name.starts_with("7.");
        (case.behavior == "OK" || informational)
            && (case.behavior_close == "OK" || (informational && case.behavior_close == "INFORMATIONAL"))
    };
    let failed: Vec<_> = cases.iter().filter(|case| !passes(case)).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    server.shutdown().await;
}
