//! nghttp, which follows no redirect and keeps no cookies: both are done here.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use super::{headers, output};
use crate::script::{Answer, Outcome, Step, steps};

pub(crate) struct Nghttp {
    nghttp: PathBuf,
}

impl Nghttp {
    pub(crate) fn new(nghttp: PathBuf) -> Self {
        Self { nghttp }
    }

    pub(crate) fn run(&self, base: &str) -> Outcome {
        let mut cookie = None;
        let mut answers = Vec::new();
        for step in steps() {
            let mut answer = self.ask(base, &step, &step.path, cookie.as_deref());
            if (300..400).contains(&answer.status) {
                let location = answer.headers.get("location").expect("it says where to").clone();
                answer = self.ask(base, &step, &location, cookie.as_deref());
            }
            if let Some(set) = answer.headers.get("set-cookie") {
                cookie = set.split(';').next().map(str::to_owned);
            }
            answers.push(answer);
        }
        let version = output(
            Command::new(&self.nghttp)
                .arg("--no-verify-peer")
                .arg(format!("{base}/version")),
        );
        Outcome::new(answers, String::from_utf8_lossy(&version.stdout).into_owned())
    }

    /// Twice, since it prints frames or the body: both at once can't be told apart.
    fn ask(&self, base: &str, step: &Step, path: &str, cookie: Option<&str>) -> Answer {
        let mut sent = tempfile::NamedTempFile::new().expect("a file");
        let mut command = Command::new(&self.nghttp);
        command.args([
            "--no-verify-peer",
            "--timeout=20",
            &format!("--header=:method: {}", step.method),
        ]);
        if let Some(cookie) = cookie {
            command.arg(format!("--header=cookie: {cookie}"));
        }
        if let Some(content) = &step.send {
            sent.write_all(&content.bytes()).expect("it is ours");
            command.arg(format!("--header=content-type: {}", content.media_type));
            command.arg("--data").arg(sent.path());
        }
        command.arg(format!("{base}{path}"));
        let body = output(&mut command).stdout;
        let frames = output(command.args(["--verbose", "--null-out"])).stdout;
        let frames = String::from_utf8_lossy(&frames);
        // `[  0.001] recv (stream_id=13) content-type: text/plain`
        let fields = frames.lines().filter_map(|line| {
            let (_, received) = line.split_once("recv (stream_id=")?;
            Some(received.split_once(") ")?.1)
        });
        let headers = headers(fields.map(|field| field.trim_start_matches("never-indexed ")));
        let status = headers.get(":status").and_then(|status| status.parse().ok());
        Answer::new(
            status.unwrap_or_else(|| panic!("no status in {frames}")),
            headers,
            &body,
        )
    }
}
