//! What the tests share: a server with a store, and a look at what is on disk.

use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyperlane::testing::TestClient;
use hyperlane::{Context, Json, Multipart, Route, Server, State};
use hyperlane_uploads::{StoredFile, Tus, UploadError, UploadSettings, UploadStore};
use tempfile::TempDir;

/// The most bytes that the routes take; less than some of the limits that are tried.
const BODY_LIMIT: u64 = 1 << 32;

pub(crate) struct Uploads {
    pub(crate) folder: TempDir,
    pub(crate) store: UploadStore,
    pub(crate) client: TestClient,
}

impl Uploads {
    pub(crate) async fn start(settings: UploadSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = UploadStore::open_with(folder.path(), settings.durable(false))
            .await
            .unwrap();
        let client = TestClient::new(app(store.clone()));
        Self { folder, store, client }
    }

    pub(crate) fn count(&self, folder: &str) -> usize {
        count(self.folder.path(), folder)
    }

    /// Waits until a folder has so many files.
    pub(crate) async fn wait_for_count(&self, folder: &str, wanted: usize) {
        wait_until(&format!("{folder} has {wanted} files"), || self.count(folder) == wanted).await;
    }

    pub(crate) fn content(&self, file: &StoredFile) -> Vec<u8> {
        std::fs::read(self.store.path(&file.id)).unwrap()
    }
}

pub(crate) fn app(store: UploadStore) -> Server {
    let server = Server::new();
    server
        .nest("/files", Tus::new(store.clone()).router())
        .state(store)
        .put("/whole", Route::new(whole).body_limit(BODY_LIMIT))
        .post("/form", Route::new(form).body_limit(BODY_LIMIT));
    server
}

async fn whole(ctx: Context, State(store): State<UploadStore>) -> Result<Json<StoredFile>, UploadError> {
    let name = ctx.query("name");
    Ok(Json(store.receive(&ctx, name.as_deref()).await?))
}

async fn form(form: Multipart, State(store): State<UploadStore>) -> Result<Json<Vec<StoredFile>>, UploadError> {
    let form = store.receive_form(form).await?;
    Ok(Json(form.files.into_iter().map(|(_, file)| file).collect()))
}

pub(crate) fn count(root: &Path, folder: &str) -> usize {
    std::fs::read_dir(root.join(folder)).unwrap().count()
}

/// Waits for what happens behind an answer, or behind a client that left.
pub(crate) async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not happen within ten seconds: {what}");
}

/// Bytes that repeat at no power of two.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

/// A tool that a test needs, or `None` after saying that the test is skipped for want of it. With
/// `HYPERLANE_TESTS_MUST_NOT_SKIP=1` a missing tool is a failure.
pub(crate) fn tool(name: &str, test: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());
    found_or_skip(found, name, test)
}

/// A package of Node below `HYPERLANE_NODE_TOOLS`.
pub(crate) fn node_package(name: &str, test: &str) -> Option<PathBuf> {
    let tools = env::var_os("HYPERLANE_NODE_TOOLS").map(PathBuf::from);
    let package = tools.map(|tools| tools.join("node_modules").join(name));
    let needed = format!("the package `{name}` below HYPERLANE_NODE_TOOLS");
    found_or_skip(package.filter(|folder| folder.is_dir()), &needed, test)
}

fn found_or_skip(found: Option<PathBuf>, needed: &str, test: &str) -> Option<PathBuf> {
    if found.is_none() {
        let must_run = env::var_os("HYPERLANE_TESTS_MUST_NOT_SKIP").is_some_and(|value| value == "1");
        assert!(!must_run, "{test} needs {needed}, which is not installed");
        // Not through `eprintln`, which the harness keeps to itself when the test passes.
        let _ = writeln!(io::stderr(), "SKIPPED: {test} needs {needed}, which is not installed");
    }
    found
}
