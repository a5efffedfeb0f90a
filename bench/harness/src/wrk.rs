//! Load by wrk: as many requests as the server answers.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

use crate::workload::Workload;
use crate::{Failure, folder};

const THREADS: usize = 2;
/// An answer that takes longer is an error.
const TIMEOUT: &str = "10s";

/// What `lua/load.lua` reports. Times are in microseconds.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
pub(crate) struct Report {
    pub(crate) requests: u64,
    pub(crate) microseconds: u64,
    /// Received, heads included.
    pub(crate) bytes: u64,
    connect_errors: u64,
    read_errors: u64,
    write_errors: u64,
    status_errors: u64,
    timeouts: u64,
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

impl Report {
    pub(crate) fn errors(&self) -> u64 {
        self.connect_errors + self.read_errors + self.write_errors + self.status_errors + self.timeouts
    }

    pub(crate) fn requests_per_second(&self) -> f64 {
        self.requests as f64 * 1e6 / self.microseconds as f64
    }
}

/// Whether wrk can be run.
pub(crate) fn is_installed() -> bool {
    // It has no option that only succeeds; `--version` prints and fails.
    Command::new("wrk").arg("--version").output().is_ok()
}

/// What wrk asks for: a mode of `lua/load.lua` and its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    arguments: Vec<String>,
}

impl Job {
    /// As the workload has it.
    pub(crate) fn workload(workload: Workload) -> Self {
        Self::new([workload.name(), contract::EXAMPLE_PATH, contract::EXAMPLE_ITEM])
    }

    /// One path, with a header if there is one.
    pub(crate) fn get(path: &str, header: &str) -> Self {
        Self::new(["get", path, header])
    }

    fn new(arguments: [&str; 3]) -> Self {
        Self {
            arguments: arguments.map(str::to_owned).to_vec(),
        }
    }
}

/// Loads the server on this port for whole seconds, at least one.
pub(crate) fn run(port: u16, job: &Job, connections: usize, time: Duration) -> Result<Report, Failure> {
    let mut command = command(port, job, connections, time.as_secs().max(1));
    let output = command.output().map_err(|error| format!("wrk can't be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let report = parse(&text).ok_or_else(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        format!("wrk failed: {}", errors.lines().next().unwrap_or("without a word"))
    })?;
    if report.requests == 0 {
        return Err(format!("no request was answered, {} errors", report.errors()));
    }
    Ok(report)
}

/// Loads the server for a time that need not be whole seconds, and does not look at what comes of it.
pub(crate) fn warm_up(port: u16, job: &Job, connections: usize, time: Duration) -> Result<(), Failure> {
    let mut command = command(port, job, connections, time.as_secs() + 1);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut wrk = command.spawn().map_err(|error| format!("wrk can't be run: {error}"))?;
    thread::sleep(time);
    if let Some(pid) = i32::try_from(wrk.id()).ok().and_then(Pid::from_raw) {
        // It fails when wrk is over, which is what is wanted.
        kill_process(pid, Signal::INT).ok();
    }
    wrk.wait()
        .map(drop)
        .map_err(|error| format!("wrk can't be ended: {error}"))
}

fn command(port: u16, job: &Job, connections: usize, seconds: u64) -> Command {
    let mut command = Command::new("wrk");
    command
        .arg(format!("-t{}", THREADS.min(connections)))
        .arg(format!("-c{connections}"));
    command.arg(format!("-d{seconds}s")).args(["--timeout", TIMEOUT, "-s"]);
    command
        .arg(folder().join("harness/lua/load.lua"))
        .arg(format!("http://127.0.0.1:{port}/"));
    command.arg("--").args(&job.arguments);
    command
}

fn parse(output: &str) -> Option<Report> {
    output.lines().find_map(|line| serde_json::from_str(line).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_report_behind_what_wrk_prints() {
        let output = "Running 1s test @ http://127.0.0.1:1/\n  2 threads and 64 connections\n\
            Requests/sec:  10.00\n\
            {\"requests\":50,\"microseconds\":500000,\"bytes\":6500,\"connect_errors\":1,\"read_errors\":2,\
            \"write_errors\":0,\"status_errors\":3,\"timeouts\":0,\"mean\":100.5,\"p50\":90.0,\"p99\":200.0,\
            \"p999\":250.0,\"max\":300.0}\n";
        let report = parse(output).expect("a report");
        assert_eq!((report.requests_per_second(), report.errors()), (100.0, 6));
        assert_eq!(parse("Running 1s test\n"), None);
    }
}
