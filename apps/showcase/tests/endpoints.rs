//! Each page of the showcase, over real HTTP.

#![expect(
    clippy::unwrap_used,
    reason = "how a test says what must hold, in its helpers as well"
)]

#[path = "support/postgres.rs"]
mod postgres;
mod support;

use std::{collections::BTreeSet, fs, time::Duration};

use hyperlane::{Server, ServerConfig};
use serde_json::{Value, json};
use support::{Running, json as body};

fn span(response: &Value, source: &str) -> (f64, f64) {
    let timeline = response["timeline"].as_array().unwrap();
    let span = timeline.iter().find(|span| span["source"] == source).unwrap();
    (span["start_ms"].as_f64().unwrap(), span["end_ms"].as_f64().unwrap())
}

#[tokio::test]
async fn async_data_waits_for_the_three_sources_at_once() {
    let showcase = Running::start(1.0).await;
    let response = showcase.get("/async-data").await;
    assert_eq!(response.status(), 200);
    let header = response.headers()["x-execution-time"].to_str().unwrap().to_owned();
    let answer = body(response).await;

    let total = answer["total_time_ms"].as_u64().unwrap();
    assert!((300..600).contains(&total), "{answer}");
    assert_eq!(header, format!("{total}ms"));
    assert_eq!(answer["execution_mode"], "concurrent");
    assert!(
        answer["database_data"]
            .as_str()
            .unwrap()
            .starts_with("60 orders from the north"),
        "{answer}"
    );
    assert!(
        answer["api_data"]
            .as_str()
            .unwrap()
            .starts_with("Delivery to the north"),
        "{answer}"
    );
    assert_eq!(answer["file_data"], "region = north\ncurrency = EUR");
    for (source, least) in [("database", 200.0), ("partner", 300.0), ("file", 100.0)] {
        let (start, end) = span(&answer, source);
        assert!(
            start < 100.0 && end - start >= least,
            "{source} ran from {start} to {end}"
        );
    }
    showcase.stop().await;
}

#[tokio::test]
async fn sync_data_waits_for_one_source_after_another() {
    let showcase = Running::start(1.0).await;
    let answer = showcase.json("/sync-data").await;
    assert!(answer["total_time_ms"].as_u64().unwrap() >= 600, "{answer}");
    assert_eq!(answer["execution_mode"], "sequential");
    let (database, partner, file) = (
        span(&answer, "database"),
        span(&answer, "partner"),
        span(&answer, "file"),
    );
    assert!(database.1 <= partner.0 && partner.1 <= file.0, "{answer}");
    showcase.stop().await;
}

#[tokio::test]
async fn a_scale_of_zero_leaves_only_the_real_work() {
    let showcase = Running::start(0.0).await;
    // Warm connections first; the bound then has no first connect in it.
    showcase.json("/sync-data").await;
    let answer = showcase.json("/sync-data").await;
    assert!(answer["total_time_ms"].as_u64().unwrap() < 300, "{answer}");
    showcase.stop().await;
}

#[tokio::test]
async fn a_failing_source_is_named_without_its_details() {
    let showcase = Running::start(0.0).await;
    fs::remove_file(showcase.data_file("config.txt")).unwrap();
    for path in ["/async-data", "/sync-data"] {
        let response = showcase.get(path).await;
        assert_eq!(response.status(), 502, "{path}");
        let answer = body(response).await;
        assert_eq!((&answer["source"], &answer["status"]), (&json!("file"), &json!(502)));
        assert!(!answer.to_string().contains("config.txt"), "{answer}");
    }
    showcase.stop().await;
}

#[tokio::test]
async fn the_partner_may_be_a_service_elsewhere() {
    let partner = Server::new();
    partner.config(ServerConfig::new().host("127.0.0.1").port(0));
    partner.get("/quote", async || "from elsewhere");
    let partner = partner.run().await.unwrap();
    let url = format!("http://{}/quote", partner.local_addr());
    let showcase = Running::start_with(|args| {
        args.scale = 0.0;
        args.partner_url = Some(url);
    })
    .await;
    assert_eq!(showcase.json("/async-data").await["api_data"], "from elsewhere");

    partner.shutdown().await;
    let response = showcase.get("/async-data").await;
    assert_eq!(response.status(), 502);
    assert_eq!(body(response).await["source"], "partner");
    showcase.stop().await;
}

