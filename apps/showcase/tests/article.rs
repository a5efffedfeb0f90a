//! The article's program, as it is printed there, against a real client.
//!
//! `article/program.rs` holds its listings one after another, unchanged but for the semicolon that
//! its `main` lacks. The `main` here differs from the article's only in the address and in serving
//! every handler of the article.

#![expect(
    clippy::unwrap_used,
    reason = "how a test says what must hold, in its helpers as well"
)]

mod support;

use std::{process::Command, time::Duration};

use hyperlane::{Server, ServerConfig, ServerHandle};
use reqwest::{Client, Response};
use serde_json::Value;

#[allow(
    dead_code,
    unused_imports,
    clippy::all,
    clippy::unwrap_used,
    clippy::uninlined_format_args,
    reason = "printed like this in the article"
)]
mod program {
    include!("article/program.rs");

    /// Routes every handler, at the two paths of the article and at those that it leaves open.
    pub(super) async fn route(server: &Server) {
        server.route("/async-data", async_data_handler).await;
        server.route("/concurrent-ops", concurrent_operations).await;
        server.route("/performance", performance_comparison).await;
        server.route("/stream", stream_processing).await;
        server.route("/errors", error_handling_demo).await;
        server.route("/best-practices", best_practices_demo).await;
        server.route("/scenarios", real_world_scenarios).await;
    }
}

/// The article's `main`, on a free port of loopback.
async fn start() -> ServerHandle {
    let server = Server::new().await;
    let config = ServerConfig::new().await;
    config.host("127.0.0.1").await;
    config.port(0).await;
    server.config(config).await;

    program::route(&server).await;
    server.run().await.unwrap()
}

async fn get(client: &Client, server: &ServerHandle, path: &str) -> Response {
    let response = client
        .get(format!("http://{}{path}", server.local_addr()))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200, "{path}");
    response
}

async fn json(client: &Client, server: &ServerHandle, path: &str) -> Value {
    support::json(get(client, server, path).await).await
}

#[tokio::test]
async fn every_handler_of_the_article_answers_as_the_article_says() {
    let server = start().await;
    let client = support::client();

    let response = get(&client, &server, "/async-data").await;
    let header = response.headers()["x-execution-time"].to_str().unwrap().to_owned();
    let data = support::json(response).await;
    let total = data["total_time_ms"].as_u64().unwrap();
    assert!((300..600).contains(&total), "{data}");
    assert_eq!(header, format!("{total}ms"));
    assert_eq!(data["database_data"], "Database result");
    assert_eq!(data["api_data"], "API result");
    assert_eq!(data["file_data"], "File content");
    assert_eq!(data["execution_mode"], "concurrent");

    let report = json(&client, &server, "/concurrent-ops").await;
    assert_eq!(report["successful_tasks"], 100);
    assert_eq!(report["concurrency_efficiency"], 100.0);

    let report = json(&client, &server, "/performance").await;
    assert_eq!(report["current_framework"]["requests_total"], 19_476_349);
    assert_eq!(report["performance_advantage"][0]["improvement_percent"], 132);

    let report = json(&client, &server, "/errors").await;
    assert_eq!(report["successful_operations"], 6);
    assert_eq!(report["failed_operations"], 4);
    assert_eq!(report["error_types"][0], "Simulated error");

    let answer = json(&client, &server, "/best-practices").await;
    assert_eq!(answer["timeout_demo"], "Operation timed out");
    assert_eq!(json(&client, &server, "/scenarios").await.as_array().unwrap().len(), 4);
    server.shutdown().await;
}

#[tokio::test]
async fn the_articles_stream_is_framed_once_though_it_sets_the_header_itself() {
    let server = start().await;
    let response = get(&support::client(), &server, "/stream").await;
    // RFC 9112 section 6.1: one transfer coding, and no content length beside it.
    assert_eq!(response.headers().get_all("transfer-encoding").iter().count(), 1);
    assert_eq!(response.headers().get("content-length"), None);
    assert_eq!(response.headers()["content-type"], "text/plain");
    let expected: String = (0..1000)
        .map(|index| format!("Chunk {index}: processed_data_{index}\n"))
        .collect();
    assert_eq!(response.text().await.unwrap(), expected);
    server.shutdown().await;
}

