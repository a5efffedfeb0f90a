//! Clients of others: Python's `websockets`, Node's `ws`, and Chromium.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::tools::{node_package, output, serve, tool};

const PATIENCE: Duration = Duration::from_secs(120);

/// A file beside this one.
fn script(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/websocket");
    folder.join(name).to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_websockets_agrees() {
    // The command of the package stands beside the interpreter that has it.
    let Some(python) = tool("websockets", "python_websockets_agrees") else {
        return;
    };
    let python = python.with_file_name("python");
    let (server, _) = serve("").await;
    let url = format!("ws://{}", server.local_addr());
    let printed = output(&python, &[&script("interop.py"), &url], PATIENCE).await;
    assert_eq!(printed.trim(), "done");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn node_ws_agrees() {
    let test = "node_ws_agrees";
    let (Some(node), Some(ws)) = (tool("node", test), node_package("ws", test)) else {
        return;
    };
    let (server, _) = serve("").await;
    let url = format!("ws://{}", server.local_addr());
    let arguments = [&script("interop.mjs"), ws.to_str().unwrap(), &url];
    let printed = output(&node, &arguments, PATIENCE).await;
    assert_eq!(printed.trim(), "done");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_agrees() {
    let Some(chromium) = tool("chromium", "chromium_agrees") else {
        return;
    };
    let (server, mut outcomes) = serve(include_str!("interop.html")).await;
    let profile = tempfile::tempdir().unwrap();
    let mut browser = Command::new(chromium)
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--no-proxy-server",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("http://{}/page", server.local_addr()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let outcome = tokio::time::timeout(PATIENCE, outcomes.recv()).await;
    browser.kill().await.unwrap();
    assert_eq!(outcome.unwrap().unwrap(), "done");
    server.shutdown().await;
}