#[tokio::test]
async fn the_database_may_be_a_file_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.sqlite");
    let url = format!("sqlite:{}", file.display());
    let showcase = Running::start_with(|args| {
        args.scale = 0.0;
        args.database_url = Some(url);
    })
    .await;
    showcase.json("/async-data").await;
    assert!(file.is_file());
    assert!(!showcase.data_file("showcase.sqlite").exists());
    showcase.stop().await;
}

#[tokio::test]
async fn the_database_may_be_a_postgresql_server() {
    let programs = postgres::programs();
    let Some(programs) = support::found(programs, "postgresql", "the_database_may_be_a_postgresql_server") else {
        return;
    };
    let postgres = postgres::Postgres::start(&programs);
    let url = postgres.url();
    let showcase = Running::start_with(|args| {
        args.scale = 0.0;
        args.database_url = Some(url);
    })
    .await;
    let answer = showcase.json("/async-data").await;
    assert!(
        answer["database_data"]
            .as_str()
            .unwrap()
            .starts_with("60 orders from the north"),
        "{answer}"
    );
    let report = showcase.json("/errors").await;
    assert_eq!(report["error_types"].as_array().unwrap().len(), 6, "{report}");
    let note = showcase.client.post(showcase.url("/notes"));
    let note = note
        .header("content-type", "application/json")
        .body(r#"{"text":"a\u0000b"}"#);
    let note = body(note.send().await.unwrap()).await;
    assert_eq!(
        (&note["text"], &note["author"]),
        (&json!("a\u{fffd}b"), &json!("somebody")),
        "{note}"
    );
    assert_eq!(showcase.json("/notes").await[0]["id"], note["id"]);
    assert!(!showcase.data_file("showcase.sqlite").exists());
    showcase.stop().await;
}

#[tokio::test]
async fn concurrent_ops_reports_a_hundred_tasks() {
    let showcase = Running::start(0.0).await;
    let report = showcase.json("/concurrent-ops").await;
    assert_eq!(report["tasks_created"], 100);
    assert_eq!(report["successful_tasks"], 100);
    assert_eq!(report["concurrency_efficiency"], 100.0);
    assert!(report["total_time_ms"].is_u64());
    assert!(report["average_time_per_task_ms"].as_f64().unwrap() > 0.0);
    showcase.stop().await;
}

#[tokio::test]
async fn stream_sends_the_articles_thousand_chunks() {
    let showcase = Running::start(0.0).await;
    let response = showcase.get("/stream").await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(response.headers()["transfer-encoding"], "chunked");
    let expected: String = (0..1000)
        .map(|index| format!("Chunk {index}: processed_data_{index}\n"))
        .collect();
    assert_eq!(response.text().await.unwrap(), expected);
    showcase.stop().await;
}

#[tokio::test]
async fn stream_sends_each_chunk_when_it_is_ready() {
    let showcase = Running::start(0.0).await;
    let mut response = showcase.get("/stream?chunks=2&delay_ms=300").await;
    let first = response.chunk().await.unwrap().unwrap();
    assert_eq!(first, "Chunk 0: processed_data_0\n");
    assert_eq!(response.text().await.unwrap(), "Chunk 1: processed_data_1\n");
    showcase.stop().await;
}

#[tokio::test]
async fn stream_refuses_parameters_outside_of_their_bounds() {
    let showcase = Running::start(0.0).await;
    let chunks = "chunks must be a number from 1 to 10000\n";
    let delay = "delay_ms must be a number from 0 to 1000\n";
    for (query, message) in [
        ("chunks=0", chunks),
        ("chunks=10001", chunks),
        ("chunks=-1", chunks),
        ("chunks=", chunks),
        ("delay_ms=1001", delay),
        ("delay_ms=1e3", delay),
    ] {
        let response = showcase.get(&format!("/stream?{query}")).await;
        assert_eq!(response.status(), 400, "{query}");
        assert_eq!(response.text().await.unwrap(), message, "{query}");
    }
    showcase.stop().await;
}

#[tokio::test]
async fn stream_ends_when_its_reader_leaves() {
    let showcase = Running::start(0.0).await;
    let mut response = showcase.get("/stream?chunks=10000&delay_ms=1000").await;
    response.chunk().await.unwrap();
    drop(response);
    // A stream that went on for its three hours would hold up the shutdown.
    tokio::time::timeout(Duration::from_secs(9), showcase.stop())
        .await
        .unwrap();
}

#[tokio::test]
async fn errors_reports_what_failed_beside_what_succeeded() {
    let showcase = Running::start(0.0).await;
    let report = showcase.json("/errors").await;
    assert_eq!(report["total_operations"], 10);
    assert_eq!(report["successful_operations"], 4);
    assert_eq!(report["failed_operations"], 6);
    let kinds: BTreeSet<_> = report["error_types"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| kind.as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        BTreeSet::from([
            "connection refused",
            "file not found",
            "request timed out",
            "statement rejected",
            "task panicked",
            "unexpected status",
        ])
    );
    for (id, operation) in report["operations"].as_array().unwrap().iter().enumerate() {
        assert_eq!(operation["operation_id"], id);
        let (given, missing) = match operation["success"].as_bool().unwrap() {
            true => ("data", "error_message"),
            false => ("error_message", "data"),
        };
        assert!(!operation[given].as_str().unwrap().is_empty(), "{operation}");
        assert_eq!(operation[missing], Value::Null, "{operation}");
    }
    showcase.stop().await;
}

#[tokio::test]
async fn best_practices_gives_up_on_a_slow_partner_at_the_limit() {
    let showcase = Running::start(0.0).await;
    let answer = showcase.json("/best-practices").await;
    assert_eq!(answer["timeout_demo"], "Operation timed out");
    assert_eq!(answer["timeout"]["timed_out"], true);
    assert_eq!(answer["timeout"]["limit_ms"], 100.0);
    assert!(answer["timeout"]["elapsed_ms"].as_f64().unwrap() >= 100.0, "{answer}");
    assert_eq!(answer["practices"].as_object().unwrap().len(), 6);
    assert_eq!(answer["performance_tips"].as_array().unwrap().len(), 5);
    showcase.stop().await;
}

#[tokio::test]
async fn scenarios_marks_the_gains_as_the_articles() {
    let showcase = Running::start(0.0).await;
    let scenarios = showcase.json("/scenarios").await;
    let scenarios = scenarios.as_array().unwrap();
    assert_eq!(scenarios.len(), 4);
    for scenario in scenarios {
        for field in ["name", "description", "performance_gain", "use_case"] {
            assert!(!scenario[field].as_str().unwrap().is_empty(), "{field}");
        }
        assert!(scenario["origin"].as_str().unwrap().contains("article"));
    }
    showcase.stop().await;
}

#[tokio::test]
async fn performance_says_so_when_nothing_was_measured() {
    let showcase = Running::start(0.0).await;
    let answer = showcase.json("/performance").await;
    assert_eq!(answer["status"], "missing");
    assert_eq!(answer["current_framework"], Value::Null);
    assert_eq!(answer["comparison"], json!([]));
    assert_eq!(answer["article"]["current_framework"]["qps"], 324_323.71);
    assert_eq!(answer["article"]["comparison"].as_array().unwrap().len(), 7);
    showcase.stop().await;
}

#[tokio::test]
async fn performance_says_so_when_the_file_is_broken_and_takes_a_mended_one() {
    let showcase = Running::start(0.0).await;
    let file = showcase.folder.path().join("results.json");
    fs::write(&file, "{").unwrap();
    let answer = showcase.json("/performance").await;
    assert_eq!(answer["status"], "broken");
    assert!(answer["message"].as_str().unwrap().contains("EOF"), "{answer}");

    let results = json!({
        "schema": 1, "date": "2026-01-02", "machine": "a machine", "workload": "keep-alive",
        "rows": [
            {"name": "raw tokio", "requests_per_second": 100.0},
            {"name": "hyperlane", "version": "0.1.0", "requests_per_second": 90.5, "latency_p99_ms": 2.5, "errors": 0},
        ],
    });
    fs::write(&file, results.to_string()).unwrap();
    let answer = showcase.json("/performance").await;
    assert_eq!(answer["status"], "measured");
    assert_eq!(answer["current_framework"]["qps"], 90.5);
    assert_eq!(answer["current_framework"]["latency_p99_ms"], 2.5);
    assert_eq!(answer["current_framework"]["latency_max_ms"], Value::Null);
    assert_eq!(answer["comparison"][0], json!({"name": "raw tokio", "qps": 100.0}));
    assert_eq!(answer["performance_advantage"][0]["improvement_percent"], -9.5);
    assert_eq!(answer["results"]["machine"], "a machine");
    showcase.stop().await;
}

#[tokio::test]
async fn growth_is_shown_when_it_was_measured() {
    let showcase = Running::start(0.0).await;
    assert_eq!(showcase.json("/performance").await["growth"], json!([]));
    let spread = json!({"median": 4.5, "lower": 4.0, "upper": 5.0, "min": 4.0, "max": 5.0});
    let growth = json!({"schema": 1, "machine": "a machine", "axes": [{
        "name": "routes", "description": "GET one of them", "measured": "2026-01-02 03:04", "quick": false,
        "rounds": 5, "slice_seconds": 2, "omitted": [],
        "lines": [{"server": "hyperlane", "version": "0.1.0", "case": "last", "points": [{"value": 10, "cpu": spread}]}],
    }]});
    fs::write(showcase.folder.path().join("growth.json"), growth.to_string()).unwrap();
    let chart = &showcase.json("/performance").await["growth"][0];
    assert_eq!(chart["title"], "More routes, the last asked for");
    assert_eq!(chart["lines"][0]["points"], json!([{"value": 10, "figure": 4.5}]));
    showcase.stop().await;
}

#[tokio::test]
async fn the_page_loads_nothing_but_its_own_assets() {
    let showcase = Running::start(0.0).await;
    let response = showcase.get("/").await;
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    let html = response.text().await.unwrap();
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("style="));

    let mut assets: BTreeSet<String> = html
        .split('"')
        .filter(|part| part.starts_with("/assets/"))
        .map(str::to_owned)
        .collect();
    let script = showcase.get("/assets/app.js").await.text().await.unwrap();
    assets.extend(
        script
            .split('"')
            .filter_map(|part| part.strip_prefix("./"))
            .map(|name| format!("/assets/{name}")),
    );
    assert!(assets.len() >= 7, "{assets:?}");
    for asset in assets {
        let response = showcase.get(&asset).await;
        assert_eq!(response.status(), 200, "{asset}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{asset}");
    }
    for missing in ["/assets/none.js", "/assets/", "/assets/..%2fapp.rs", "/nowhere"] {
        assert_eq!(showcase.get(missing).await.status(), 404, "{missing}");
    }
    showcase.stop().await;
}

