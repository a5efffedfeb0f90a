use hyperlane_proto::h1::{BodyLength, Framing, HeadParser, RequestHead};
use hyperlane_proto::{Error, ErrorKind, HeadLimits};

fn framing_of(start: &str, fields: &[&str]) -> Result<Framing, Error> {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    let bytes = format!("{start}\r\n{fields}\r\n");
    let mut head = RequestHead::default();
    let complete = HeadParser::default().parse(bytes.as_bytes(), &HeadLimits::default(), &mut head)?;
    assert!(complete, "{bytes:?}");
    Ok(head.framing)
}

fn http_11(fields: &[&str]) -> Result<Framing, Error> {
    framing_of("POST / HTTP/1.1", &[&["Host: a"], fields].concat())
}

fn http_10(fields: &[&str]) -> Result<Framing, Error> {
    framing_of("POST / HTTP/1.0", fields)
}

#[track_caller]
fn assert_rejected(outcome: Result<Framing, Error>, kind: ErrorKind, status: u16) {
    let error = outcome.unwrap_err();
    assert_eq!((error.kind(), error.status().as_u16()), (kind, status));
}

#[test]
fn no_length_fields_mean_no_body_rfc9112_6_3() {
    assert_eq!(http_11(&[]).unwrap().body, BodyLength::Empty);
    assert_eq!(http_10(&[]).unwrap().body, BodyLength::Empty);
    assert_eq!(http_11(&["Content-Length: 0"]).unwrap().body, BodyLength::Empty);
}

#[test]
fn reads_content_length_as_decimal_digits_rfc9110_8_6() {
    for (value, length) in [("1", 1), ("  42\t", 42), ("007", 7), ("18446744073709551615", u64::MAX)] {
        let framing = http_11(&[&format!("content-LENGTH: {value}")]).unwrap();
        assert_eq!(framing.body, BodyLength::Length(length));
    }
    for value in [
        "",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "0x1",
        "1 2",
        "1,1",
        "1, 1",
        "18446744073709551616",
        "99999999999999999999999",
        "٣",
        "one",
        "1;",
        "\"1\"",
        "\u{b2}",
    ] {
        assert_rejected(
            http_11(&[&format!("Content-Length: {value}")]),
            ErrorKind::InvalidContentLength,
            400,
        );
    }
}

#[test]
fn rejects_repeated_content_lengths_even_equal_ones_rfc9112_6_3() {
    assert_rejected(
        http_11(&["Content-Length: 5", "content-length: 5"]),
        ErrorKind::DuplicateContentLength,
        400,
    );
    assert_rejected(
        http_11(&["Content-Length: 0", "Content-Length: 5"]),
        ErrorKind::DuplicateContentLength,
        400,
    );
}

#[test]
fn rejects_conflicting_content_length_and_transfer_encoding_rfc9112_6_3() {
    for fields in [
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 0"],
        ["Transfer-Encoding: identity", "Content-Length: 5"],
        ["Transfer-Encoding:", "Content-Length: 5"],
    ] {
        assert_rejected(http_11(&fields), ErrorKind::ContentLengthWithTransferEncoding, 400);
    }
}

#[test]
fn rejects_transfer_encoding_in_http_10_rfc9112_6_1() {
    assert_rejected(
        http_10(&["Transfer-Encoding: chunked"]),
        ErrorKind::TransferEncodingInHttp10,
        400,
    );
}

#[test]
fn takes_a_single_plain_chunked_in_any_case_rfc9112_7() {
    for value in ["chunked", "CHUNKED", " \tChunked\t "] {
        let framing = http_11(&[&format!("TRANSFER-encoding:{value}")]).unwrap();
        assert_eq!(framing.body, BodyLength::Chunked);
    }
}

