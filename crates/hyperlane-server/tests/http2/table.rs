//! Tables of cases: what is sent on a fresh connection, and what must come of it.

use hyperlane_server::Config;

use crate::client::{Client, code, flag, frame, kind};
use crate::hpack;

/// What is done before the last thing, in order.
pub(crate) enum Step {
    Send(Vec<u8>),
    /// Waits for the whole response on this stream.
    Response(u32),
}

/// What must come of a case.
pub(crate) enum Outcome {
    /// The connection ends with a GOAWAY of this code (RFC 9113 §5.4.1).
    ConnectionError(u32),
    /// The stream ends with a reset of this code, or the connection with the same code (§5.4.2, and §5.4.1 on treating
    /// the one as the other).
    StreamError(u32, u32),
    /// The stream ends with a reset of PROTOCOL_ERROR, or after a 400 (§8.1.1).
    Malformed(u32),
    /// The connection works on.
    Alive,
    /// The response has this status.
    Status(u32, u16),
    /// The next frame of this kind has this payload.
    Payload(u8, Vec<u8>),
}

pub(crate) struct Case {
    /// The section, and what is sent.
    pub(crate) name: &'static str,
    pub(crate) steps: Vec<Step>,
    pub(crate) outcome: Outcome,
}

/// A case of one thing that is sent.
pub(crate) fn case(name: &'static str, send: impl Into<Vec<u8>>, outcome: Outcome) -> Case {
    steps(name, vec![Step::Send(send.into())], outcome)
}

pub(crate) fn steps(name: &'static str, steps: Vec<Step>, outcome: Outcome) -> Case {
    Case { name, steps, outcome }
}

/// Frames behind each other.
pub(crate) fn all<const N: usize>(frames: [Vec<u8>; N]) -> Vec<u8> {
    frames.into_iter().flatten().collect()
}

/// Runs all cases, each with its bytes at once and byte by byte, and reports those that fail together.
pub(crate) async fn run(cases: Vec<Case>) {
    run_with(&Config::default(), cases).await;
}

pub(crate) async fn run_with(config: &Config, cases: Vec<Case>) {
    let mut failures = Vec::new();
    for case in cases {
        for piece in [usize::MAX, 1] {
            if let Err(failure) = run_case(config, &case, piece).await {
                let how = if piece == 1 { "byte by byte" } else { "at once" };
                failures.push(format!("{} ({how}): {failure}", case.name));
            }
        }
    }
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
}

async fn run_case(config: &Config, case: &Case, piece: usize) -> Result<(), String> {
    let mut client = Client::connect(config.clone()).await;
    for step in &case.steps {
        match step {
            Step::Send(bytes) => {
                for piece in bytes.chunks(piece.min(bytes.len()).max(1)) {
                    client.send(piece).await;
                    if piece.len() < bytes.len() {
                        tokio::task::yield_now().await;
                    }
                }
            }
            Step::Response(stream) => {
                client.response(*stream).await;
            }
        }
    }
    check(&mut client, &case.outcome).await
}

async fn check(client: &mut Client, outcome: &Outcome) -> Result<(), String> {
    match outcome {
        Outcome::Alive => match client.is_alive().await {
            true => Ok(()),
            false => Err("the connection ended".to_owned()),
        },
        Outcome::ConnectionError(code) => match client.goaway().await {
            Some(got) if got == *code => Ok(()),
            got => Err(format!("GOAWAY with {got:?} and not {code}")),
        },
        Outcome::StreamError(stream, code) => {
            while let Some(frame) = client.next().await {
                let concerned = frame.kind == kind::GOAWAY || frame.kind == kind::RST_STREAM && frame.stream == *stream;
                // A response may have gone before.
                if concerned && frame.code() != code::NO_ERROR {
                    return match frame.code() {
                        got if got == *code => Ok(()),
                        got => Err(format!("an error of {got} and not {code}")),
                    };
                }
            }
            Err("the end without a word".to_owned())
        }
        Outcome::Malformed(stream) => {
            while let Some(frame) = client.next().await {
                match frame.kind {
                    kind::HEADERS if frame.stream == *stream && hpack::status(&frame.payload) == 400 => return Ok(()),
                    kind::RST_STREAM if frame.stream == *stream && frame.code() == code::PROTOCOL_ERROR => {
                        return Ok(());
                    }
                    kind::HEADERS | kind::RST_STREAM | kind::GOAWAY => break,
                    _ => {}
                }
            }
            Err("neither 400 nor a reset".to_owned())
        }
        Outcome::Status(stream, status) => {
            let (got, _) = client.response(*stream).await;
            match got == *status {
                true => Ok(()),
                false => Err(format!("status {got} and not {status}")),
            }
        }
        Outcome::Payload(kind, payload) => {
            let got = client.wait(*kind).await;
            match got.payload == *payload {
                true => Ok(()),
                false => Err(format!("payload {:x?}", got.payload)),
            }
        }
    }
}

/// HEADERS with these flags besides END_HEADERS.
pub(crate) fn headers(stream: u32, flags: u8, block: &[u8]) -> Vec<u8> {
    frame(kind::HEADERS, flags | flag::END_HEADERS, stream, block)
}

pub(crate) fn data(stream: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    frame(kind::DATA, flags, stream, payload)
}
