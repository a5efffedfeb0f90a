//! A directory of files, and a client of a server over it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyperlane::Server;
use hyperlane::testing::TestClient;
use hyperlane_files::Files;
use tempfile::TempDir;

/// The time of change of all files of a site.
pub(crate) const CHANGED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
pub(crate) const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
pub(crate) const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

/// A directory whose `public` is served, with secrets beside it.
pub(crate) struct Site {
    directory: TempDir,
}

impl Site {
    /// With these files below `public`, all of the same age.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let site = Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
        };
        fs::create_dir(site.root()).expect("is new");
        for (path, content) in files {
            site.write(path, content);
        }
        site
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory.path().join("public")
    }

    /// The directory around the root.
    pub(crate) fn outside(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("is below the root")).expect("can be made");
        fs::write(&path, content).expect("can be written");
        set_age(&path, 0);
    }

    pub(crate) fn files(&self) -> Files {
        Files::new(self.root())
    }

    pub(crate) fn client(&self) -> TestClient {
        client(self.files())
    }
}

/// Makes a file of `CHANGED` plus so many seconds.
pub(crate) fn set_age(path: &Path, seconds: u64) {
    let time: SystemTime = UNIX_EPOCH + Duration::from_secs(784_111_777 + seconds);
    let file = File::options().write(true).open(path).expect("is there");
    file.set_modified(time).expect("can be set");
}

/// A client of a server that has them at `/` and below.
pub(crate) fn client(files: Files) -> TestClient {
    TestClient::new(server(files))
}

pub(crate) fn server(files: Files) -> Server {
    let server = Server::new();
    server.get("/", files.clone()).get("/{*path}", files);
    server
}

/// Bytes that tell where they stand.
pub(crate) fn numbered(length: usize) -> Vec<u8> {
    (0_u32..).flat_map(u32::to_be_bytes).take(length).collect()
}
