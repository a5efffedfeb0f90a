//! curl, a process for each request.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{headers, output};
use crate::program::Program;
use crate::script::{Answer, Outcome, Step, steps};

pub(crate) struct Curl {
    curl: PathBuf,
    version: &'static str,
}

impl Curl {
    /// `version` is the option that chooses the protocol.
    pub(crate) fn new(curl: PathBuf, version: &'static str) -> Self {
        Self { curl, version }
    }

    pub(crate) fn knows_http_3(curl: &Path) -> bool {
        let version = output(Command::new(curl).arg("--version"));
        String::from_utf8_lossy(&version.stdout).contains("HTTP3")
    }

    pub(crate) fn run(&self, base: &str, program: &Program) -> Outcome {
        let ask = |step: &Step| {
            let answer = self.ask(base, step, &step.path, program);
            // Older ones can't ask again on a connection of HTTP/2 without TLS, so a redirect is followed here.
            match answer.headers.get("location") {
                Some(location) if (300..400).contains(&answer.status) => self.ask(base, step, location, program),
                _ => answer,
            }
        };
        let answers = steps().iter().map(ask).collect();
        let version = output(self.command(program).arg(format!("{base}/version")));
        Outcome::new(answers, String::from_utf8_lossy(&version.stdout).into_owned())
    }

    fn ask(&self, base: &str, step: &Step, path: &str, program: &Program) -> Answer {
        let file = |name: &str| program.folder().join(name);
        let (head, cookies) = (file("head"), file("cookies"));
        let mut command = self.command(program);
        command.arg("--dump-header").arg(&head);
        command.arg("--cookie").arg(&cookies).arg("--cookie-jar").arg(&cookies);
        match step.method.as_str() {
            "HEAD" => command.arg("--head"),
            method => command.args(["--request", method]),
        };
        if let Some(content) = &step.send {
            let sent = file("sent");
            fs::write(&sent, content.bytes()).expect("it is ours");
            command.args(["--header", &format!("content-type: {}", content.media_type)]);
            command.arg("--data-binary").arg(format!("@{}", sent.display()));
        }
        let received = output(command.arg(format!("{base}{path}"))).stdout;
        let head = fs::read_to_string(&head).expect("curl wrote it");
        // Of several, the last: those before were interim ones.
        let last = head.trim_end().rsplit("\r\n\r\n").next().unwrap_or_default();
        let status = last.split_whitespace().nth(1).and_then(|status| status.parse().ok());
        let body: &[u8] = if step.method == "HEAD" { &[] } else { &received };
        Answer::new(status.expect("a status line"), headers(last.lines()), body)
    }

    fn command(&self, program: &Program) -> Command {
        let mut command = Command::new(&self.curl);
        command.args(["--silent", "--show-error", "--max-time", "20", self.version]);
        command.arg("--cacert").arg(program.certificate());
        command
    }
}
