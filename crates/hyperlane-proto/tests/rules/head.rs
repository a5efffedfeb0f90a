use http::{Method, Version};
use hyperlane_proto::h1::{HeadParser, RequestHead, Span, TargetForm};
use hyperlane_proto::{Error, ErrorKind, HeadLimits};

fn parse_with(bytes: &[u8], limits: &HeadLimits) -> Result<Option<RequestHead>, Error> {
    let mut head = RequestHead::default();
    let complete = HeadParser::default().parse(bytes, limits, &mut head)?;
    Ok(complete.then_some(head))
}

fn parse(bytes: &[u8]) -> Result<Option<RequestHead>, Error> {
    parse_with(bytes, &HeadLimits::default())
}

/// The kind of the error, and that the bytes before the last one are no error yet.
#[track_caller]
fn fault_at_last_byte(bytes: &[u8]) -> ErrorKind {
    let before = &bytes[..bytes.len() - 1];
    assert!(matches!(parse(before), Ok(None)), "{}", before.escape_ascii());
    parse(bytes).unwrap_err().kind()
}

#[test]
fn reads_request_line_and_fields_as_spans() {
    let bytes = b"PUT /a/b?c=d HTTP/1.1\r\nHost: a:80\r\nX-Y:  z z \r\n\r\nrest";
    let head = parse(bytes).unwrap().unwrap();
    assert_eq!(
        (&head.method, head.version, head.form),
        (&Method::PUT, Version::HTTP_11, TargetForm::Origin)
    );
    assert_eq!(head.target.of(bytes), b"/a/b?c=d");
    assert_eq!(head.path.of(bytes), b"/a/b");
    assert_eq!(head.query.unwrap().of(bytes), b"c=d");
    assert_eq!(head.host.unwrap().of(bytes), b"a:80");
    assert_eq!(head.header(bytes, "x-y"), Some(&b"z z"[..]));
    assert_eq!(head.header(bytes, "x-z"), None);
    assert_eq!(&bytes[head.len..], b"rest");
}

#[test]
fn span_of_a_shorter_buffer_is_empty() {
    let span = Span { start: 2, end: 9 };
    assert_eq!(span.of(b"abc"), b"");
    assert_eq!(Span { start: 9, end: 2 }.len(), 0);
    assert_eq!(span.len(), 7);
}

#[test]
fn parser_is_ready_for_the_next_request_and_keeps_memory() {
    let (mut parser, mut head) = (HeadParser::default(), RequestHead::default());
    let first = b"GET /1 HTTP/1.0\r\nHost: a\r\nA: 1\r\nB: 2\r\n\r\n";
    assert_eq!(parser.parse(first, &HeadLimits::default(), &mut head), Ok(true));
    let (capacity, memory) = (head.headers.capacity(), head.headers.as_ptr());

    let second = b"OPTIONS * HTTP/1.1\r\nHost: b\r\n\r\n";
    assert_eq!(parser.parse(second, &HeadLimits::default(), &mut head), Ok(true));
    assert_eq!(
        (head.headers.len(), head.form, head.version),
        (1, TargetForm::Asterisk, Version::HTTP_11)
    );
    assert_eq!((head.headers.capacity(), head.headers.as_ptr()), (capacity, memory));
}

#[test]
fn reset_forgets_an_error_and_an_unfinished_head() {
    let (mut parser, mut head) = (HeadParser::default(), RequestHead::default());
    let good = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert!(parser.parse(b"\x16", &HeadLimits::default(), &mut head).is_err());
    assert!(parser.parse(good, &HeadLimits::default(), &mut head).is_err());
    parser.reset();
    assert_eq!(parser.parse(&good[..20], &HeadLimits::default(), &mut head), Ok(false));
    parser.reset();
    assert_eq!(parser.parse(good, &HeadLimits::default(), &mut head), Ok(true));
    assert_eq!(head.headers.len(), 1);
}

