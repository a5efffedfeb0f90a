//! The script, and what came of it.

use std::collections::HashMap;

use serde::Deserialize;

const SCRIPT: &str = include_str!("../../src/script.json");

/// A request and what it must be answered with.
#[derive(Debug, Deserialize)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) send: Option<Content>,
    status: u16,
    #[serde(default)]
    headers: HashMap<String, String>,
    body: Option<String>,
    length: Option<usize>,
    sum: Option<u64>,
    #[serde(default)]
    contains: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Content {
    #[serde(rename = "type")]
    pub(crate) media_type: String,
    text: Option<String>,
    /// So many bytes, of which each is its place modulo 251.
    bytes: Option<usize>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) headers: HashMap<String, String>,
    length: usize,
    sum: u64,
    text: Option<String>,
    /// As the client names it.
    #[serde(default)]
    pub(crate) protocol: String,
}

/// What a client has to tell in the end.
#[derive(Debug, Deserialize)]
pub(crate) struct Outcome {
    #[serde(default)]
    pub(crate) answers: Vec<Answer>,
    /// How the server says that a request came.
    #[serde(default)]
    pub(crate) version: String,
    #[serde(default)]
    events: Vec<(String, String)>,
    websocket: Option<Conversation>,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Conversation {
    received: Vec<String>,
    code: u16,
    was_clean: bool,
}

pub(crate) fn steps() -> Vec<Step> {
    serde_json::from_str(SCRIPT).expect("the script is JSON")
}

/// Sees whether all was answered as the script says, over the protocol that was meant.
pub(crate) fn check(outcome: &Outcome, version: &str) {
    assert_eq!(outcome.error, None);
    let steps = steps();
    assert_eq!(outcome.answers.len(), steps.len());
    for (step, answer) in steps.iter().zip(&outcome.answers) {
        step.check(answer);
    }
    assert_eq!(outcome.version, version);
}

impl Step {
    fn check(&self, answer: &Answer) {
        let name = &self.name;
        assert_eq!(answer.status, self.status, "{name}: {answer:?}");
        for (header, value) in &self.headers {
            assert_eq!(answer.headers.get(header), Some(value), "{name}: {header}");
        }
        if let Some(body) = &self.body {
            assert_eq!(answer.text.as_ref(), Some(body), "{name}");
        }
        if let Some(length) = self.length {
            assert_eq!((answer.length, Some(answer.sum)), (length, self.sum), "{name}");
        }
        for part in &self.contains {
            let text = answer.text.as_deref().unwrap_or_default();
            assert!(text.contains(part), "{name}: no {part:?} in {text:?}");
        }
    }
}

impl Content {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match (&self.text, self.bytes) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, length) => (0..length.unwrap_or(0)).map(|place| (place % 251) as u8).collect(),
        }
    }
}

impl Answer {
    pub(crate) fn new(status: u16, headers: HashMap<String, String>, body: &[u8]) -> Self {
        Self {
            status,
            headers,
            length: body.len(),
            sum: body.iter().map(|byte| u64::from(*byte)).sum(),
            text: String::from_utf8(body.to_vec()).ok(),
            protocol: String::new(),
        }
    }
}

impl Outcome {
    pub(crate) fn new(answers: Vec<Answer>, version: String) -> Self {
        Self {
            answers,
            version,
            events: Vec::new(),
            websocket: None,
            error: None,
        }
    }

    /// What only a browser does.
    pub(crate) fn check_events_and_websocket(&self) {
        let events: Vec<_> = self
            .events
            .iter()
            .map(|(data, id)| (data.as_str(), id.as_str()))
            .collect();
        assert_eq!(events, [("event 1", "1"), ("event 2", "2"), ("event 3", "3")]);
        let conversation = self.websocket.as_ref().expect("it had one");
        let sum: u64 = (0..70_000).map(|place: u64| place % 251).sum();
        assert_eq!(
            conversation.received,
            ["grüße".to_owned(), format!("70000 bytes, sum {sum}")]
        );
        assert_eq!((conversation.code, conversation.was_clean), (1000, true));
    }
}
