//! Programs of others that a test talks to, and a server on a port for them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use std::{env, io};

use hyperlane::websocket::{Compression, WebSocketUpgrade};
use hyperlane::{Html, Server, ServerConfig, ServerHandle};
use tokio::process::Command;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::raw::echo;

/// What suites send at most is 16 MiB, in fragments of 64 bytes.
const MESSAGE_BYTES: usize = 20 * 1024 * 1024;
const FRAGMENTS: usize = 512 * 1024;

/// Looks in the path and in `HYPERLANE_PYTHON_TOOLS`, the `bin` of a virtual environment. Without it the test says that
/// it is skipped, or fails where nothing may be.
pub(crate) fn tool(name: &str, test: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let own = env::var_os("HYPERLANE_PYTHON_TOOLS").map(PathBuf::from);
    let mut files = own
        .into_iter()
        .chain(env::split_paths(&path))
        .map(|folder| folder.join(name));
    found(files.find(|file| file.is_file()), name, test)
}

/// The folder of a package of Node, in `HYPERLANE_NODE_TOOLS`.
pub(crate) fn node_package(name: &str, test: &str) -> Option<PathBuf> {
    let tools = env::var_os("HYPERLANE_NODE_TOOLS").map(PathBuf::from);
    let package = tools.map(|tools| tools.join("node_modules").join(name));
    found(
        package.filter(|package| package.is_dir()),
        &format!("the package {name} of node"),
        test,
    )
}

fn found(tool: Option<PathBuf>, name: &str, test: &str) -> Option<PathBuf> {
    if tool.is_none() {
        let must_run = env::var_os("HYPERLANE_TESTS_MUST_NOT_SKIP").is_some_and(|value| value == "1");
        assert!(!must_run, "{test} needs {name}, which is not installed");
        // Not through `eprintln`, which the test harness keeps to itself when the test passes.
        let _ = writeln!(io::stderr(), "SKIPPED: {test} needs {name}, which is not installed");
    }
    tool
}

/// What a program prints, which ends well within `limit`.
pub(crate) async fn output(program: &Path, arguments: &[&str], limit: Duration) -> String {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(limit, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{} takes longer than {limit:?}", program.display()));
    let output = output.unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}:\n{printed}\n{complaints}",
        program.display()
    );
    printed
}

/// A server on a port: `/` echoes as the suites expect it, `/closing` says with which code a client closes, and `/page`
/// is for a browser, which says at `/outcome` what came of it.
pub(crate) async fn serve(page: &'static str) -> (ServerHandle, UnboundedReceiver<String>) {
    let (told, outcomes) = unbounded_channel();
    let server = Server::new();
    server.config(ServerConfig::new().port(0));
    server
        .get("/", async |upgrade: WebSocketUpgrade| {
            upgrade
                .max_message_size(MESSAGE_BYTES)
                .max_fragments(FRAGMENTS)
                .compression(Compression::new().context_takeover(true).threshold(0))
                .on_upgrade(echo)
        })
        .get("/closing", async |upgrade: WebSocketUpgrade| {
            upgrade.protocols(["closing"]).on_upgrade(async |mut socket| {
                let _ = socket.recv().await;
                let _ = socket.close(4321, "as you wish").await;
            })
        })
        .get("/page", move || async move { Html(page) })
        .post("/outcome", move |outcome: String| {
            let told = told.clone();
            async move {
                let _ = told.send(outcome);
            }
        });
    (server.run().await.unwrap(), outcomes)
}
