//! A headless Chromium behind chromedriver, for one test.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![expect(
    clippy::unwrap_used,
    reason = "how a test says what must hold, in its helpers as well"
)]

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use fantoccini::{
    Client, ClientBuilder, Locator,
    elements::Element,
    wd::{Capabilities, WebDriverCompatibleCommand},
};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a person would look at the page before giving up, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Driver,
    _profile: TempDir,
}

impl Browser {
    pub(crate) async fn start(driver: &Path, chromium: &Path) -> Self {
        let driver = Driver::start(driver);
        let profile = tempfile::tempdir().unwrap();
        let capabilities = json!({
            "browserName": "chrome",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": {
                "binary": chromium,
                "args": [
                    "--headless=new",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-quic",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    "--no-proxy-server",
                    // Without smooth scrolling a button is where it was a moment ago.
                    "--force-prefers-reduced-motion",
                    format!("--user-data-dir={}", profile.path().display()),
                ],
            },
        });
        let capabilities: Capabilities = serde_json::from_value(capabilities).unwrap();
        let url = format!("http://127.0.0.1:{}", driver.port);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(capabilities).connect(&url).await.unwrap();
        Self {
            client,
            driver,
            _profile: profile,
        }
    }

    pub(crate) async fn find(&self, css: &str) -> Element {
        self.client
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(css))
            .await
            .unwrap()
    }

    /// Presses a button with the mouse, after scrolling to where nothing covers it.
    pub(crate) async fn press(&self, id: &str) {
        self.run(&format!(
            "document.getElementById('{id}').scrollIntoView({{ block: 'center' }})"
        ))
        .await;
        self.find(&format!("#{id}")).await.click().await.unwrap();
    }

    pub(crate) async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.unwrap()
    }

    pub(crate) async fn count(&self, css: &str) -> usize {
        self.client.find_all(Locator::Css(css)).await.unwrap().len()
    }

    pub(crate) async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Waits until the text that a person sees at `css` satisfies `wanted`, and returns it.
    pub(crate) async fn wait_for_text(&self, css: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let text = self.text(css).await;
            if wanted(&text) {
                return text;
            }
            assert!(tokio::time::Instant::now() < deadline, "{css} still reads {text:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What the page wrote to its console, with the browser's own complaints.
    pub(crate) async fn console(&self) -> Value {
        self.command("se/log", json!({ "type": "browser" })).await
    }

    /// Runs a command of the DevTools protocol.
    pub(crate) async fn devtools(&self, method: &str, parameters: Value) {
        self.command("goog/cdp/execute", json!({ "cmd": method, "params": parameters }))
            .await;
    }

    /// Gives the page a width, and the height that its content then needs.
    pub(crate) async fn resize(&self, width: u32) {
        let metrics =
            |height: u64| json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics(900)).await;
        self.settle().await;
        let height = self
            .run("return document.documentElement.scrollHeight")
            .await
            .as_u64()
            .unwrap();
        self.devtools("Emulation.setDeviceMetricsOverride", metrics(height))
            .await;
    }

    /// Waits for two frames: what was asked for last has then been laid out and painted.
    async fn settle(&self) {
        let script = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()));";
        self.client.execute_async(script, Vec::new()).await.unwrap();
    }

    /// Stores a picture of the whole page.
    pub(crate) async fn picture(&self, file: PathBuf) {
        self.settle().await;
        std::fs::write(file, self.client.screenshot().await.unwrap()).unwrap();
    }

    pub(crate) async fn stop(self) {
        self.client.close().await.unwrap();
        drop(self.driver);
    }

    async fn command(&self, path: &'static str, body: Value) -> Value {
        self.client.issue_cmd(ChromiumCommand { path, body }).await.unwrap()
    }
}

/// A chromedriver on a port that it chose itself; it and its browsers end with this value.
struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    fn start(program: &Path) -> Self {
        let mut command = Command::new(program);
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
        // A group of its own, so that a test that fails takes the browser along.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                line.split("successfully on port ")
                    .nth(1)?
                    .trim_end_matches('.')
                    .parse()
                    .ok()
            })
            .unwrap();
        // Read on: a full pipe would stop the driver.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self { child, port }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        #[cfg(unix)]
        let _ = Command::new("kill")
            .args(["-KILL", "--", &format!("-{}", self.child.id())])
            .status();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that chromedriver has beyond the WebDriver standard.
#[derive(Debug)]
struct ChromiumCommand {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for ChromiumCommand {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