#[tokio::test]
async fn the_articles_routes_take_any_method() {
    let server = start().await;
    let url = format!("http://{}/scenarios", server.local_addr());
    let response = support::client().put(url).body("ignored").send().await.unwrap();
    assert_eq!(response.status(), 200);
    server.shutdown().await;
}

/// Every page but the stream, which each client reads in its own way.
const PAGES: &str = "/async-data /concurrent-ops /performance /errors /best-practices /scenarios";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_gets_every_page_of_the_article() {
    let Some(curl) = support::tool("curl", "curl_gets_every_page_of_the_article") else {
        return;
    };
    let server = start().await;
    let url = |path: &str| format!("http://{}{path}", server.local_addr());
    let options = ["--silent", "--show-error", "--fail"].map(str::to_owned);
    for page in PAGES.split(' ') {
        let arguments = options.iter().cloned().chain([url(page)]).collect();
        let printed = support::output(curl.clone(), arguments).await;
        assert!(serde_json::from_str::<Value>(&printed).is_ok(), "{page}: {printed}");
    }
    let arguments = options.into_iter().chain([url("/stream")]).collect();
    assert_eq!(support::output(curl, arguments).await.lines().count(), 1000);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pythons_http_client_gets_every_page_of_the_article_on_one_connection() {
    let test = "pythons_http_client_gets_every_page_of_the_article_on_one_connection";
    let Some(python) = support::tool("python3", test) else {
        return;
    };
    let server = start().await;
    let program = r#"
import http.client, json, sys
connection = http.client.HTTPConnection(sys.argv[1], timeout=20)
connection.connect()
socket = connection.sock
for path in sys.argv[2].split():
    connection.request("GET", path)
    response = connection.getresponse()
    json.loads(response.read())
    assert response.status == 200, (path, response.status)
    assert connection.sock is socket, "a new connection for " + path
connection.request("GET", "/stream")
print(connection.getresponse().read().decode().count("\n"))
"#;
    let arguments = vec![
        "-c".into(),
        program.into(),
        server.local_addr().to_string(),
        PAGES.into(),
    ];
    assert_eq!(support::output(python, arguments).await.trim(), "1000");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_fetch_gets_every_page_of_the_article_at_once() {
    let Some(node) = support::tool("node", "nodes_fetch_gets_every_page_of_the_article_at_once") else {
        return;
    };
    let server = start().await;
    let program = r#"
const [base, pages] = process.argv.slice(1);
await Promise.all(pages.split(" ").map(async (page) => {
    const response = await fetch(base + page);
    if (response.status !== 200) throw new Error(page + ": " + response.status);
    await response.json();
}));
console.log((await (await fetch(base + "/stream")).text()).split("\n").length - 1);
process.exit();
"#;
    let base = format!("http://{}", server.local_addr());
    let arguments = vec![
        "--input-type=module".into(),
        "-e".into(),
        program.into(),
        base,
        PAGES.into(),
    ];
    assert_eq!(support::output(node, arguments).await.trim(), "1000");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrk_meets_no_error() {
    let Some(wrk) = support::tool("wrk", "wrk_meets_no_error") else {
        return;
    };
    let server = start().await;
    for path in ["/scenarios", "/async-data"] {
        let url = format!("http://{}{path}", server.local_addr());
        let mut command = Command::new(&wrk);
        command.args([
            "--threads",
            "1",
            "--connections",
            "100",
            "--duration",
            "2s",
            "--timeout",
            "10s",
            &url,
        ]);
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap();
        let report = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{report}");
        assert!(
            !report.contains("Non-2xx") && !report.contains("Socket errors"),
            "{path}: {report}"
        );
        let requests: u64 = report
            .lines()
            .find_map(|line| line.trim().split_once(" requests in "))
            .and_then(|(count, _)| count.parse().ok())
            .unwrap_or_else(|| panic!("{report}"));
        assert!(requests > 100, "{report}");
    }
    tokio::time::timeout(Duration::from_secs(15), server.shutdown())
        .await
        .unwrap();
}
