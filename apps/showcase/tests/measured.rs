//! `/scenarios` shows what the benchmark measured beside what the article claims.

mod support;

use std::fs;

use serde_json::json;
use support::Running;

#[tokio::test]
async fn says_that_nothing_was_measured_without_a_file() {
    let showcase = Running::start(0.0).await;
    for scenario in showcase.json("/scenarios").await.as_array().unwrap() {
        let measured = &scenario["measured"];
        assert_eq!(measured["status"], "missing");
        assert_eq!(measured["message"], "not measured on this machine");
        assert_eq!(measured["headlines"], json!([]));
    }
    showcase.stop().await;
}

#[tokio::test]
async fn shows_the_figures_of_the_file_as_they_are_now() {
    let showcase = Running::start(0.0).await;
    let file = showcase.folder.path().join("scenarios.json");
    let headline = json!({
        "what": "CSV into SQLite", "text": "150% more speed", "unit": "records/s",
        "plain": { "how": "row by row", "figure": 1000.0, "memory": 2048.0 },
        "ours": { "how": "in transactions", "figure": 2500.0, "memory": null },
        "ratio": 2.5, "quick": false, "measured": "2026-01-31 23:59",
    });
    let text = json!({
        "schema": 1, "machine": "a machine", "cases": [],
        "scenarios": [{ "name": "batch", "title": "Batch", "claim": "more", "headlines": [headline] }],
    });
    fs::write(&file, text.to_string()).unwrap();
    let scenarios = showcase.json("/scenarios").await;
    assert_eq!(scenarios[0]["measured"]["status"], "missing");
    assert_eq!(scenarios[3]["measured"]["status"], "measured");
    assert_eq!(scenarios[3]["measured"]["headlines"], json!([headline]));
    assert_eq!(scenarios[3]["page"], "/imports");

    fs::write(&file, "{").unwrap();
    let scenarios = showcase.json("/scenarios").await;
    assert_eq!(scenarios[3]["measured"]["status"], "broken");
    showcase.stop().await;
}