#[tokio::test]
async fn other_methods_are_refused_with_those_allowed() {
    let showcase = Running::start(0.0).await;
    let response = showcase.client.post(showcase.url("/async-data")).send().await.unwrap();
    assert_eq!(response.status(), 405);
    assert!(response.headers()["allow"].to_str().unwrap().contains("GET"));
    let response = showcase.client.head(showcase.url("/")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    showcase.stop().await;
}

#[tokio::test]
async fn every_answer_has_an_id_and_the_demos_are_described() {
    let showcase = Running::start(0.0).await;
    let (one, other) = (showcase.get("/").await, showcase.get("/nowhere").await);
    assert_eq!(other.status(), 404);
    assert_eq!(other.headers()["content-type"], "application/problem+json");
    assert_ne!(one.headers()["x-request-id"], other.headers()["x-request-id"]);

    let document = showcase.json("/openapi.json").await;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
    for path in [
        "/async-data",
        "/sync-data",
        "/stream",
        "/errors",
        "/performance",
        "/visitor",
        "/notes/{id}",
    ] {
        assert!(paths.iter().any(|other| other == path), "{path} among {paths:?}");
    }
    assert!(!paths.iter().any(|path| path.starts_with("/assets")), "{paths:?}");
    assert_eq!(showcase.get("/docs").await.status(), 200);
    showcase.stop().await;
}
