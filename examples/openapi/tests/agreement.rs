//! The document and the program agree: independent programs read the one and try the other.
//!
//! They need Python's `openapi-spec-validator` and `schemathesis`, and Chromium. Where one is missing its test says on
//! stderr that it is skipped; with `HYPERLANE_TESTS_MUST_NOT_SKIP=1` it fails.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The program of this example, on a free port, until it is dropped.
struct Example {
    process: Child,
    url: String,
}

impl Example {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_example-openapi"))
            .env("PORT", "0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("it was built");
        let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let line = lines.next().expect("it says where it listens").expect("it is text");
        let url = line
            .strip_prefix("listening on ")
            .expect("it is the first line")
            .to_owned();
        // What else it prints must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, url }
    }

    /// The body of this path.
    fn get(&self, path: &str) -> String {
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

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Looks in the path and in `HYPERLANE_PYTHON_TOOLS`, the `bin` of a virtual environment.
fn tool(name: &str, test: &str) -> Option<PathBuf> {
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

/// A new folder with the settings of schemathesis, which leaves there what it found out.
fn workspace() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemathesis");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("it is ours");
    for name in ["schemathesis.toml", "hooks.py"] {
        let settings = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
        fs::copy(settings, folder.join(name)).expect("it is there");
    }
    folder
}

fn run(command: &mut Command) -> (Output, String) {
    let output = command.env("NO_PROXY", "127.0.0.1").output().expect("it is there");
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (output, text)
}

#[test]
fn the_document_is_valid_openapi_3_1() {
    let Some(validator) = tool("openapi-spec-validator", "the_document_is_valid_openapi_3_1") else {
        return;
    };
    let document = Example::start().get("/openapi.json");
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

#[test]
fn schemathesis_finds_no_difference_between_document_and_behaviour() {
    let test = "schemathesis_finds_no_difference_between_document_and_behaviour";
    let Some(schemathesis) = tool("schemathesis", test) else {
        return;
    };
    let example = Example::start();
    let document = format!("{}/openapi.json", example.url);
    let (output, text) = run(Command::new(schemathesis)
        .current_dir(workspace())
        .args(["run", &document])
        .args(["--header", "Authorization: Bearer librarian"])
        // The same requests each time.
        .args(["--checks", "all", "--seed", "1", "--max-examples", "100"]));
    assert!(output.status.success(), "{text}");
    assert!(text.contains("Operations:       7 selected / 7 total"), "{text}");
}

#[test]
fn a_browser_shows_the_operations_under_the_policy_of_the_page() {
    let test = "a_browser_shows_the_operations_under_the_policy_of_the_page";
    let Some(chromium) = tool("chromium", test) else {
        return;
    };
    let example = Example::start();
    let (output, text) = run(Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .args(["--enable-logging=stderr", "--virtual-time-budget=10000", "--dump-dom"])
        .arg(format!("{}/docs", example.url)));
    assert!(output.status.success(), "{text}");
    for shown in ["Finds books", "/books/{id}", "Library"] {
        let broken_for_wrapping = shown.replace('/', "/<wbr>");
        assert!(
            text.contains(shown) || text.contains(&broken_for_wrapping),
            "{shown} in {text}"
        );
    }
    assert!(!text.contains("Content Security Policy"), "{text}");
}
