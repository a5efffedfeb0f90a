//! Disks that are full, and processes that are killed.

use std::env;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hyperlane::testing::TestClient;
use hyperlane_uploads::{UploadSettings, UploadStore};

use crate::support::{app, bytes, count, tool, wait_until};

/// Where a child of these tests has its store.
const FOLDER: &str = "HYPERLANE_UPLOADS_TEST_FOLDER";
/// The largest file that the child may write: `RLIMIT_FSIZE` stands for a disk that is full, and tells of it by an error
/// of the same call.
const FILE_LIMIT: usize = 1024 * 1024;

/// This program again, for one of its tests.
fn child(test: &str, folder: &Path, mut command: Command) -> Command {
    command
        .args([&format!("faults::{test}"), "--exact", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::null());
    command
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn a_full_disk_is_answered_507_and_nothing_is_left_half() {
    let test = "a_full_disk_is_answered_507_and_nothing_is_left_half";
    let (Some(prlimit), Some(shell)) = (tool("prlimit", test), tool("sh", test)) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(shell);
    // Without its signal the limit is an error of the write, as a full disk is.
    let script = r#"trap "" XFSZ; exec "$0" --fsize="$1" -- "$2" "$3" "$4" "$5""#;
    command
        .args(["-c", script])
        .arg(prlimit)
        .arg(FILE_LIMIT.to_string())
        .arg(env::current_exe().unwrap());
    let mut command = child("what_a_child_does_whose_disk_is_full", folder.path(), command);
    assert!(command.status().unwrap().success());
    assert!(folder.path().join("done").exists(), "the child did its work");
}

/// Does nothing but in the child of the test above.
#[test]
fn what_a_child_does_whose_disk_is_full() {
    let Some(folder) = env::var_os(FOLDER).filter(|_| env::args().any(|arg| arg.ends_with("whose_disk_is_full")))
    else {
        return;
    };
    let folder = Path::new(&folder);
    runtime().block_on(async {
        let store = UploadStore::open(folder).await.unwrap();
        let client = TestClient::new(app(store.clone()));
        let large = || bytes(FILE_LIMIT + 100_000);
        client.put("/whole").body(large()).await.assert_status(507);
        wait_until("the upload is removed", || count(folder, "partial") == 0).await;
        assert_eq!((count(folder, "files"), store.used_bytes()), (0, 0));

        // A resumable one keeps what there is room for.
        let tus = |request: hyperlane::testing::TestRequest| request.header("tus-resumable", "1.0.0");
        let begun = tus(client.post("/files"))
            .header("upload-length", large().len().to_string())
            .await;
        let location = begun.header("location").unwrap();
        let patch = tus(client.patch(location)).header("content-type", "application/offset+octet-stream");
        patch
            .header("upload-offset", "0")
            .body(large())
            .await
            .assert_status(507);
        let state = tus(client.head(location)).await;
        let offset: u64 = state.header("upload-offset").unwrap().parse().unwrap();
        assert!(offset <= FILE_LIMIT as u64 && offset > 0, "{offset}");
        assert_eq!(store.used_bytes(), offset);

        client.put("/whole").body(bytes(1000)).await.assert_status(200);
    });
    std::fs::write(folder.join("done"), "").unwrap();
}

/// A child that is killed if the test fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_process_that_is_killed_leaves_resumable_uploads_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let command = Command::new(env::current_exe().unwrap());
    let mut command = child("what_a_child_does_that_is_killed", root, command);
    let mut process = Killed(command.spawn().unwrap());
    runtime().block_on(async {
        wait_until("the child is in the middle of two uploads", || {
            root.join("waiting").exists()
        })
        .await;
        assert_eq!(count(root, "partial"), 1);

        // While the other process lives its upload is left alone, whoever opens the folder.
        UploadStore::open(root).await.unwrap();
        assert_eq!(count(root, "partial"), usize::from(cfg!(unix)));
        process.0.kill().unwrap();
        process.0.wait().unwrap();

        let store = UploadStore::open(root).await.unwrap();
        assert_eq!((count(root, "partial"), count(root, "files")), (0, 0));
        let location = std::fs::read_to_string(root.join("waiting")).unwrap();
        let client = TestClient::new(app(store.clone())).header("tus-resumable", "1.0.0");
        let state = client.head(&location).await;
        let offset: usize = state
            .assert_status(200)
            .header("upload-offset")
            .unwrap()
            .parse()
            .unwrap();
        assert!(offset > 0 && offset <= 400_000, "{offset}");
        let content = bytes(500_000);
        let patch = client
            .patch(&location)
            .header("content-type", "application/offset+octet-stream");
        let rest = patch
            .header("upload-offset", offset.to_string())
            .body(content[offset..].to_vec());
        rest.await.assert_status(204);
        let file = &store.list().await.unwrap()[0];
        assert!(std::fs::read(store.path(&file.id)).unwrap() == content);
    });
}

/// Does nothing but in the child of the test above.
#[test]
fn what_a_child_does_that_is_killed() {
    use futures::{StreamExt, stream};
    use hyperlane::{Body, Bytes};
    let Some(folder) = env::var_os(FOLDER).filter(|_| env::args().any(|arg| arg.ends_with("that_is_killed"))) else {
        return;
    };
    let folder = Path::new(&folder);
    runtime().block_on(async {
        let store = UploadStore::open_with(folder, UploadSettings::new()).await.unwrap();
        let client = TestClient::new(app(store)).header("tus-resumable", "1.0.0");
        let begun = client.post("/files").header("upload-length", "500000").await;
        let location = begun.header("location").unwrap().to_owned();
        // Both go on for ever.
        let half = || {
            let pieces = stream::iter([Ok::<_, std::io::Error>(Bytes::from(bytes(400_000)))]);
            Body::stream(pieces.chain(stream::pending()))
        };
        let patch = client
            .patch(&location)
            .header("content-type", "application/offset+octet-stream");
        tokio::spawn(patch.header("upload-offset", "0").body(half()).send());
        tokio::spawn(client.put("/whole").body(half()).send());
        let large = |name: &str| {
            let files = std::fs::read_dir(folder.join(name)).unwrap().flatten();
            files
                .filter_map(|file| file.metadata().ok())
                .any(|data| data.len() > 300_000)
        };
        wait_until("both are half on disk", || large("tus") && large("partial")).await;
        std::fs::write(folder.join("location"), &location).unwrap();
        std::fs::rename(folder.join("location"), folder.join("waiting")).unwrap();
        std::future::pending::<()>().await;
    });
}
