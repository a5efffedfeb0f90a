//! The program of this example, on free ports, with a certificate that its clients trust.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertifiedKey, PublicKeyData, generate_simple_self_signed};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Runs until it is dropped.
pub(crate) struct Program {
    process: Child,
    clear: String,
    secure: String,
    folder: TempDir,
    key_hash: String,
}

impl Program {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).expect("a certificate");
        let file = |name: &str, text: String| {
            let path = folder.path().join(name);
            fs::write(&path, text).expect("it is ours");
            path
        };
        let mut process = Command::new(env!("CARGO_BIN_EXE_example-every-protocol"))
            .envs([("PORT", "0"), ("TLS_PORT", "0")])
            .env("CERTIFICATE", file("cert.pem", cert.pem()))
            .env("KEY", file("key.pem", signing_key.serialize_pem()))
            .stdout(Stdio::piped())
            .spawn()
            .expect("it was built");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let mut port = || {
            let line = lines.next().expect("it says where it listens").expect("it is text");
            line.rsplit_once(':').expect("it has a port").1.to_owned()
        };
        // By name, which is in the certificate, and is what a browser allows a QUIC connection to.
        let (clear, secure) = (port(), port());
        // What else it prints must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            process,
            clear: format!("http://localhost:{clear}"),
            secure: format!("https://localhost:{secure}"),
            key_hash: STANDARD.encode(Sha256::digest(signing_key.subject_public_key_info())),
            folder,
        }
    }

    pub(crate) fn clear(&self) -> String {
        self.clear.clone()
    }

    pub(crate) fn secure(&self) -> String {
        self.secure.clone()
    }

    /// A folder for what clients leave behind.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// SHA-256 of the public key in base64, by which a browser can be told to trust it.
    pub(crate) fn key_hash(&self) -> &str {
        &self.key_hash
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Looks in the path and in `HYPERLANE_PYTHON_TOOLS`, the `bin` of a virtual environment.
pub(crate) fn tool(name: &str, test: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let own = env::var_os("HYPERLANE_PYTHON_TOOLS").map(PathBuf::from);
    let mut files = own
        .into_iter()
        .chain(env::split_paths(&path))
        .map(|folder| folder.join(name));
    let found = files.find(|file| file.is_file());
    if found.is_none() {
        missing(name, test);
    }
    found
}

/// Says that the test is skipped, or fails where none may be.
pub(crate) fn missing(name: &str, test: &str) {
    let must_run = env::var_os("HYPERLANE_TESTS_MUST_NOT_SKIP").is_some_and(|value| value == "1");
    assert!(!must_run, "{test} needs {name}, which is not installed");
    note(&format!("SKIPPED: {test} needs {name}, which is not installed"));
}

/// Not through `eprintln`, which the test harness keeps to itself when the test passes.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
