//! Golden wire tests: each `golden/NAME.request` holds the bytes of a stream, `golden/NAME.expected` what
//! they must mean. Every stream is read whole and byte by byte.
//!
//! `UPDATE_GOLDEN=1 cargo test -p hyperlane-proto --test golden` rewrites the expectations, to be
//! reviewed as a diff.

#![expect(clippy::unwrap_used, reason = "it is how a test says what must hold")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use hyperlane_proto::h1::{BodyLength, Chunk, ChunkedDecoder, HeadParser, RequestHead, Span, TargetForm};
use hyperlane_proto::{ChunkLimits, Error, HeadLimits};

/// So that the corpus only grows.
const AT_LEAST: usize = 150;

#[test]
fn streams_mean_what_their_expectation_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut count = 0;
    let mut failures = String::new();
    let mut paths: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "request"))
        .collect();
    paths.sort();
    for path in paths {
        count += 1;
        let stream = fs::read(&path).unwrap();
        let outcome = describe(&stream, stream.len().max(1));
        assert_eq!(outcome, describe(&stream, 1), "byte by byte: {}", path.display());

        let expectation = path.with_extension("expected");
        if update {
            fs::write(&expectation, &outcome).unwrap();
            continue;
        }
        let expected = fs::read_to_string(&expectation).unwrap_or_default();
        if expected != outcome {
            writeln!(failures, "--- {}\nexpected:\n{expected}got:\n{outcome}", path.display()).unwrap();
        }
    }
    assert!(failures.is_empty(), "{failures}");
    assert!(count >= AT_LEAST, "only {count} streams");
}

/// The outcome of all requests of a stream, as text.
fn describe(stream: &[u8], step: usize) -> String {
    let mut out = String::new();
    let mut rest = stream;
    loop {
        let mut head = RequestHead::default();
        match parse_head(rest, step, &mut head) {
            Ok(true) => {}
            Ok(false) => {
                let pending = rest.len();
                writeln!(out, "incomplete head, {pending} bytes pending").unwrap();
                return out;
            }
            Err(error) => {
                write_error(&mut out, "head", error);
                return out;
            }
        }
        describe_head(&mut out, rest, &head);
        let Some(consumed) = describe_body(&mut out, &rest[head.len..], step, &head) else {
            return out;
        };
        rest = &rest[head.len + consumed..];
        if rest.is_empty() {
            return out;
        }
        if !head.framing.keep_alive || head.framing.upgrade || head.form == TargetForm::Authority {
            writeln!(out, "rest: {}", rest.escape_ascii()).unwrap();
            return out;
        }
        out.push('\n');
    }
}

fn parse_head(stream: &[u8], step: usize, head: &mut RequestHead) -> Result<bool, Error> {
    let mut parser = HeadParser::default();
    let mut end = 0;
    while end < stream.len() {
        end = (end + step).min(stream.len());
        if parser.parse(&stream[..end], &HeadLimits::default(), head)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn describe_head(out: &mut String, buf: &[u8], head: &RequestHead) {
    let text = |span: Span| span.of(buf).escape_ascii().to_string();
    let optional = |span: Option<Span>| span.map_or("-".to_owned(), |span| format!("\"{}\"", text(span)));
    let framing = head.framing;
    writeln!(
        out,
        "{} {:?} {:?} form, {} bytes",
        head.method, head.version, head.form, head.len
    )
    .unwrap();
    writeln!(
        out,
        "target: \"{}\" authority {} path \"{}\" query {} host {}",
        text(head.target),
        optional(head.authority),
        text(head.path),
        optional(head.query),
        optional(head.host)
    )
    .unwrap();
    for header in &head.headers {
        writeln!(out, "header: {} = \"{}\"", text(header.name), text(header.value)).unwrap();
    }
    write!(out, "framing: {:?}", framing.body).unwrap();
    for (flag, name) in [
        (framing.keep_alive, "keep-alive"),
        (framing.expect_continue, "expect-continue"),
        (framing.upgrade, "upgrade"),
        (framing.accepts_trailers, "accepts-trailers"),
    ] {
        if flag {
            write!(out, " {name}").unwrap();
        }
    }
    out.push('\n');
}

/// Returns the bytes of the body, if it is whole.
fn describe_body(out: &mut String, input: &[u8], step: usize, head: &RequestHead) -> Option<usize> {
    match head.framing.body {
        BodyLength::Empty => Some(0),
        BodyLength::Length(length) => {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            match input.get(..length) {
                Some(body) => writeln!(out, "body: \"{}\"", body.escape_ascii()).unwrap(),
                None => writeln!(out, "incomplete body, {} of {length} bytes", input.len()).unwrap(),
            }
            (length <= input.len()).then_some(length)
        }
        BodyLength::Chunked => describe_chunked(out, input, step),
    }
}

fn describe_chunked(out: &mut String, input: &[u8], step: usize) -> Option<usize> {
    let mut decoder = ChunkedDecoder::new(ChunkLimits::default());
    let (mut at, mut end, mut body) = (0, 0, Vec::new());
    let outcome = loop {
        match decoder.decode(&input[at..end]) {
            Ok(decoded) => {
                let start = at;
                at += decoded.consumed;
                match decoded.chunk {
                    Chunk::Data(range) => body.extend_from_slice(&input[start..end][range]),
                    Chunk::NeedMore if end == input.len() => break Ok(false),
                    Chunk::NeedMore => end = (end + step).min(input.len()),
                    Chunk::End => break Ok(true),
                }
            }
            Err(error) => break Err(error),
        }
    };
    writeln!(out, "body: \"{}\"", body.escape_ascii()).unwrap();
    match outcome {
        Ok(true) => {
            for (name, value) in decoder.take_trailers().iter().flatten() {
                writeln!(out, "trailer: {name} = \"{}\"", value.as_bytes().escape_ascii()).unwrap();
            }
            Some(at)
        }
        Ok(false) => {
            writeln!(out, "incomplete chunked body").unwrap();
            None
        }
        Err(error) => {
            write_error(out, "chunked body", error);
            None
        }
    }
}

fn write_error(out: &mut String, part: &str, error: Error) {
    writeln!(out, "{part}: {} {:?}: {error}", error.status().as_u16(), error.kind()).unwrap();
}
