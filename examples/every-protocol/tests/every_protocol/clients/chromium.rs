//! A headless Chromium that opens the page of the example, which walks through the script by itself and reports to us.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::program::Program;
use crate::script::Outcome;

/// How long a browser may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct Chromium {
    chromium: PathBuf,
}

/// A browser that ends with this value, and its other processes with it.
struct Running(Child);

impl Chromium {
    pub(crate) fn new(chromium: PathBuf) -> Self {
        Self { chromium }
    }

    /// Waits for what the page reports.
    pub(crate) fn run(&self, base: &str, program: &Program, arguments: &[&str]) -> Outcome {
        let reports = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = reports.local_addr().expect("it is bound").port();
        let mut command = Command::new(&self.chromium);
        command.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
        ]);
        command.args([
            "--no-proxy-server",
            "--disable-background-networking",
            "--disable-component-update",
        ]);
        // Over QUIC it asks only the first address of a name, which may be that of version 6.
        command.arg("--host-resolver-rules=MAP localhost 127.0.0.1");
        command.arg(format!(
            "--user-data-dir={}",
            program.folder().join("profile").display()
        ));
        command.arg(format!("--ignore-certificate-errors-spki-list={}", program.key_hash()));
        // With it, it stays open when the page is loaded.
        command.arg("--remote-debugging-port=0").args(arguments);
        command.arg(format!("{base}/?report={port}"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let running = Running(command.spawn().expect("it is there"));
        let (sender, report) = mpsc::channel();
        std::thread::spawn(move || sender.send(receive(&reports)));
        let report = report.recv_timeout(PATIENCE).expect("the page reports in time");
        drop(running);
        serde_json::from_slice(&report).expect("the page writes JSON")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The body of the first request that comes.
fn receive(listener: &TcpListener) -> Vec<u8> {
    let (connection, _) = listener.accept().expect("it listens");
    let mut reader = BufReader::new(connection);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a head");
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let _ = reader
        .get_mut()
        .write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
    body
}
