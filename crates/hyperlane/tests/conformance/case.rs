//! One case of the suite: what is sent, where the rule comes from, and what must come back.

use std::time::Duration;

use crate::probe::{PATIENCE, Step};
use crate::reply::{Framing, Reply};

/// A case: built by [`case`], completed by the methods, run by [`Case::run`] in `verdict.rs`.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The RFC section, or the abuse.
    pub(crate) source: &'static str,
    pub(crate) steps: Vec<Step>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) ending: Ending,
    /// Whether the request behind must (`true`) or must not (`false`) be served.
    pub(crate) marker: Option<bool>,
    /// The longest time that the case may take.
    pub(crate) within: Duration,
}

/// What must be true when every answer has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// One more request is answered on the connection.
    KeepsOpen,
    /// The last answer says `Connection: close`, and a FIN follows.
    Closes,
    /// A FIN follows; the last answer need not have announced it.
    ClosesUnannounced,
    /// The server may choose, but does what its last answer says.
    AsAnnounced,
    /// The connection ends in the middle of a response, so that the client sees it is broken.
    Aborts,
}

/// One expected response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) statuses: Vec<u16>,
    pub(crate) to_head: bool,
    pub(crate) optional: bool,
    pub(crate) checks: Vec<Check>,
}

/// Something that must hold of a response.
#[derive(Debug)]
pub(crate) enum Check {
    Body(Vec<u8>),
    Contains(&'static str),
    Field(&'static str, &'static str),
    Lists(&'static str, &'static [&'static str]),
    NoField(&'static str),
    Framed(Framing),
    Trailer(&'static str, &'static str),
    That(&'static str, fn(&Reply) -> bool),
}

/// A case that sends `bytes`. Without more it expects nothing and an open connection.
pub(crate) fn case(name: &'static str, source: &'static str, bytes: impl Into<Vec<u8>>) -> Case {
    Case {
        name,
        source,
        steps: vec![Step::Send(bytes.into())],
        answers: Vec::new(),
        ending: Ending::KeepsOpen,
        marker: None,
        within: PATIENCE,
    }
}

/// The request that a case puts behind its message, for the path that only it marks.
pub(crate) fn marker_request(name: &str) -> String {
    format!("GET /marker/{name} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// The script of a case.
impl Case {
    /// Adds a step.
    pub(crate) fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Adds bytes that arrive apart from the ones before.
    pub(crate) fn then_send(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.then(Step::Pause(Duration::from_millis(5)))
            .then(Step::Send(bytes.into()))
    }

    /// Closes the sending side after what was sent so far.
    pub(crate) fn half_close(self) -> Self {
        self.then(Step::HalfClose)
    }

    /// Sends each byte of the last step on its own.
    pub(crate) fn byte_by_byte(mut self) -> Self {
        if let Some(Step::Send(bytes)) = self.steps.pop() {
            self.steps.push(Step::Dribble(bytes));
        }
        self
    }

    /// Appends a request for the marker path of this case.
    ///
    /// It is sent together with the last bytes, as the next message of the pipeline or as the
    /// request that an attacker hopes to smuggle.
    fn with_marker(mut self, reached: bool) -> Self {
        let request = marker_request(self.name);
        match self.steps.last_mut() {
            Some(Step::Send(bytes)) => bytes.extend_from_slice(request.as_bytes()),
            _ => self.steps.push(Step::Send(request.into_bytes())),
        }
        self.marker = Some(reached);
        self
    }

    /// Sends a request for the marker path behind; it must never be seen as a request.
    pub(crate) fn marker_unreached(self) -> Self {
        self.with_marker(false)
    }

    /// Sends a request for the marker path behind; it must be served, as the next answer.
    pub(crate) fn marker_reached(self) -> Self {
        self.with_marker(true).answers(200).body("marked")
    }

    /// One answer with this status and body, and then the answer of [`Case::marker_reached`].
    pub(crate) fn marker_reached_after(self, status: u16, body: &str) -> Self {
        self.answers(status).body(body).marker_reached()
    }

    /// The case must be over after this time at most.
    pub(crate) fn within(mut self, time: Duration) -> Self {
        self.within = time;
        self
    }

    /// Whether the case can fail for another reason than a broken response.
    pub(crate) fn expects_something(&self) -> bool {
        !self.answers.is_empty() || self.ending != Ending::KeepsOpen
    }
}

/// The answers of a case.
impl Case {
    /// The next answer has this status.
    pub(crate) fn answers(self, status: u16) -> Self {
        self.answers_any(&[status])
    }

    /// The next answer has one of these statuses.
    pub(crate) fn answers_any(mut self, statuses: &[u16]) -> Self {
        self.answers.push(Answer {
            statuses: statuses.to_vec(),
            to_head: false,
            optional: false,
            checks: Vec::new(),
        });
        self
    }

    /// The next `count` answers have this status.
    pub(crate) fn answers_times(self, count: usize, status: u16) -> Self {
        (0..count).fold(self, |case, _| case.answers(status))
    }

    /// The next answer may be missing.
    pub(crate) fn may_answer(self, statuses: &[u16]) -> Self {
        self.answers_any(statuses).optional()
    }

    /// One answer with this status, then the server closes.
    pub(crate) fn refused(self, status: u16) -> Self {
        self.answers(status).closes()
    }

    /// One answer with one of these statuses, then the server closes.
    pub(crate) fn refused_any(self, statuses: &[u16]) -> Self {
        self.answers_any(statuses).closes()
    }

    /// The server may refuse or say nothing, but closes.
    pub(crate) fn dropped(self, statuses: &[u16]) -> Self {
        self.may_answer(statuses).closes_unannounced()
    }

    /// The last answer announces the close, and the server closes.
    pub(crate) fn closes(self) -> Self {
        self.ends(Ending::Closes)
    }

    /// The server closes.
    pub(crate) fn closes_unannounced(self) -> Self {
        self.ends(Ending::ClosesUnannounced)
    }

    /// The server keeps or closes the connection, as its last answer says.
    pub(crate) fn keeps_or_closes(self) -> Self {
        self.ends(Ending::AsAnnounced)
    }

    /// The server breaks the connection in the middle of a response.
    pub(crate) fn aborts(self) -> Self {
        self.ends(Ending::Aborts)
    }

    fn ends(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }

    fn optional(mut self) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.optional = true;
        }
        self
    }

    /// The last answer is one to a `HEAD`.
    pub(crate) fn answering_head(mut self) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.to_head = true;
        }
        self.check(Check::Body(Vec::new()))
    }

    /// The last answer has this body.
    pub(crate) fn body(self, body: impl Into<Vec<u8>>) -> Self {
        self.check(Check::Body(body.into()))
    }

    /// The body of the last answer contains this text.
    pub(crate) fn contains(self, text: &'static str) -> Self {
        self.check(Check::Contains(text))
    }

    /// The last answer has exactly one field line of this name, with this value.
    pub(crate) fn field(self, name: &'static str, value: &'static str) -> Self {
        self.check(Check::Field(name, value))
    }

    /// The last answer has a comma separated field of this name with these members among others.
    pub(crate) fn lists(self, name: &'static str, members: &'static [&'static str]) -> Self {
        self.check(Check::Lists(name, members))
    }

    /// The last answer has no such field.
    pub(crate) fn no_field(self, name: &'static str) -> Self {
        self.check(Check::NoField(name))
    }

    /// The body of the last answer is delimited in this way.
    pub(crate) fn framed(self, framing: Framing) -> Self {
        self.check(Check::Framed(framing))
    }

    /// The last answer has this trailer field.
    pub(crate) fn trailer(self, name: &'static str, value: &'static str) -> Self {
        self.check(Check::Trailer(name, value))
    }

    /// The last answer fulfils `test`; `what` says what that means.
    pub(crate) fn that(self, what: &'static str, test: fn(&Reply) -> bool) -> Self {
        self.check(Check::That(what, test))
    }

    fn check(mut self, check: Check) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.checks.push(check);
        }
        self
    }
}

impl Answer {
    /// Whether a 1xx is expected.
    pub(crate) fn is_interim(&self) -> bool {
        self.statuses.iter().all(|&status| status < 200)
    }
}
