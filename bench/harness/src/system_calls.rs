//! System calls of the server for each request, counted by `strace -c`: a figure that other programs can't disturb.
//!
//! One connection asks, one request after the other; strace is attached when the connection has been used.

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::process::{self, Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::http::Connection;
use crate::installation::Installation;
use crate::server::Server;
use crate::verify::HELLO_REQUEST;

const WARM_UP: u32 = 200;
const COUNTED: u32 = 1_000;
const ATTACH_WITHIN: Duration = Duration::from_secs(5);
/// Rarer calls are of timers and threads, not of requests.
const LEAST: f64 = 0.01;

/// System calls for one request.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct SystemCalls {
    pub(crate) total: f64,
    /// The calls by name, the most frequent first.
    pub(crate) calls: Vec<(String, f64)>,
}

pub(crate) fn is_installed() -> bool {
    Command::new("strace")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success())
}

pub(crate) fn count(installation: &Installation) -> Result<SystemCalls, Failure> {
    let server = Server::start(installation)?;
    let failed = |error: io::Error| format!("it failed under strace: {error}");
    let mut connection = Connection::open(server.port()).map_err(failed)?;
    ask(&mut connection, WARM_UP).map_err(failed)?;
    let output = env::temp_dir().join(format!("hyperlane-bench-{}.strace", process::id()));
    let mut command = Command::new("strace");
    command.args(["-f", "-c", "-o"]).arg(&output);
    for pid in server.family() {
        command.arg("-p").arg(pid.to_string());
    }
    let strace = attach(&mut command, server.family().len())?;
    let asked = ask(&mut connection, COUNTED);
    detach(strace);
    let summary = fs::read_to_string(&output).map_err(|error| format!("strace wrote nothing: {error}"));
    // It is only in the way.
    fs::remove_file(&output).ok();
    server.stop();
    asked.map_err(failed)?;
    let calls = parse(&summary?, COUNTED);
    if calls.calls.is_empty() {
        return Err("strace counted no calls".into());
    }
    Ok(calls)
}

fn ask(connection: &mut Connection, requests: u32) -> io::Result<()> {
    for _ in 0..requests {
        connection.exchange(HELLO_REQUEST)?;
    }
    Ok(())
}

/// Starts strace and waits until it says of each process that it is attached.
fn attach(command: &mut Command, processes: usize) -> Result<Child, Failure> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut strace = command
        .spawn()
        .map_err(|error| format!("strace can't be run: {error}"))?;
    let stderr = strace.stderr.take().ok_or("strace has no output")?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            // Nobody may wait any more.
            sender.send(line).ok();
        }
    });
    let mut attached = 0;
    while attached < processes {
        match receiver.recv_timeout(ATTACH_WITHIN) {
            Ok(line) if line.contains(" attached") => attached += 1,
            Ok(line) if line.contains("ptrace") => {
                detach(strace);
                return Err(line);
            }
            Ok(_) => {}
            Err(_) => {
                detach(strace);
                return Err("strace did not attach to the server".into());
            }
        }
    }
    Ok(strace)
}

/// An interrupt makes strace let the processes go and write what it counted.
fn detach(mut strace: Child) {
    if let Some(pid) = i32::try_from(strace.id()).ok().and_then(Pid::from_raw) {
        // It fails when strace is over, which is what is wanted.
        kill_process(pid, Signal::INT).ok();
    }
    strace.wait().ok();
}

/// Reads the table: shares of time, times, and in the fourth column the calls; the name is the last.
fn parse(table: &str, requests: u32) -> SystemCalls {
    let rows = table.lines().filter_map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let calls: f64 = columns.get(3)?.parse().ok()?;
        Some(((*columns.last()?).to_owned(), calls / f64::from(requests)))
    });
    let (total, mut calls): (Vec<_>, Vec<_>) = rows.partition(|(name, _)| name == "total");
    calls.retain(|(_, each)| *each >= LEAST);
    calls.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    SystemCalls {
        total: total.first().map_or(0.0, |(_, each)| *each),
        calls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_table_of_strace() {
        let table = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 50.00    0.010000          10      1000           write
 40.00    0.008000           4      2000       999 read
  0.00    0.000000           0         3           futex
------ ----------- ----------- --------- --------- ----------------
100.00    0.018000           5      3003       999 total
";
        let calls = parse(table, 1000);
        assert_eq!(calls.total, 3.003);
        assert_eq!(calls.calls, [("read".to_owned(), 2.0), ("write".to_owned(), 1.0)]);
        assert_eq!(parse("", 1000), SystemCalls::default());
    }
}
