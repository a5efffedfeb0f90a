//! What the tests of sockets share: a service that tells what it knows of a connection, and clients.
#![allow(dead_code, reason = "each test uses a part")]

pub(crate) mod program;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use hyperlane_core::{IntoResponse, Request, Response, Service};
use hyperlane_server::{Config, Listen, Runtime, ServerHandle, serve};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::timeout;

pub(crate) const RUNTIMES: [Runtime; 3] = [Runtime::Shared, Runtime::PerCore, Runtime::IoUring];
/// Longer than anything takes that goes well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Says who asks: `peer proxy`. `/stop` and `/replace` ask the program for something, `/pid` is which one it is.
#[derive(Debug, Default)]
pub(crate) struct App {
    pub(crate) stop: Notify,
    pub(crate) replace: Notify,
}

impl Service for App {
    type Future = Pin<Box<dyn Future<Output = Response> + Send>>;

    fn call(&self, request: Request) -> Self::Future {
        let info = request.connection();
        let said =
            |address: Option<std::net::SocketAddr>| address.map_or("-".to_owned(), |address| address.to_string());
        let text = format!("{} {}", said(info.peer_addr), said(info.proxy_addr));
        let answer = match request.head().path() {
            "/pid" => std::process::id().to_string(),
            "/worker" => who_we_are(),
            // Keeps a thread for ever, as a handler that loops does.
            "/stuck" => loop {
                std::thread::sleep(Duration::from_secs(1));
            },
            "/hold" => return Box::pin(async { hold().await.into_response() }),
            "/stop" => {
                self.stop.notify_one();
                "stopping".to_owned()
            }
            "/replace" => {
                self.replace.notify_one();
                "replacing".to_owned()
            }
            _ => text,
        };
        Box::pin(async move { answer.into_response() })
    }
}

/// `pid, pid of the parent, number, count, folder` of a worker.
fn who_we_are() -> String {
    let (id, parent) = (std::process::id(), std::os::unix::process::parent_id());
    match hyperlane_server::processes::worker() {
        Some(worker) => {
            let folder = worker.run_folder().display();
            format!("{id} {parent} {} {} {folder}", worker.number(), worker.count())
        }
        None => format!("{id} {parent} alone"),
    }
}

/// Where the test says that held requests shall be answered.
pub(crate) const GATE: &str = "HYPERLANE_TEST_GATE";

/// Waits until a file is there.
async fn hold() -> String {
    let gate = std::env::var_os(GATE).map(std::path::PathBuf::from);
    while gate.as_ref().is_some_and(|gate| !gate.exists()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    std::process::id().to_string()
}

pub(crate) fn config(runtime: Runtime) -> Config {
    let mut config = Config::default();
    config.runtime = runtime;
    config.threads = Some(2);
    config
}

pub(crate) async fn start(listen: &[Listen], config: Config) -> ServerHandle {
    let mut listeners = Vec::new();
    for listen in listen {
        listeners.extend(listen.bind(&config).await.expect("it can be bound"));
    }
    serve(listeners, Arc::new(App::default()), config)
        .await
        .expect("it can serve")
}

/// What the server answers on a connection of its own, behind `prefix`: its body. An error where it is closed instead.
pub(crate) async fn ask(
    mut io: impl AsyncRead + AsyncWrite + Unpin,
    prefix: &[u8],
    path: &str,
) -> Result<String, String> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let exchange = async {
        let sent = io.write_all(&[prefix, request.as_bytes()].concat()).await;
        let mut answer = Vec::new();
        let received = io.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.1 200") => Ok(body.to_owned()),
            _ => Err(format!("{answer} {sent:?} {received:?}")),
        }
    };
    timeout(PATIENCE, exchange).await.expect("in time")
}

/// Whether a process handles SIGTERM itself: before, it would be ended by it. Known on Linux alone.
pub(crate) fn waits_for_signals(id: u32) -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = u64::from_str_radix(caught.expect("a line of each").trim(), 16).expect("a number");
    caught & (1 << (15 - 1)) != 0
}

/// A folder for sockets, whose paths must be short.
pub(crate) struct Folder(pub(crate) std::path::PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("hl-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a place for temporary files");
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> std::path::PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
