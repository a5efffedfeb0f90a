//! Clients of other languages against the showcase.

mod support;

use serde_json::Value;
use support::{Running, output, tool};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_gets_the_data_and_the_stream() {
    let Some(curl) = tool("curl", "curl_gets_the_data_and_the_stream") else {
        return;
    };
    let showcase = Running::start(0.0).await;
    let arguments = |path: &str| {
        vec![
            "--silent".into(),
            "--show-error".into(),
            "--fail".into(),
            showcase.url(path),
        ]
    };
    let data: Value = serde_json::from_str(&output(curl.clone(), arguments("/async-data")).await).unwrap();
    assert_eq!(data["execution_mode"], "concurrent");
    let stream = output(curl, arguments("/stream?chunks=500&delay_ms=0")).await;
    assert_eq!(stream.lines().count(), 500);
    showcase.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_reuses_one_connection_for_every_page() {
    let Some(python) = tool("python3", "python_reuses_one_connection_for_every_page") else {
        return;
    };
    let showcase = Running::start(0.0).await;
    let program = r#"
import http.client, json, sys
connection = http.client.HTTPConnection(sys.argv[1], timeout=20)
socket = None
for path in ["/async-data", "/sync-data", "/concurrent-ops", "/errors", "/best-practices", "/scenarios", "/performance"]:
    connection.request("GET", path)
    response = connection.getresponse()
    json.loads(response.read())
    assert response.status == 200, (path, response.status)
    assert socket in (None, connection.sock), "a new connection for " + path
    socket = connection.sock
connection.request("GET", "/stream?chunks=500&delay_ms=0")
print(connection.getresponse().read().decode().count("\n"))
"#;
    let address = showcase.url("").replace("http://", "");
    let printed = output(python, vec!["-c".into(), program.into(), address]).await;
    assert_eq!(printed.trim(), "500");
    showcase.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_fetches_the_data_and_reads_the_stream_in_parts() {
    let Some(node) = tool("node", "node_fetches_the_data_and_reads_the_stream_in_parts") else {
        return;
    };
    let showcase = Running::start(0.0).await;
    let program = r#"
const base = process.argv[1];
const data = await (await fetch(base + "/async-data")).json();
if (data.timeline.length !== 3) throw new Error(JSON.stringify(data));
let parts = 0, text = "";
for await (const part of (await fetch(base + "/stream?chunks=20&delay_ms=20")).body) {
    parts += 1;
    text += Buffer.from(part).toString();
}
console.log(JSON.stringify({ parts, lines: text.split("\n").length - 1 }));
"#;
    let arguments = vec![
        "--input-type=module".into(),
        "-e".into(),
        program.into(),
        showcase.url(""),
    ];
    let printed: Value = serde_json::from_str(&output(node, arguments).await).unwrap();
    assert_eq!(printed["lines"], 20);
    assert!(printed["parts"].as_u64().unwrap() > 1, "{printed}");
    showcase.stop().await;
}