#[test]
fn rejects_transfer_encoding_that_does_not_end_with_one_chunked_rfc9112_6_3() {
    for fields in [
        &["Transfer-Encoding:"][..],
        &["Transfer-Encoding: gzip"],
        &["Transfer-Encoding: identity"],
        &["Transfer-Encoding: chunke"],
        &["Transfer-Encoding: chunkedd"],
        &["Transfer-Encoding: chunked, gzip"],
        &["Transfer-Encoding: chunked, chunked"],
        &["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        &["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        &["Transfer-Encoding: gzip, chunked, chunked"],
        &["Transfer-Encoding: chunked,"],
        &["Transfer-Encoding: ,chunked"],
        &["Transfer-Encoding: gzip,,chunked"],
        &["Transfer-Encoding: chunked", "Transfer-Encoding:"],
        &["Transfer-Encoding: chunked;a=b"],
        &["Transfer-Encoding: chunked ;"],
        &["Transfer-Encoding: chunked x"],
        &["Transfer-Encoding: gzip, chunked;q=1"],
        &["Transfer-Encoding: \"chunked\""],
        &["Transfer-Encoding: chunked\u{a0}"],
        &["Transfer-Encoding: gzip\u{a0}, chunked"],
    ] {
        assert_rejected(http_11(fields), ErrorKind::InvalidTransferEncoding, 400);
    }
}

#[test]
fn other_codings_before_chunked_are_not_implemented_rfc9112_6_1() {
    for fields in [
        &["Transfer-Encoding: gzip, chunked"][..],
        &["Transfer-Encoding: gzip;level=9 , Chunked"],
        &["Transfer-Encoding: gzip", "X: y", "Transfer-Encoding: chunked"],
    ] {
        assert_rejected(http_11(fields), ErrorKind::UnsupportedTransferCoding, 501);
    }
}

#[test]
fn http_11_needs_exactly_one_host_and_http_10_at_most_one_rfc9112_3_2() {
    assert_rejected(framing_of("GET / HTTP/1.1", &[]), ErrorKind::MissingHost, 400);
    assert_rejected(framing_of("GET http://a/ HTTP/1.1", &[]), ErrorKind::MissingHost, 400);
    assert_rejected(http_11(&["HOST: a"]), ErrorKind::DuplicateHost, 400);
    assert_rejected(http_10(&["Host: a", "Host: b"]), ErrorKind::DuplicateHost, 400);
    assert!(http_10(&["Host: a"]).is_ok());
    for value in ["", "a b", "u@a", "a:b", "a/", "a,b:1,c", "[::1", "\u{e9}"] {
        let kind = ErrorKind::InvalidHost;
        assert_rejected(framing_of("GET / HTTP/1.1", &[&format!("Host: {value}")]), kind, 400);
        assert_rejected(http_10(&[&format!("Host: {value}")]), kind, 400);
    }
}

#[test]
fn http_11_keeps_alive_unless_closed_and_http_10_only_when_asked_rfc9112_9_3() {
    assert!(http_11(&[]).unwrap().keep_alive);
    assert!(http_11(&["Connection: keep-alivee, closed"]).unwrap().keep_alive);
    assert!(!http_11(&["Connection: x, Close"]).unwrap().keep_alive);
    assert!(
        !http_11(&["Connection: close", "Connection: keep-alive"])
            .unwrap()
            .keep_alive
    );
    assert!(!http_10(&[]).unwrap().keep_alive);
    assert!(http_10(&["connection:,,KEEP-ALIVE,"]).unwrap().keep_alive);
    assert!(!http_10(&["Connection: keep-alive, close"]).unwrap().keep_alive);
}

#[test]
fn expect_100_continue_needs_a_body_and_http_11_rfc9110_10_1_1() {
    assert!(
        http_11(&["Expect: 100-CONTINUE", "Content-Length: 1"])
            .unwrap()
            .expect_continue
    );
    assert!(
        http_11(&["Transfer-Encoding: chunked", "Expect: 100-continue"])
            .unwrap()
            .expect_continue
    );
    assert!(!http_11(&["Expect: 100-continue"]).unwrap().expect_continue);
    assert!(
        !http_10(&["Expect: 100-continue", "Content-Length: 1"])
            .unwrap()
            .expect_continue
    );
    for value in ["", "100", "100-continue, x", "200-ok"] {
        assert_rejected(
            http_11(&[&format!("Expect: {value}")]),
            ErrorKind::UnsupportedExpectation,
            417,
        );
    }
}

#[test]
fn upgrade_needs_field_option_and_http_11_rfc9110_7_8() {
    assert!(
        http_11(&["Upgrade: websocket", "Connection: keep-alive, UPGRADE"])
            .unwrap()
            .upgrade
    );
    assert!(!http_11(&["Upgrade: websocket"]).unwrap().upgrade);
    assert!(!http_11(&["Connection: upgrade"]).unwrap().upgrade);
    assert!(!http_11(&["Upgrade:", "Connection: upgrade"]).unwrap().upgrade);
    assert!(!http_10(&["Upgrade: websocket", "Connection: upgrade"]).unwrap().upgrade);
}

#[test]
fn te_trailers_is_an_element_of_a_list_rfc9110_10_1_4() {
    assert!(http_11(&["TE: gzip;q=0.5, Trailers"]).unwrap().accepts_trailers);
    assert!(http_11(&["te: gzip", "te: trailers"]).unwrap().accepts_trailers);
    assert!(!http_11(&["TE: trailersx"]).unwrap().accepts_trailers);
    assert!(!http_11(&[]).unwrap().accepts_trailers);
}
