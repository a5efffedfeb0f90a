//! A PostgreSQL server of its own for one test: a fresh cluster in a temporary folder, on a free port.

#![expect(
    clippy::unwrap_used,
    reason = "how a test says what must hold, in its helpers as well"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A running server; it ends with this value.
pub(crate) struct Postgres {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Postgres {
    /// Starts the server whose programs are in `programs`.
    pub(crate) fn start(programs: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The server refuses to run as root, so there it runs as the user that Debian's package made for it.
        let as_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        if as_root {
            run(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        let program = |name: &str| {
            let path = programs.join(name);
            if !as_root {
                return Command::new(path);
            }
            let mut command = Command::new("setpriv");
            command
                .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
                .arg(path);
            command
        };
        let data = folder.path().join("data");
        run(program("initdb")
            .arg("-D")
            .arg(&data)
            .args(["-U", "postgres", "-A", "trust", "-N"]));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut process = program("postgres")
            .arg("-D")
            .arg(&data)
            .args([
                "-p",
                &port.to_string(),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "fsync=off",
                "-k",
            ])
            .arg(folder.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let ready = log
            .by_ref()
            .any(|line| line.unwrap().contains("ready to accept connections"));
        assert!(ready, "the server ended at its start");
        // Read on, or the server would block on its log one day.
        std::thread::spawn(move || log.for_each(drop));
        Self {
            process,
            port,
            _folder: folder,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A fast shutdown, which takes the server's own processes along.
        let _ = Command::new("kill")
            .args(["-INT", &self.process.id().to_string()])
            .status();
        let _ = self.process.wait();
    }
}

/// Where the server's programs are: Debian keeps them out of the path.
pub(crate) fn programs() -> Option<PathBuf> {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    versions.sort();
    versions
        .into_iter()
        .rev()
        .map(|version| version.join("bin"))
        .find(|bin| bin.join("postgres").is_file())
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
