//! `EventSource` as it is: Chromium's, and that of the Node package `eventsource`. The server ends or breaks their
//! connection off again and again, and publishes while nobody listens; all the same each gets everything, once.

use std::env;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use hyperlane::sse::{Event, EventLog, LastEventId, Sse};
use hyperlane::{BoxError, Html, Server, ServerConfig, ServerHandle, State};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// The events that are published in all.
const ALL: u64 = 200;
/// The most that one connection lives to see.
const A_CONNECTION: usize = 6;

/// What a client of either kind does: it collects until it has the last, then tells what it got.
const SCRIPT: &str = "
const got = []; let opened = 0, gaps = 0;
const source = new EventSource(base + '/feed');
source.onopen = () => opened++;
source.addEventListener('gap', () => gaps++);
source.addEventListener('number', event => {
    got.push(Number(event.data));
    if (event.data === '200') {
        source.close();
        fetch(base + '/report', { method: 'POST', body: JSON.stringify({ got, opened, gaps }) });
    }
});
";

#[derive(Clone)]
struct Feed {
    log: EventLog,
    published: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
}

impl Feed {
    fn publish(&self, events: u64) {
        for _ in 0..events {
            let next = self.published.fetch_add(1, Ordering::SeqCst) + 1;
            if next <= ALL {
                let event = Event::new(next.to_string()).with_name("number");
                self.log.publish(event).unwrap();
            }
        }
    }
}

/// The end of a connection: more is published while the client is away.
struct Away(Feed);

impl Drop for Away {
    fn drop(&mut self) {
        self.0.publish(5);
    }
}

async fn feed(State(feed): State<Feed>, LastEventId(last): LastEventId) -> Sse {
    let connection = feed.connections.fetch_add(1, Ordering::SeqCst);
    let subscription = feed.log.subscribe(last.as_deref());
    feed.publish(A_CONNECTION as u64);
    let away = Away(feed);
    let events = subscription.map(move |event| {
        let _ = &away;
        event.map_err(BoxError::from)
    });
    let end = futures::stream::iter((connection % 2 == 0).then(|| Err(BoxError::from("broken off on purpose"))));
    Sse::new(events.take(A_CONNECTION).chain(end)).retry(Duration::from_millis(10))
}

struct Running {
    handle: ServerHandle,
    reports: mpsc::UnboundedReceiver<Value>,
    connections: Arc<AtomicU64>,
}

impl Running {
    async fn start() -> Self {
        let (sender, reports) = mpsc::unbounded_channel();
        let feed_state = Feed {
            log: EventLog::new(),
            published: Arc::default(),
            connections: Arc::default(),
        };
        let connections = Arc::clone(&feed_state.connections);
        let server = Server::new();
        server.config(ServerConfig::new().port(0)).state(feed_state);
        server.get("/feed", feed);
        server.get("/", async || {
            Html(format!(
                "<!doctype html><title>feed</title><script>const base = '';{SCRIPT}</script>"
            ))
        });
        server.post("/report", move |report: String| {
            let _ = sender.send(serde_json::from_str(&report).unwrap_or_default());
            async {}
        });
        let handle = server.run().await.unwrap();
        Self {
            handle,
            reports,
            connections,
        }
    }

    /// Waits for what the client tells, and looks whether it is all.
    async fn assert_nothing_was_missed(mut self) {
        let report = timeout(Duration::from_secs(60), self.reports.recv()).await;
        let report = report.expect("the client gets the last event in time").unwrap();
        let got: Vec<u64> = serde_json::from_value(report["got"].clone()).unwrap();
        let expected: Vec<u64> = (1..=ALL).collect();
        assert_eq!(got, expected, "without a gap, without a double, in order");
        assert_eq!(report["gaps"], 0);
        let connections = self.connections.load(Ordering::SeqCst);
        assert!(connections >= ALL / A_CONNECTION as u64, "{connections} connections");
        assert!(report["opened"].as_u64().unwrap() >= connections - 1, "{report}");
        self.handle.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_reconnects_and_misses_nothing() {
    let Some(chromium) = tool(
        in_path("chromium"),
        "chromium",
        "chromium_reconnects_and_misses_nothing",
    ) else {
        return;
    };
    let running = Running::start().await;
    let profile = tempfile::tempdir().unwrap();
    let url = format!("http://{}/", running.handle.local_addr());
    let _browser = Browser::start(&chromium, profile, &url);
    running.assert_nothing_was_missed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_eventsource_reconnects_and_misses_nothing() {
    let test = "nodes_eventsource_reconnects_and_misses_nothing";
    let package = env::var_os("HYPERLANE_NODE_TOOLS")
        .map(|folder| PathBuf::from(folder).join("node_modules/eventsource"))
        .filter(|package| package.join("package.json").is_file());
    let needed = "the package `eventsource` below HYPERLANE_NODE_TOOLS";
    let (Some(node), Some(package)) = (tool(in_path("node"), "node", test), tool(package, needed, test)) else {
        return;
    };
    let running = Running::start().await;
    let script = format!(
        "const {{ EventSource }} = require({:?}); const base = 'http://{}';
        // The page of this test has a retry of its own: without an open connection a script would end.
        setInterval(() => {{}}, 1000);
        {SCRIPT}",
        package.display().to_string(),
        running.handle.local_addr()
    );
    let _node = Killed(
        Command::new(node)
            .args(["-e", &script])
            .stdin(Stdio::null())
            .spawn()
            .unwrap(),
    );
    running.assert_nothing_was_missed().await;
}

/// A process that ends with this value.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A headless Chromium with a page; it ends, with all its processes, with this value.
struct Browser {
    process: Child,
    _profile: TempDir,
}

impl Browser {
    fn start(chromium: &PathBuf, profile: TempDir, url: &str) -> Self {
        let mut command = Command::new(chromium);
        command
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-proxy-server",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // A group of its own, so that its helpers end along.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Self {
            process: command.spawn().unwrap(),
            _profile: profile,
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        #[cfg(unix)]
        let _ = Command::new("kill")
            .args(["-KILL", "--", &format!("-{}", self.process.id())])
            .status();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// The tool, or `None` after saying that the test is skipped for want of it. With `HYPERLANE_TESTS_MUST_NOT_SKIP=1` a
/// missing tool is a failure.
fn tool(found: Option<PathBuf>, name: &str, test: &str) -> Option<PathBuf> {
    if found.is_none() {
        let must_run = env::var_os("HYPERLANE_TESTS_MUST_NOT_SKIP").is_some_and(|value| value == "1");
        assert!(!must_run, "{test} needs {name}, which is not installed");
        // Not through `eprintln`, which the test harness keeps to itself when the test passes.
        let _ = writeln!(io::stderr(), "SKIPPED: {test} needs {name}, which is not installed");
    }
    found
}