#[test]
fn rejects_a_bare_lf_at_once_rfc9112_2_2() {
    for bytes in [
        &b"\n"[..],
        b"\r\n\n",
        b"GET\n",
        b"GET /\n",
        b"GET / HTTP/1.1\n",
        b"GET / HTTP/1.1\r\n\n",
        b"GET / HTTP/1.1\r\nHost\n",
        b"GET / HTTP/1.1\r\nHost: a\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n\n",
    ] {
        assert_eq!(fault_at_last_byte(bytes), ErrorKind::BareLineFeed);
    }
}

#[test]
fn rejects_a_bare_cr_at_once_rfc9112_2_2() {
    for bytes in [
        &b"\rG"[..],
        b"\r\r",
        b"GET / HTTP/1.1\rX",
        b"GET / HTTP/1.1\r\n\rX",
        b"GET / HTTP/1.1\r\nA\rX",
        b"GET / HTTP/1.1\r\nA:\rX",
        b"GET / HTTP/1.1\r\nA: b\r\r",
        b"GET / HTTP/1.1\r\nA: b\r\n\r\r",
    ] {
        assert_eq!(fault_at_last_byte(bytes), ErrorKind::BareCarriageReturn);
    }
}

#[test]
fn rejects_a_first_byte_that_cannot_begin_a_method_rfc9110_9_1() {
    for byte in 0..=255_u8 {
        let outcome = parse(&[byte]);
        if byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~\r".contains(&byte) {
            assert!(matches!(outcome, Ok(None)), "{byte:#x}");
        } else {
            assert_eq!(outcome.unwrap_err().status(), 400, "{byte:#x}");
        }
    }
}

#[test]
fn rejects_each_fault_of_the_request_line_at_its_byte_rfc9112_3() {
    for (bytes, kind) in [
        (&b"GET\t"[..], ErrorKind::InvalidMethod),
        (b"GET\r", ErrorKind::InvalidMethod),
        (b"GET  ", ErrorKind::InvalidTarget),
        (b"GET /#", ErrorKind::InvalidTarget),
        (b"GET /\x7f", ErrorKind::InvalidTarget),
        (b"GET /\x80", ErrorKind::InvalidTarget),
        (b"GET /\t", ErrorKind::InvalidTarget),
        (b"GET x ", ErrorKind::InvalidTarget),
        (b"GET * ", ErrorKind::InvalidTarget),
        (b"GET httpx://a/ ", ErrorKind::InvalidTarget),
        (b"GET http:/a/ ", ErrorKind::InvalidTarget),
        (b"GET http:// ", ErrorKind::InvalidTarget),
        (b"GET http://?a ", ErrorKind::InvalidTarget),
        (b"GET http://a:b/ ", ErrorKind::InvalidTarget),
        (b"CONNECT a:0x1 ", ErrorKind::InvalidTarget),
        (b"CONNECT http://a:80/ ", ErrorKind::InvalidTarget),
        (b"CONNECT * ", ErrorKind::InvalidTarget),
        (b"GET /\r", ErrorKind::InvalidVersion),
        (b"GET /  ", ErrorKind::InvalidVersion),
        (b"GET / \r", ErrorKind::InvalidVersion),
        (b"GET / h", ErrorKind::InvalidVersion),
        (b"GET / HTTP/x", ErrorKind::InvalidVersion),
        (b"GET / HTTP/1x", ErrorKind::InvalidVersion),
        (b"GET / HTTP/11", ErrorKind::InvalidVersion),
        (b"GET / HTTP/1.\r", ErrorKind::InvalidVersion),
        (b"GET / HTTP/1.11", ErrorKind::InvalidVersion),
        (b"GET / HTTP/1.1 ", ErrorKind::InvalidVersion),
        (b"GET / HTTP/2.0\r\n", ErrorKind::UnsupportedVersion),
        (b"GET / HTTP/0.9\r\n", ErrorKind::UnsupportedVersion),
        (b"GET / HTTP/3.7\r\n", ErrorKind::UnsupportedVersion),
    ] {
        assert_eq!(fault_at_last_byte(bytes), kind, "{}", bytes.escape_ascii());
    }
}

