//! Runs a case on a connection of its own, and judges what came back.

use std::net::SocketAddr;

use tokio::time::{Instant, timeout};

use crate::app::Marks;
use crate::case::{Answer, Case, Check, Ending};
use crate::probe::{End, PATIENCE, Probe, Step};
use crate::reply::{Framing, Reply};

/// Sent to see whether a connection is still usable, and in step.
const FOLLOW_UP: &[u8] = b"GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

impl Case {
    /// Runs the case on a connection of its own.
    ///
    /// # Errors
    /// Every expectation that was not met, with what was sent and what came back.
    pub(crate) async fn run(&self, addr: SocketAddr, marks: &Marks) -> Result<(), String> {
        let finals: Vec<&Answer> = self.answers.iter().filter(|answer| !answer.is_interim()).collect();
        let heads = finals
            .iter()
            .enumerate()
            .filter_map(|(index, answer)| answer.to_head.then_some(index))
            .collect();
        let mut probe = match Probe::connect(addr, heads).await {
            Ok(probe) => probe,
            Err(error) => return Err(format!("cannot connect: {error}")),
        };
        let expected = finals.iter().filter(|answer| !answer.optional).count();
        let started = Instant::now();
        let in_time = timeout(PATIENCE, self.play(&mut probe, expected)).await.is_ok();
        let took = started.elapsed();

        let mut problems = Vec::new();
        if !in_time {
            problems.push(format!("no end after {PATIENCE:?}"));
        }
        if took > self.within {
            problems.push(format!("took {took:?} instead of at most {:?}", self.within));
        }
        self.verdict(&probe, in_time, &mut problems);
        if let Some(reached) = self.marker
            && marks.hit(self.name) != reached
        {
            problems.push(format!(
                "the request behind was {}served",
                if reached { "not " } else { "" }
            ));
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(format!(
            "{}\n      sent: {}\n      got:  {} {}",
            problems.join("\n      "),
            self.sent(),
            excerpt(&probe.received),
            match probe.end {
                None => "[open]",
                Some(End::Closed) => "[FIN]",
                Some(End::Reset) => "[RST]",
            },
        ))
    }

    async fn play(&self, probe: &mut Probe, expected: usize) {
        for step in &self.steps {
            probe.step(step).await;
        }
        if matches!(self.ending, Ending::KeepsOpen | Ending::AsAnnounced) {
            probe.read_until(|probe| probe.finals() >= expected).await;
            probe.send(FOLLOW_UP).await;
        }
        probe.read_until(|_| false).await;
    }

    fn verdict(&self, probe: &Probe, in_time: bool, problems: &mut Vec<String>) {
        if let Some(fault) = &probe.fault {
            problems.push(format!("the response is broken: {fault}"));
        }
        if probe.truncated && self.ending != Ending::Aborts {
            problems.push("the connection ended in the middle of a response".into());
        }
        let mut replies = &probe.replies[..];
        let kept = match self.ending {
            Ending::KeepsOpen => true,
            Ending::AsAnnounced => {
                // With the follow-up answered, its answer is the one that announces the close.
                let expected = self.answers.iter().filter(|answer| !answer.is_interim()).count();
                probe.finals() > expected
            }
            _ => false,
        };
        if kept {
            match replies.split_last() {
                Some((last, before)) if last.status == 200 && last.body == b"hello" => {
                    replies = before;
                    if before.last().is_some_and(Reply::announces_close) {
                        problems.push("announced the close, and served one more request (RFC 9112 §9.6)".into());
                    }
                }
                _ => problems.push("the connection was of no use for the next request".into()),
            }
        } else if self.ending == Ending::AsAnnounced && replies.last().is_some_and(|last| !last.announces_close()) {
            problems.push("closed without announcing it (RFC 9112 §9.6)".into());
        }
        if in_time && probe.end == Some(End::Reset) && self.ending != Ending::Aborts {
            problems.push("the connection was reset instead of closed (RFC 9112 §9.6)".into());
        }
        if self.ending == Ending::Aborts && probe.finals() > 0 {
            problems.push("the broken response looks complete to the client".into());
        }
        if self.ending == Ending::Closes && replies.last().is_some_and(|last| !last.announces_close()) {
            problems.push("the last answer does not announce the close (RFC 9112 §9.6)".into());
        }
        check_sequence(replies, problems);
        self.match_answers(replies, problems);
    }

    fn match_answers(&self, replies: &[Reply], problems: &mut Vec<String>) {
        let mut replies = replies.iter().peekable();
        for (index, answer) in self.answers.iter().enumerate() {
            let fits = |reply: &&Reply| answer.statuses.contains(&reply.status);
            match replies.next_if(fits) {
                Some(reply) => answer.judge(index, reply, problems),
                None if answer.optional => {}
                None => match replies.next() {
                    Some(reply) => problems.push(format!(
                        "answer {index} is {} instead of {:?}",
                        reply.status, answer.statuses
                    )),
                    None => problems.push(format!("answer {index} ({:?}) is missing", answer.statuses)),
                },
            }
        }
        let extra: Vec<u16> = replies.map(|reply| reply.status).collect();
        if !extra.is_empty() {
            problems.push(format!("answers too many: {extra:?}"));
        }
    }

    fn sent(&self) -> String {
        let mut text = String::new();
        for step in &self.steps {
            match step {
                Step::Send(bytes) => text.push_str(&excerpt(bytes)),
                Step::Dribble(bytes) => text.push_str(&format!("[bytewise] {}", excerpt(bytes))),
                other => text.push_str(&format!(" [{other:?}] ")),
            }
        }
        text
    }
}

impl Answer {
    fn judge(&self, index: usize, reply: &Reply, problems: &mut Vec<String>) {
        let until_close = |check: &Check| matches!(check, Check::Framed(Framing::UntilClose));
        if reply.framing == Framing::UntilClose && !self.checks.iter().any(until_close) {
            problems.push(format!("answer {index} ({}) has no framing", reply.status));
        }
        for check in &self.checks {
            let held = match check {
                Check::Body(body) => reply.body == *body,
                Check::Contains(text) => String::from_utf8_lossy(&reply.body).contains(text),
                Check::Field(name, value) => reply.fields.all(name).eq([*value]),
                Check::Lists(name, members) => members.iter().all(|member| reply.fields.lists(name, member)),
                Check::NoField(name) => reply.fields.get(name).is_none(),
                Check::Framed(framing) => reply.framing == *framing,
                Check::Trailer(name, value) => reply.trailers.all(name).eq([*value]),
                Check::That(_, test) => test(reply),
            };
            if !held {
                let check = match check {
                    Check::Body(body) => format!("Body({})", excerpt(body)),
                    Check::That(what, _) => (*what).to_owned(),
                    other => format!("{other:?}"),
                };
                problems.push(format!("answer {index} ({}) fails {check}", reply.status));
            }
        }
    }
}

/// What holds for every sequence of responses, whatever was asked.
fn check_sequence(replies: &[Reply], problems: &mut Vec<String>) {
    for (index, reply) in replies.iter().enumerate() {
        let mut blame = |what: &str| problems.push(format!("answer {index}: {what}"));
        if reply.minor != 1 {
            blame("not sent as HTTP/1.1 (RFC 9110 §2.5)");
        }
        if reply.status >= 400 && !matches!(reply.framing, Framing::Length | Framing::Bodiless) {
            blame("an error without content-length");
        }
        if reply.status == 405 && reply.fields.get("allow").is_none() {
            blame("405 without allow (RFC 9110 §15.5.6)");
        }
        if reply.announces_close() && index + 1 < replies.len() {
            blame("announces the close, yet another answer follows (RFC 9112 §9.6)");
        }
    }
}

/// Bytes as readable text, cut when long.
fn excerpt(bytes: &[u8]) -> String {
    const LIMIT: usize = 700;
    let shown = bytes.get(..LIMIT).unwrap_or(bytes).escape_ascii();
    match bytes.len() {
        0..=LIMIT => format!("\"{shown}\""),
        length => format!("\"{shown}\"… ({length} bytes)"),
    }
}
