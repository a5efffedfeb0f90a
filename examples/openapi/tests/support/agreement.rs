//! A program and its document, tried by independent programs: Python's `openapi-spec-validator` and `schemathesis`.
//!
//! The example's tests and those of the showcase share it. Where a tool is missing, the test says on stderr that it is
//! skipped; with `HYPERLANE_TESTS_MUST_NOT_SKIP=1` it fails.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A program that says on stdout where it listens, until it is dropped.
pub(crate) struct Program {
    process: Child,
    /// `http://127.0.0.1:…`, without a slash.
    pub(crate) url: String,
}

impl Program {
    /// Starts it, and waits for the first word of its output that is a URL.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("it was built");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let url = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let mut words = line.split_whitespace();
            let url = words.find(|word| word.starts_with("http://"))?;
            Some(url.trim_end_matches('/').to_owned())
        });
        // What else it prints must not fill the pipe.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        Self {
            process,
            url: url.expect("it says where it listens"),
        }
    }

    /// The body of this path.
    pub(crate) fn get(&self, path: &str) -> String {
        let address = self.url.trim_start_matches("http://");
        let mut connection = TcpStream::connect(address).expect("it listens");
        write!(
            connection,
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
        )
        .expect("it reads");
        let mut response = String::new();
        connection.read_to_string(&mut response).expect("it is text");
        let (head, body) = response.split_once("\r\n\r\n").expect("it has a head");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        body.to_owned()
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
        let must_run = env::var_os("HYPERLANE_TESTS_MUST_NOT_SKIP").is_some_and(|value| value == "1");
        assert!(!must_run, "{test} needs {name}, which is not installed");
        // Not through `eprintln`, which the test harness keeps to itself when the test passes.
        let _ = writeln!(io::stderr(), "SKIPPED: {test} needs {name}, which is not installed");
    }
    found
}

/// Runs a tool to its end, and returns all that it printed.
pub(crate) fn run(command: &mut Command) -> (Output, String) {
    let output = command.env("NO_PROXY", "127.0.0.1").output().expect("it is there");
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (output, text)
}

/// Has `openapi-spec-validator` read a document.
pub(crate) fn assert_valid_document(validator: &Path, document: &str) {
    let mut process = Command::new(validator)
        .args(["--schema", "3.1", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it is there");
    let mut input = process.stdin.take().expect("it is piped");
    input.write_all(document.as_bytes()).expect("it is read to its end");
    drop(input);
    let output = process.wait_with_output().expect("it ends");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("OK"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Has `schemathesis` try every operation of a program's document: what the document admits must be taken, what it does
/// not must be refused, and each answer must be one of those that it names.
///
/// `settings` are those of a `schemathesis.toml`; `operations` says how many there are, so that none is left out unseen.
pub(crate) fn assert_agreement(schemathesis: &Path, program: &Program, settings: &str, operations: usize) {
    let folder = workspace(settings);
    let (output, text) = run(Command::new(schemathesis)
        .current_dir(&folder)
        .args(["run", &format!("{}/openapi.json", program.url)])
        // The same requests each time.
        .args(["--checks", "all", "--seed", "1", "--max-examples", "100"]));
    assert!(output.status.success(), "{text}");
    let all = format!("Operations:       {operations} selected / {operations} total");
    assert!(text.contains(&all), "{text}");
}

/// A new folder with the settings of schemathesis, which leaves there what it found out.
fn workspace(settings: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("schemathesis-{}", env!("CARGO_PKG_NAME")));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("it is ours");
    fs::write(folder.join("schemathesis.toml"), settings).expect("it is ours");
    folder
}