#[test]
fn rejects_each_fault_of_a_field_line_at_the_end_of_the_head_rfc9112_5() {
    for (line, kind) in [
        (&b" "[..], ErrorKind::ObsoleteLineFolding),
        (b"\tA: b", ErrorKind::ObsoleteLineFolding),
        (b"A: b\r\n ", ErrorKind::ObsoleteLineFolding),
        (b"A:\r\n b", ErrorKind::ObsoleteLineFolding),
        (b":", ErrorKind::EmptyHeaderName),
        (b": b", ErrorKind::EmptyHeaderName),
        (b"A ", ErrorKind::WhitespaceInHeaderName),
        (b"A\t: b", ErrorKind::WhitespaceInHeaderName),
        (b"A B: c", ErrorKind::WhitespaceInHeaderName),
        (b"A", ErrorKind::MissingColon),
        (b"A\0: b", ErrorKind::InvalidHeaderName),
        (b"(: b", ErrorKind::InvalidHeaderName),
        (b"A\x80: b", ErrorKind::InvalidHeaderName),
        (b"A:\0", ErrorKind::InvalidHeaderValue),
        (b"A: b\x1b", ErrorKind::InvalidHeaderValue),
        (b"A: long enough for words\x7f", ErrorKind::InvalidHeaderValue),
        (b"A: b\x01\r\nB : c", ErrorKind::InvalidHeaderValue),
        (b"B : c\r\nA: b\x01", ErrorKind::WhitespaceInHeaderName),
    ] {
        let bytes = [b"GET / HTTP/1.1\r\nHost: a\r\n", line, b"\r\n\r\n"].concat();
        assert_eq!(fault_at_last_byte(&bytes), kind, "{}", line.escape_ascii());
    }
}

#[test]
fn names_are_tokens_at_every_offset_rfc9110_5_6_2() {
    for length in [1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40] {
        for at in 0..length {
            for byte in 0..=255_u8 {
                let mut name = vec![b'n'; length];
                name[at] = byte;
                let bytes = [b"GET / HTTP/1.1\r\nHost: a\r\n", &name[..], b": v\r\n\r\n"].concat();
                let token = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
                // A colon ends the name, and what comes after it is the value.
                let end = if byte == b':' { at } else { length };
                match parse(&bytes) {
                    Ok(head) => {
                        assert!(token || (byte == b':' && at > 0), "{byte:#x} at {at} of {length}");
                        assert_eq!(head.unwrap().headers[1].name.of(&bytes), &name[..end]);
                    }
                    Err(error) => {
                        assert!(!token && (byte != b':' || at == 0), "{byte:#x} at {at} of {length}");
                        assert_eq!(error.status(), 400);
                    }
                }
            }
        }
    }
}

#[test]
fn values_hold_no_control_byte_but_tab_at_every_offset_rfc9110_5_5() {
    for length in [1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65] {
        for at in 0..length {
            for byte in 0..=255_u8 {
                let mut value = vec![b'v'; length];
                value[at] = byte;
                let bytes = [b"GET / HTTP/1.1\r\nHost: a\r\nA:", &value[..], b"\r\n\r\n"].concat();
                if byte == b'\t' || (byte >= b' ' && byte != 0x7f) {
                    let trimmed = value.trim_ascii();
                    assert_eq!(
                        parse(&bytes).unwrap().unwrap().headers[1].value.of(&bytes),
                        trimmed,
                        "{byte:#x} at {at} of {length}"
                    );
                } else {
                    assert_eq!(
                        parse(&bytes).unwrap_err().status(),
                        400,
                        "{byte:#x} at {at} of {length}"
                    );
                }
            }
        }
    }
}

#[test]
fn values_are_within_their_whitespace_rfc9112_5_1() {
    for (raw, value) in [
        ("", ""),
        (" ", ""),
        ("\t \t", ""),
        ("a", "a"),
        (" \ta\t b \t ", "a\t b"),
        ("\ta\t", "a"),
    ] {
        let bytes = format!("GET / HTTP/1.1\r\nHost: a\r\nA:{raw}\r\nB: c\r\n\r\n");
        let head = parse(bytes.as_bytes()).unwrap().unwrap();
        assert_eq!(head.header(bytes.as_bytes(), "a"), Some(value.as_bytes()), "{raw:?}");
        assert_eq!(head.header(bytes.as_bytes(), "b"), Some(&b"c"[..]));
    }
}

