//! Imports in processes of their own: killed in the middle, and with a disk that is full.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "how a test says what must hold")]

mod support;

use std::{
    env,
    process::{Child, Command, Stdio},
    time::Duration,
};

use hyperlane::Body;
use hyperlane_batch::{
    Database,
    imports::{Format, ImportState, Imports},
    jobs::{Jobs, Worker},
};
use support::{Place, people, people_csv, slow, until};

const URL: &str = "HYPERLANE_BATCH_TEST_URL";
const SOURCES: &str = "HYPERLANE_BATCH_TEST_SOURCES";

/// No test of its own: the process that the others kill. It runs what it finds, until it is told to end by a signal.
#[test]
fn child_that_imports() {
    let (Ok(url), Ok(sources)) = (env::var(URL), env::var(SOURCES)) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let jobs = Jobs::open(Database::connect(&url).await.unwrap()).await.unwrap();
        let imports = Imports::open(&jobs, sources, [slow()]).await.unwrap();
        let _worker = Worker::new(&jobs)
            .imports(&imports)
            .lease(Duration::from_secs(1))
            .start();
        std::future::pending::<()>().await;
    });
}

/// A process that ends with this value, as by `kill -9`.
struct Importing(Child);

impl Importing {
    fn start(place: &Place) -> Self {
        let child = Command::new(env::current_exe().unwrap())
            .args(["child_that_imports", "--exact", "--nocapture"])
            .env(URL, &place.url)
            .env(SOURCES, place.sources())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self(child)
    }
}

impl Drop for Importing {
    fn drop(&mut self) {
        // On Unix this is SIGKILL: nothing of the process runs any more.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn killed_in_mid_import(place: Place) {
    const RECORDS: usize = 30_000;
    let (_, imports) = place.imports(slow()).await;
    let body = Body::from(people_csv(RECORDS));
    let import = imports.store("people", "people.csv", Format::CSV, body).await.unwrap();
    let mut seen = 0;
    for _ in 0..3 {
        let child = Importing::start(&place);
        let status = until(&imports, import.id, |status| status.written > seen + 2000).await;
        drop(child);
        assert_eq!(status.state, ImportState::Running, "it was killed in the middle");
        seen = status.written;
    }
    // Two at once: one of them does it.
    let children = [Importing::start(&place), Importing::start(&place)];
    let status = until(&imports, import.id, |status| status.state.is_final()).await;
    let tidied = async {
        while place.sources().read_dir().unwrap().count() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(support::PATIENCE, tidied)
        .await
        .expect("the source is not needed any more");
    drop(children);
    assert_eq!(
        (status.state, status.written, status.rejected),
        (ImportState::Done, 30_000, 0)
    );
    assert_eq!(status.bytes_total, Some(status.bytes_read));
    place.assert_people(30_000).await;
}

#[tokio::test]
async fn an_import_whose_process_is_killed_goes_on_and_writes_nothing_twice_in_sqlite() {
    killed_in_mid_import(Place::sqlite().await).await;
}

#[tokio::test]
async fn an_import_whose_process_is_killed_goes_on_and_writes_nothing_twice_in_postgresql() {
    let test = "an_import_whose_process_is_killed_goes_on_and_writes_nothing_twice_in_postgresql";
    if let Some(place) = Place::postgres(test).await {
        killed_in_mid_import(place).await;
    }
}

/// No test of its own: a process that may write files of 64 KiB, and hears of it as an error.
#[test]
fn child_with_a_full_disk() {
    let (Ok(url), Ok(sources)) = (env::var(URL), env::var(SOURCES)) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let jobs = Jobs::open(Database::connect(&url).await.unwrap()).await.unwrap();
        let imports = Imports::open(&jobs, &sources, [people()]).await.unwrap();
        let body = Body::from(people_csv(100_000));
        let error = imports.store("people", "", Format::CSV, body).await.unwrap_err();
        assert!(format!("{error:?}").contains("can't be stored"), "{error:?}");
        assert_eq!(std::fs::read_dir(&sources).unwrap().count(), 0, "nothing stays");
        assert!(imports.list(10).await.unwrap().is_empty());
        println!("told and tidied");
    });
}

#[tokio::test]
async fn a_source_that_finds_the_disk_full_is_refused_and_leaves_nothing() {
    let place = Place::sqlite().await;
    place.imports(people()).await;
    // The limit of the shell's `ulimit -f` is in blocks of 512 bytes; the tables are there already.
    let output = Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 2000; exec \"$0\" child_with_a_full_disk --exact --nocapture",
        ])
        .arg(env::current_exe().unwrap())
        .env(URL, &place.url)
        .env(SOURCES, place.sources())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("told and tidied"),
        "{output:?}"
    );
}
