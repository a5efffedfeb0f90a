//! What the tests share: a running showcase, a client, and how a missing tool is reported.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![expect(
    clippy::unwrap_used,
    reason = "how a test says what must hold, in its helpers as well"
)]

use std::{
    env,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
};

use hyperlane::{ServerConfig, ServerHandle};
use reqwest::{Client, Response};
use serde_json::Value;
use showcase::{
    app::{Showcase, app},
    args::Args,
};
use tempfile::TempDir;

/// A showcase on a free port, with a data folder of its own.
pub(crate) struct Running {
    pub(crate) folder: TempDir,
    pub(crate) client: Client,
    handle: ServerHandle,
    showcase: Showcase,
}

impl Running {
    /// Starts it with the given factor on the service times.
    pub(crate) async fn start(scale: f64) -> Self {
        Self::start_with(|args| args.scale = scale).await
    }

    /// Starts it after `change` had its way with the settings.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Args)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut args = Args {
            data_dir: folder.path().join("data"),
            ..Args::default()
        };
        args.results = Some(folder.path().join("results.json"));
        change(&mut args);
        let showcase = Showcase::open(&args).await.unwrap();
        let server = app(showcase.clone());
        server.config(ServerConfig::new().host("127.0.0.1").port(0));
        let handle = server.run().await.unwrap();
        Self {
            folder,
            client: client(),
            handle,
            showcase,
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.handle.local_addr())
    }

    pub(crate) fn data_file(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    /// The JSON of a path that must answer 200.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["content-type"], "application/json", "{path}");
        json(response).await
    }

    pub(crate) async fn stop(self) {
        self.handle.shutdown().await;
        self.showcase.close().await;
    }
}

/// A client that calls this machine only.
pub(crate) fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().tls_certs_only([]).build().unwrap()
}

pub(crate) async fn json(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

/// Runs a client to its end, off the runtime, and returns what it printed.
pub(crate) async fn output(program: PathBuf, arguments: Vec<String>) -> String {
    let run = move || {
        Command::new(program)
            .args(arguments)
            .env("NO_PROXY", "127.0.0.1")
            .output()
            .unwrap()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The path of a tool, or `None` after saying on stderr that `test` is skipped for want of it. With
/// `HYPERLANE_TESTS_MUST_NOT_SKIP=1` a missing tool is a failure.
pub(crate) fn tool(name: &str, test: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut files = env::split_paths(&path).map(|folder| folder.join(name));
    found(files.find(|file| is_program(file)), name, test)
}

/// The same for what is not in the path, once it was looked for.
pub(crate) fn found(path: Option<PathBuf>, name: &str, test: &str) -> Option<PathBuf> {
    if path.is_none() {
        let must_run = env::var_os("HYPERLANE_TESTS_MUST_NOT_SKIP").is_some_and(|value| value == "1");
        assert!(!must_run, "{test} needs {name}, which is not installed");
        say_skipped(test, &format!("{name}, which is not installed"));
    }
    path
}

fn say_skipped(test: &str, needed: &str) {
    // Not through `eprintln`, which the test harness keeps to itself when the test passes.
    let _ = writeln!(io::stderr(), "SKIPPED: {test} needs {needed}");
}

fn is_program(file: &Path) -> bool {
    file.is_file()
}
