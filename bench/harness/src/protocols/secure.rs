//! Load over TLS, by wrk.

use std::process::Command;
use std::time::Duration;

use crate::Failure;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Report {
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) seconds: f64,
}

/// Asks for `/` for whole seconds, at least one; on a new connection each time if `close`.
pub(super) fn run(port: u16, connections: u32, close: bool, time: Duration) -> Result<Report, Failure> {
    let mut command = Command::new("wrk");
    command.args([
        "-t2",
        &format!("-c{connections}"),
        &format!("-d{}s", time.as_secs().max(1)),
    ]);
    if close {
        command.args(["-H", "Connection: close"]);
    }
    command.arg(format!("https://127.0.0.1:{port}/"));
    let output = command.output().map_err(|error| format!("wrk can't be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let report = parse(&text).ok_or("wrk failed over TLS")?;
    if report.requests == 0 {
        return Err("no request was answered over TLS".into());
    }
    Ok(report)
}

/// ```text
///   51234 requests in 2.00s, 6.60MB read
///   Socket errors: connect 0, read 3, write 0, timeout 0
///   Non-2xx or 3xx responses: 5
/// ```
fn parse(text: &str) -> Option<Report> {
    let lines = || text.lines().map(str::trim);
    let (requests, rest) = lines().find_map(|line| line.split_once(" requests in "))?;
    let (time, _) = rest.split_once(',')?;
    let seconds = match time.strip_suffix("ms") {
        Some(time) => time.parse::<f64>().ok()? / 1e3,
        None => time.strip_suffix('s')?.parse().ok()?,
    };
    let numbers = |line: &str| -> u64 {
        let digits = line.split(|c: char| !c.is_ascii_digit());
        digits.filter_map(|number| number.parse::<u64>().ok()).sum()
    };
    let socket = lines().find_map(|line| line.strip_prefix("Socket errors: ").map(numbers));
    let status = lines().find_map(|line| line.strip_prefix("Non-2xx or 3xx responses: ").map(numbers));
    Some(Report {
        requests: requests.parse().ok()?,
        errors: socket.unwrap_or(0) + status.unwrap_or(0),
        seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        let text = "Running 2s test\n  51234 requests in 2.02s, 6.60MB read\n  \
                    Socket errors: connect 1, read 3, write 0, timeout 0\n  Non-2xx or 3xx responses: 5\n";
        let expected = Report {
            requests: 51_234,
            errors: 9,
            seconds: 2.02,
        };
        assert_eq!(parse(text), Some(expected));
    }
}
