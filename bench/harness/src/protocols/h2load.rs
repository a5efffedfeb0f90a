//! Load over HTTP/2, by nghttp2's `h2load`.

use std::process::Command;
use std::time::Duration;

use crate::Failure;

/// How a server is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Job {
    pub(super) connections: u32,
    /// At once on each connection.
    pub(super) streams: u32,
    pub(super) path: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Report {
    pub(super) requests: u64,
    pub(super) failed: u64,
    pub(super) seconds: f64,
}

/// Asks for whole seconds, at least one.
pub(super) fn run(port: u16, job: Job, time: Duration) -> Result<Report, Failure> {
    let mut command = Command::new("h2load");
    command.args(["-t", "2", "-D", &time.as_secs().max(1).to_string()]);
    command.args(["-c", &job.connections.to_string(), "-m", &job.streams.to_string()]);
    command.arg(format!("http://127.0.0.1:{port}{}", job.path));
    let output = command
        .output()
        .map_err(|error| format!("h2load can't be run (`apt-get install nghttp2-client`): {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let report = parse(&text).ok_or_else(|| format!("h2load failed: {}", text.lines().last().unwrap_or_default()))?;
    if report.requests == 0 {
        return Err("no request was answered over HTTP/2".into());
    }
    Ok(report)
}

/// ```text
/// finished in 2.00s, 51234.50 req/s, 1.27MB/s
/// requests: 102469 total, 102981 started, 102469 done, 102469 succeeded, 0 failed, 0 errored, 0 timeout
/// ```
fn parse(text: &str) -> Option<Report> {
    let finished = text.lines().find_map(|line| line.strip_prefix("finished in "))?;
    let requests = text.lines().find_map(|line| line.strip_prefix("requests: "))?;
    let seconds = match finished.split_once(", ")?.0 {
        time if time.ends_with("ms") => time.trim_end_matches("ms").parse::<f64>().ok()? / 1e3,
        time => time.trim_end_matches('s').parse().ok()?,
    };
    let figure = |name: &str| {
        let mut parts = requests.split(", ").filter_map(|part| part.split_once(' '));
        parts.find(|(_, known)| *known == name)?.0.parse::<u64>().ok()
    };
    Some(Report {
        requests: figure("succeeded")?,
        failed: figure("failed")?,
        seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        let text = "starting benchmark...\nfinished in 2.01s, 51234.50 req/s, 1.27MB/s\n\
                    requests: 102469 total, 102981 started, 102469 done, 102467 succeeded, 2 failed, 2 errored, 0 timeout\n";
        let expected = Report {
            requests: 102_467,
            failed: 2,
            seconds: 2.01,
        };
        assert_eq!(parse(text), Some(expected));
        assert_eq!(parse("finished in 505.10ms, 1 req/s\n"), None);
    }
}
