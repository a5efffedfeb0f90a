//! `cargo xtask soak [--quick]`: hold many idle connections, then serve at full speed, and see that nothing breaks.
//!
//! It runs the `hello` example in release mode, opens 10,000 connections that each make a request and then stay idle,
//! prints the server's memory for each of them, sees that all of them still answer, and runs `wrk` with 360
//! connections for 30 s (5 s with `--quick`), which must not report one error.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::process::cargo;
use crate::{Failure, workspace};

const IDLE_CONNECTIONS: usize = 10_000;
/// What an idle connection may cost in memory of the process, in bytes.
const IDLE_GOAL: u64 = 3 * 1024;
const LOAD_CONNECTIONS: usize = 360;

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let seconds = match arguments {
        [] => 30,
        [quick] if quick == "--quick" => 5,
        _ => return Err("usage: cargo xtask soak [--quick]".into()),
    };
    cargo(&["build", "--release", "--package", "example-hello"], &[])?;
    let server = Server::start()?;
    idle(&server)?;
    load(&server, seconds)
}

/// Many connections at once that do nothing after their first request.
fn idle(server: &Server) -> Result<(), Failure> {
    // What the server sets up once (threads' stacks, pools) is not counted to the connections.
    drop(connect(server.address, 200)?);
    std::thread::sleep(Duration::from_millis(300));
    let before = server.memory()?;
    let began = Instant::now();
    let mut connections = connect(server.address, IDLE_CONNECTIONS)?;
    let after = server.memory()?;
    let each = after.saturating_sub(before) / IDLE_CONNECTIONS as u64;
    println!(
        "{IDLE_CONNECTIONS} idle connections: opened and served once in {:.1} s, {each} bytes of process memory each \
         (goal: under {IDLE_GOAL})",
        began.elapsed().as_secs_f64()
    );
    for (number, connection) in connections.iter_mut().enumerate() {
        request(connection).map_err(|error| format!("idle connection {number} no longer answers: {error}"))?;
    }
    println!("{IDLE_CONNECTIONS} idle connections: all of them still answer");
    if each >= IDLE_GOAL {
        return Err(format!(
            "an idle connection costs {each} bytes, the goal is under {IDLE_GOAL}"
        ));
    }
    Ok(())
}

fn connect(address: SocketAddr, n: usize) -> Result<Vec<TcpStream>, Failure> {
    let mut connections = Vec::with_capacity(n);
    for number in 0..n {
        let mut connection = TcpStream::connect(address).map_err(|error| {
            format!(
                "connection {number} of {n}: {error} (this process may open {} files)",
                descriptor_limit()
            )
        })?;
        connection
            .set_read_timeout(Some(Duration::from_secs(10)))
            .map_err(|error| error.to_string())?;
        request(&mut connection).map_err(|error| format!("connection {number} of {n}: {error}"))?;
        connections.push(connection);
    }
    Ok(connections)
}

fn request(connection: &mut TcpStream) -> Result<(), Failure> {
    connection
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .map_err(|error| error.to_string())?;
    let mut received = Vec::new();
    while !received.ends_with(b"Hello, World!") {
        let mut buffer = [0; 512];
        match connection.read(&mut buffer) {
            Ok(0) => return Err(format!("closed behind {:?}", String::from_utf8_lossy(&received))),
            Ok(n) => received.extend_from_slice(&buffer[..n]),
            Err(error) => return Err(error.to_string()),
        }
    }
    if received.starts_with(b"HTTP/1.1 200 ") {
        Ok(())
    } else {
        Err(format!("answered {:?}", String::from_utf8_lossy(&received)))
    }
}

/// Full speed, without an error.
fn load(server: &Server, seconds: u32) -> Result<(), Failure> {
    println!("wrk: {LOAD_CONNECTIONS} connections for {seconds} s");
    let output = Command::new("wrk")
        .args([
            "-t2",
            "--latency",
            &format!("-c{LOAD_CONNECTIONS}"),
            &format!("-d{seconds}s"),
        ])
        .arg(format!("http://{}/", server.address))
        .output()
        .map_err(|error| format!("can't run wrk ({error}); install it: apt-get install wrk"))?;
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    print!("{report}");
    if !output.status.success() || !report.contains("Requests/sec") {
        return Err(format!("wrk failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let faults: Vec<_> = report
        .lines()
        .filter(|line| line.contains("Socket errors") || line.contains("Non-2xx"))
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("; "))
    }
}

/// The example as a process of its own; it ends with this value.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start() -> Result<Self, Failure> {
        let binary = workspace::target().join("release/example-hello");
        let mut process = Command::new(&binary)
            .env("PORT", "0")
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("can't start {}: {error}", binary.display()))?;
        let stdout = process.stdout.take().ok_or("the server has no output")?;
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        let address = line
            .trim()
            .rsplit("http://")
            .next()
            .and_then(|address| address.parse().ok());
        match (read, address) {
            (Ok(_), Some(address)) => Ok(Self { process, address }),
            _ => {
                let _ = process.kill();
                Err(format!("the server did not say where it listens, but {line:?}"))
            }
        }
    }

    /// Bytes of memory that belong to the process alone.
    fn memory(&self) -> Result<u64, Failure> {
        let path = format!("/proc/{}/smaps_rollup", self.process.id());
        let text = fs::read_to_string(&path).map_err(|error| format!("can't read {path}: {error}"))?;
        let line = text.lines().find(|line| line.starts_with("Anonymous:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kilobytes
            .map(|kilobytes| kilobytes * 1024)
            .ok_or_else(|| format!("{path} names no anonymous memory"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn descriptor_limit() -> String {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    line.and_then(|line| line.split_whitespace().nth(3))
        .unwrap_or("an unknown number of")
        .to_owned()
}
