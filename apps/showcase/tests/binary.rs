//! The program itself: what it prints, how it ends, and what it says about a mistake.

#![expect(
    clippy::unwrap_used,
    reason = "how a test says what must hold, in its helpers as well"
)]

mod support;

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use tempfile::TempDir;

fn command(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_showcase"));
    command
        .current_dir(folder)
        .env("XDG_DATA_HOME", folder.path())
        .env_remove("DATABASE_URL")
        .env_remove("PARTNER_URL");
    command
}

fn output(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    command(&folder).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A started showcase that does not outlive its test.
struct Started {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Started {
    fn new(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn prints_its_folder_and_its_address_and_ends_on_an_interrupt() {
    let folder = tempfile::tempdir().unwrap();
    let mut showcase = Started::new(command(&folder).args(["--port", "0", "--scale", "0"]));
    let data_dir = folder.path().join("hyperlane-showcase");
    assert_eq!(showcase.line(), format!("showcase: data in {}", data_dir.display()));
    let line = showcase.line();
    let url = line
        .split_whitespace()
        .find(|word| word.starts_with("http://"))
        .unwrap_or_else(|| panic!("{line}"));

    let client = support::client();
    for path in ["", "async-data"] {
        assert_eq!(
            client.get(format!("{url}{path}")).send().await.unwrap().status(),
            200,
            "{path}"
        );
    }
    assert!(data_dir.join("showcase.sqlite").is_file());

    #[cfg(unix)]
    {
        drop(client);
        let pid = showcase.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        assert!(showcase.child.wait().unwrap().success());
    }
}

#[test]
fn says_what_to_do_when_the_port_is_in_use() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let output = output(&["--port", &port]);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    let expected = format!(
        "showcase: port {port} of 127.0.0.1 is in use; end the program that listens there, or choose another port with --port"
    );
    assert!(message.contains(&expected), "{message}");
}

#[test]
fn refuses_a_mistaken_option_before_it_touches_anything() {
    let folder = tempfile::tempdir().unwrap();
    let output = command(&folder).args(["--port", "many"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "showcase: --port takes a port, 0 to 65535, not \"many\"\n"
    );
    assert!(!folder.path().join("hyperlane-showcase").exists());
}

#[test]
fn names_a_data_folder_that_cannot_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = command(&folder)
        .arg("--data-dir")
        .arg(file.join("below"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(
        message.contains("data folder: cannot create") && message.contains("--data-dir"),
        "{message}"
    );
}

#[test]
fn help_lists_the_options() {
    let output = output(&["--help"]);
    assert!(output.status.success());
    for option in [
        "--host",
        "--port",
        "--scale",
        "--data-dir",
        "--writes-per-minute",
        "--results",
        "DATABASE_URL",
        "PARTNER_URL",
    ] {
        assert!(text(&output.stdout).contains(option), "{option}");
    }
}