#[test]
fn bytes_after_the_head_do_not_touch_it() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for rest in [
        &b"\n"[..],
        b"\r",
        b"\0: \n",
        b"A: b\n\n",
        b" folded\r\n\r\n",
        &[b'x'; 40_000],
    ] {
        let parsed = parse(&[head, rest].concat()).unwrap().unwrap();
        assert_eq!((parsed.len, parsed.headers.len()), (head.len(), 1));
    }
}

#[test]
fn request_line_may_be_as_long_as_its_limit_without_crlf() {
    let limits = HeadLimits {
        request_line_bytes: 20,
        ..HeadLimits::default()
    };
    let line = |length: usize| format!("GET /{} HTTP/1.1", "a".repeat(length - 14));
    let whole = |length| format!("{}\r\nHost: a\r\n\r\n", line(length));
    assert!(parse_with(whole(20).as_bytes(), &limits).unwrap().is_some());
    assert!(parse_with(line(20).as_bytes(), &limits).unwrap().is_none());

    let error = parse_with(whole(21).as_bytes(), &limits).unwrap_err();
    assert_eq!(
        (error.kind(), error.status().as_u16()),
        (ErrorKind::RequestLineTooLong, 414)
    );
    assert_eq!(error.to_string(), "request line exceeds 20 bytes, shorten the target");
}

#[test]
fn request_line_over_its_limit_is_rejected_while_incomplete() {
    let limits = HeadLimits {
        request_line_bytes: 20,
        ..HeadLimits::default()
    };
    let bytes = format!("GET /{}", "a".repeat(30));
    assert!(parse_with(&bytes.as_bytes()[..20], &limits).unwrap().is_none());
    for end in [21, 22, 35] {
        let error = parse_with(&bytes.as_bytes()[..end], &limits).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RequestLineTooLong);
    }
}

#[test]
fn empty_lines_before_count_for_the_head_but_not_for_the_request_line() {
    let limits = HeadLimits {
        request_line_bytes: 14,
        head_bytes: 31,
        header_count: 1,
    };
    let bytes = b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(parse_with(bytes, &limits).unwrap().unwrap().len, 31);

    let error = parse_with(&[b"\r\n", &bytes[..]].concat(), &limits).unwrap_err();
    assert_eq!((error.kind(), error.status().as_u16()), (ErrorKind::HeadTooLarge, 431));
    let error = parse_with(&b"\r\n".repeat(16), &limits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HeadTooLarge);
}

#[test]
fn full_buffer_without_an_end_is_rejected_at_once() {
    let limits = HeadLimits {
        head_bytes: 27,
        ..HeadLimits::default()
    };
    assert!(
        parse_with(b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET", &limits)
            .unwrap()
            .is_some()
    );
    assert!(
        parse_with(b"GET / HTTP/1.1\r\nHost: aa\r\n", &limits)
            .unwrap()
            .is_none()
    );
    for bytes in [
        &b"GET / HTTP/1.1\r\nHost: aa\r\n\r"[..],
        b"GET / HTTP/1.1\r\nHost: aa\r\n\r\n",
    ] {
        assert_eq!(parse_with(bytes, &limits).unwrap_err().kind(), ErrorKind::HeadTooLarge);
    }
}

#[test]
fn one_header_too_many_is_rejected_at_its_first_byte() {
    let limits = HeadLimits {
        header_count: 2,
        ..HeadLimits::default()
    };
    let two = b"GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n";
    assert!(parse_with(&[&two[..], b"\r\n"].concat(), &limits).unwrap().is_some());
    let error = parse_with(&[&two[..], b"C"].concat(), &limits).unwrap_err();
    assert_eq!(
        (error.kind(), error.status().as_u16()),
        (ErrorKind::TooManyHeaders, 431)
    );
}

#[test]
fn takes_as_many_headers_as_it_is_told() {
    let limits = HeadLimits {
        header_count: 5000,
        head_bytes: 1 << 20,
        ..HeadLimits::default()
    };
    let bytes = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(4999));
    assert_eq!(
        parse_with(bytes.as_bytes(), &limits).unwrap().unwrap().headers.len(),
        5000
    );
}

