//! A head means the same however it is cut, its spans lie within the buffer, names and values are what
//! the `http` crate takes, and a body's length never rests on doubtful fields.

#![no_main]

use http::{HeaderName, HeaderValue, Version};
use hyperlane_proto::h1::{BodyLength, HeadParser, RequestHead, Span, TargetForm};
use hyperlane_proto::{Error, HeadLimits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|stream: &[u8]| {
    let small = HeadLimits {
        request_line_bytes: 40,
        head_bytes: 200,
        header_count: 4,
    };
    for limits in [HeadLimits::default(), small] {
        let whole = parse(stream, &limits, stream.len().max(1));
        for step in [1, 2, 7, 1 + stream.len() / 3] {
            let pieces = parse(stream, &limits, step);
            assert_eq!(describe(&whole), describe(&pieces), "in steps of {step}");
        }
        if let Ok(Some(head)) = &whole {
            check(stream, head, &limits);
        }
    }
});

fn parse(stream: &[u8], limits: &HeadLimits, step: usize) -> Result<Option<RequestHead>, Error> {
    let (mut parser, mut head) = (HeadParser::default(), RequestHead::default());
    let mut end = 0;
    while end < stream.len() {
        end = (end + step).min(stream.len());
        if parser.parse(&stream[..end], limits, &mut head)? {
            return Ok(Some(head));
        }
    }
    Ok(None)
}

fn describe(outcome: &Result<Option<RequestHead>, Error>) -> String {
    format!("{outcome:?}")
}

fn check(stream: &[u8], head: &RequestHead, limits: &HeadLimits) {
    assert!(head.len <= stream.len() && head.len <= limits.head_bytes);
    assert!(head.headers.len() <= limits.header_count);
    assert!(head.target.len() < limits.request_line_bytes);
    assert!(stream[..head.len].ends_with(b"\r\n\r\n"));

    let within =
        |outer: Span, inner: Span| outer.start <= inner.start && inner.start <= inner.end && inner.end <= outer.end;
    let whole = Span {
        start: 0,
        end: head.len as u32,
    };
    assert!(within(whole, head.target) && !head.target.is_empty());
    assert!(within(head.target, head.path));
    assert!(head.query.is_none_or(|query| within(head.target, query)));
    assert!(head.authority.is_none_or(|authority| within(head.target, authority)));
    assert!(head.host.is_none_or(|host| within(whole, host) && !host.is_empty()));
    assert!(head.form != TargetForm::Origin || stream[head.path.start as usize] == b'/');

    let mut end = head.target.end;
    let (mut lengths, mut codings, mut hosts) = (Vec::new(), Vec::new(), 0);
    for header in &head.headers {
        assert!(end < header.name.start && header.name.end < header.value.start.max(header.name.end + 1));
        assert!(within(whole, header.name) && within(whole, header.value));
        end = header.value.end;
        let name = HeaderName::from_bytes(header.name.of(stream)).expect("names are tokens");
        let value = HeaderValue::from_bytes(header.value.of(stream)).expect("values hold no control bytes");
        assert_eq!(value.as_bytes(), value.as_bytes().trim_ascii(), "values are trimmed");
        match name.as_str() {
            "content-length" => lengths.push(value),
            "transfer-encoding" => codings.push(value),
            "host" => hosts += 1,
            _ => {}
        }
    }
    assert!(hosts == 1 || (hosts == 0 && head.version == Version::HTTP_10));
    match head.framing.body {
        BodyLength::Chunked => {
            assert!(lengths.is_empty() && codings.len() == 1 && head.version == Version::HTTP_11);
            assert!(codings[0].as_bytes().eq_ignore_ascii_case(b"chunked"));
        }
        BodyLength::Length(length) => {
            assert!(codings.is_empty() && lengths.len() == 1 && length > 0);
            assert_eq!(lengths[0].to_str().unwrap().parse(), Ok(length));
        }
        BodyLength::Empty => {
            assert!(codings.is_empty() && lengths.len() <= 1);
            assert!(
                lengths
                    .iter()
                    .all(|length| length.as_bytes().iter().all(|&digit| digit == b'0'))
            );
        }
    }
}