#[test]
fn number_and_length_of_fields_do_not_matter_within_the_limits() {
    let limits = HeadLimits {
        header_count: 300,
        head_bytes: 1 << 20,
        ..HeadLimits::default()
    };
    for count in [1, 2, 3, 4, 5, 6, 31, 32, 33, 34, 127, 128, 129, 300] {
        for field in ["A:\r\n".to_owned(), format!("Name: {}\r\n", "v".repeat(100))] {
            let bytes = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", field.repeat(count - 1));
            let whole = parse_with(bytes.as_bytes(), &limits).unwrap().unwrap();
            assert_eq!((whole.headers.len(), whole.len), (count, bytes.len()));

            let (mut parser, mut head) = (HeadParser::default(), RequestHead::default());
            let half = &bytes.as_bytes()[..bytes.len() / 2];
            assert_eq!(parser.parse(half, &limits, &mut head), Ok(false));
            assert_eq!(parser.parse(bytes.as_bytes(), &limits, &mut head), Ok(true));
            assert_eq!(head.headers, whole.headers);

            let one_less = HeadLimits {
                header_count: count - 1,
                ..limits
            };
            let error = parse_with(bytes.as_bytes(), &one_less).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TooManyHeaders);
        }
    }
}

#[test]
fn header_name_longer_than_a_header_name_can_be_is_rejected() {
    let limits = HeadLimits {
        head_bytes: 1 << 20,
        ..HeadLimits::default()
    };
    let bytes = |length| format!("GET / HTTP/1.1\r\nHost: a\r\n{}: b\r\n\r\n", "n".repeat(length));
    assert!(parse_with(bytes(65_535).as_bytes(), &limits).unwrap().is_some());
    let error = parse_with(bytes(65_536).as_bytes(), &limits).unwrap_err();
    assert_eq!(
        (error.kind(), error.status().as_u16()),
        (ErrorKind::HeaderNameTooLong, 431)
    );
}

#[test]
fn earlier_of_a_bad_byte_and_a_limit_wins() {
    let limits = HeadLimits {
        request_line_bytes: 20,
        head_bytes: 60,
        header_count: 2,
    };
    let long = "a".repeat(100);
    for (bytes, kind) in [
        (format!("GET /\u{1}{long}"), ErrorKind::InvalidTarget),
        (format!("GET /{long}\u{1}"), ErrorKind::RequestLineTooLong),
        // Fields are looked at when the head is complete.
        (format!("GET / HTTP/1.1\r\nA: \u{1}{long}"), ErrorKind::HeadTooLarge),
        (
            "GET / HTTP/1.1\r\nA: \u{1}\r\nC: d\r\nE".to_owned(),
            ErrorKind::TooManyHeaders,
        ),
        (format!("GET / HTTP/1.1\r\nA: \rb{long}"), ErrorKind::BareCarriageReturn),
        (format!("GET / HTTP/1.1\r\nA: {long}\u{1}"), ErrorKind::HeadTooLarge),
        (
            "GET / HTTP/1.1\r\nA: b\r\nC: d\r\nE: f\n".to_owned(),
            ErrorKind::TooManyHeaders,
        ),
        (
            "GET / HTTP/1.1\r\nA: b\nC: d\r\nE: f\r\n".to_owned(),
            ErrorKind::BareLineFeed,
        ),
    ] {
        assert_eq!(
            parse_with(bytes.as_bytes(), &limits).unwrap_err().kind(),
            kind,
            "{bytes:?}"
        );
    }
}

/// Starting over at each of a million bytes would take hours.
#[test]
fn dripped_bytes_cost_no_more_than_whole_ones() {
    let limits = HeadLimits {
        head_bytes: 1 << 20,
        ..HeadLimits::default()
    };
    let bytes = format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", "b".repeat(1_000_000));
    let (mut parser, mut head) = (HeadParser::default(), RequestHead::default());
    for end in 1..bytes.len() {
        assert_eq!(parser.parse(&bytes.as_bytes()[..end], &limits, &mut head), Ok(false));
    }
    assert_eq!(parser.parse(bytes.as_bytes(), &limits, &mut head), Ok(true));
}
