use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use hyperlane_proto::h1::BodyEncoding::{Chunked, Length, None as NoBody, UntilClose};
use hyperlane_proto::h1::BodySize::{Known, Unknown};
use hyperlane_proto::h1::{
    BodyEncoding, BodySize, CONTINUE, ResponseContext, encode_chunk_head, encode_head, encode_informational,
    encode_last_chunk,
};

const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";
const DATE_LINE: &str = "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

const HTTP_11: ResponseContext = ResponseContext {
    version: Version::HTTP_11,
    head_request: false,
    keep_alive: true,
    accepts_trailers: false,
};
const HTTP_10: ResponseContext = ResponseContext {
    version: Version::HTTP_10,
    ..HTTP_11
};
const HEAD: ResponseContext = ResponseContext {
    head_request: true,
    ..HTTP_11
};
const CLOSING: ResponseContext = ResponseContext {
    keep_alive: false,
    ..HTTP_11
};
const WITH_TRAILERS: ResponseContext = ResponseContext {
    accepts_trailers: true,
    ..HTTP_11
};

fn map(fields: &[(&str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in fields {
        map.append(
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    map
}

/// The head without its date line, the encoding of the body, and whether the connection stays.
fn encode(cx: &ResponseContext, status: u16, fields: &[(&str, &str)], body: BodySize) -> (String, BodyEncoding, bool) {
    let mut out = Vec::new();
    let encoded = encode_head(
        &mut out,
        cx,
        StatusCode::from_u16(status).unwrap(),
        &map(fields),
        body,
        DATE,
    );
    let head = String::from_utf8(out).unwrap();
    assert_eq!(head.matches(DATE_LINE).count(), 1, "{head}");
    assert_eq!(head.find("\r\n\r\n"), Some(head.len() - 4), "{head}");
    let length_fields = head.matches("content-length:").count() + head.matches("transfer-encoding:").count();
    assert!(length_fields <= 1, "{head}");
    assert!(head.matches("connection:").count() <= 1, "{head}");
    if encoded.body == Chunked {
        assert!(head.contains("transfer-encoding: chunked\r\n"), "{head}");
    }
    (head.replace(DATE_LINE, ""), encoded.body, encoded.keep_alive)
}

#[test]
fn known_length_is_written_as_content_length() {
    assert_eq!(
        encode(
            &HTTP_11,
            200,
            &[("content-type", "text/plain"), ("x-a", "1"), ("x-a", "2")],
            Known(12)
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 12\r\n\r\n".into(),
            Length(12),
            true
        )
    );
    assert_eq!(
        encode(&HTTP_11, 404, &[], Known(0)),
        (
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".into(),
            Length(0),
            true
        )
    );
    let (head, body, _) = encode(&HTTP_11, 200, &[], Known(u64::MAX));
    assert!(head.contains("content-length: 18446744073709551615\r\n") && body == Length(u64::MAX));
}

#[test]
fn unknown_length_is_chunked_or_until_close_rfc9112_6_3() {
    assert_eq!(
        encode(&HTTP_11, 200, &[], Unknown),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".into(),
            Chunked,
            true
        )
    );
    assert_eq!(
        encode(&HTTP_10, 200, &[("transfer-encoding", "chunked")], Unknown),
        ("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".into(), UntilClose, false)
    );
}

#[test]
fn framing_fields_of_the_handler_are_only_hints() {
    let hints = [
        ("content-length", "99"),
        ("transfer-encoding", "gzip, chunked"),
        ("connection", "keep-alive, x-private"),
        ("keep-alive", "timeout=5"),
        ("trailer", "x-sum"),
        ("upgrade", "h2c"),
        ("x-kept", "1"),
    ];
    assert_eq!(
        encode(&HTTP_11, 200, &hints, Known(3)),
        (
            "HTTP/1.1 200 OK\r\nx-kept: 1\r\ncontent-length: 3\r\n\r\n".into(),
            Length(3),
            true
        )
    );
    assert_eq!(
        encode(&HTTP_11, 200, &hints, Unknown),
        (
            "HTTP/1.1 200 OK\r\nx-kept: 1\r\ntransfer-encoding: chunked\r\n\r\n".into(),
            Chunked,
            true
        )
    );
}

#[test]
fn connection_is_written_where_the_version_does_not_imply_it_rfc9112_9_3() {
    assert_eq!(
        encode(&CLOSING, 200, &[("connection", "keep-alive")], Known(0)),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".into(),
            Length(0),
            false
        )
    );
    assert_eq!(
        encode(&HTTP_10, 200, &[], Known(0)),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n".into(),
            Length(0),
            true
        )
    );
    for value in ["close", "Close", "x, CLOSE"] {
        assert_eq!(
            encode(&HTTP_11, 200, &[("connection", value)], Known(0)),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".into(),
                Length(0),
                false
            )
        );
    }
}

#[test]
fn head_reports_what_get_would_and_sends_no_body_rfc9110_9_3_2() {
    let lines = |fields: &[(&str, &str)], body| {
        let (head, encoding, keep_alive) = encode(&HEAD, 200, fields, body);
        assert_eq!((encoding, keep_alive), (NoBody, true));
        head.replace("HTTP/1.1 200 OK\r\n", "")
    };
    assert_eq!(lines(&[], Known(7)), "content-length: 7\r\n\r\n");
    assert_eq!(lines(&[], Known(0)), "content-length: 0\r\n\r\n");
    assert_eq!(
        lines(&[("content-length", "42")], Known(0)),
        "content-length: 42\r\n\r\n"
    );
    assert_eq!(
        lines(&[("content-length", "42")], Known(7)),
        "content-length: 7\r\n\r\n"
    );
    assert_eq!(lines(&[("content-length", "x")], Known(0)), "content-length: 0\r\n\r\n");
    assert_eq!(
        lines(&[("content-length", "1"), ("content-length", "1")], Known(0)),
        "content-length: 0\r\n\r\n"
    );
    assert_eq!(
        lines(&[("content-length", "42")], Unknown),
        "transfer-encoding: chunked\r\n\r\n"
    );

    let old = ResponseContext {
        head_request: true,
        ..HTTP_10
    };
    assert_eq!(
        encode(&old, 200, &[], Unknown),
        ("HTTP/1.1 200 OK\r\nconnection: keep-alive\r\n\r\n".into(), NoBody, true)
    );
}

#[test]
fn statuses_without_a_body_never_have_one_rfc9110_6_4_1() {
    for body in [Known(0), Known(5), Unknown] {
        for cx in [&HTTP_11, &HEAD] {
            assert_eq!(
                encode(
                    cx,
                    204,
                    &[("content-length", "5"), ("transfer-encoding", "chunked")],
                    body
                ),
                ("HTTP/1.1 204 No Content\r\n\r\n".into(), NoBody, true)
            );
            assert_eq!(
                encode(cx, 205, &[("content-length", "5")], body),
                (
                    "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n".into(),
                    NoBody,
                    true
                )
            );
            assert_eq!(
                encode(cx, 304, &[("content-length", "5"), ("etag", "\"e\"")], body),
                (
                    "HTTP/1.1 304 Not Modified\r\netag: \"e\"\r\ncontent-length: 5\r\n\r\n".into(),
                    NoBody,
                    true
                )
            );
            assert_eq!(
                encode(cx, 304, &[], body),
                ("HTTP/1.1 304 Not Modified\r\n\r\n".into(), NoBody, true)
            );
        }
        assert_eq!(
            encode(&HTTP_10, 204, &[], body),
            (
                "HTTP/1.1 204 No Content\r\nconnection: keep-alive\r\n\r\n".into(),
                NoBody,
                true
            )
        );
    }
}

#[test]
fn switching_protocols_hands_the_connection_over_rfc9110_15_2_2() {
    assert_eq!(
        encode(
            &HTTP_11,
            101,
            &[
                ("upgrade", "websocket"),
                ("content-length", "0"),
                ("connection", "close")
            ],
            Unknown
        ),
        (
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n".into(),
            NoBody,
            false
        )
    );
}

#[test]
fn upgrade_required_may_name_the_protocol_rfc9110_15_5_22() {
    for (cx, connection, keep_alive) in [
        (&HTTP_11, "upgrade", true),
        (&CLOSING, "upgrade, close", false),
        (&HTTP_10, "upgrade, keep-alive", true),
    ] {
        assert_eq!(
            encode(cx, 426, &[("upgrade", "websocket")], Known(0)),
            (
                format!(
                    "HTTP/1.1 426 Upgrade Required\r\nupgrade: websocket\r\ncontent-length: 0\r\nconnection: {connection}\r\n\r\n"
                ),
                Length(0),
                keep_alive
            )
        );
    }
    assert!(!encode(&HTTP_11, 426, &[], Known(0)).0.contains("connection"));
}

#[test]
fn interim_status_as_a_final_response_ends_the_connection() {
    assert_eq!(
        encode(&HTTP_11, 103, &[], Known(5)),
        (
            "HTTP/1.1 103 Early Hints\r\nconnection: close\r\n\r\n".into(),
            NoBody,
            false
        )
    );
}

#[test]
fn trailer_is_kept_for_chunks_to_a_client_that_accepts_trailers_rfc9110_6_5_1() {
    let fields = [("trailer", "x-sum")];
    assert!(
        encode(&WITH_TRAILERS, 200, &fields, Unknown)
            .0
            .contains("trailer: x-sum\r\n")
    );
    assert!(!encode(&HTTP_11, 200, &fields, Unknown).0.contains("trailer"));
    assert!(!encode(&WITH_TRAILERS, 200, &fields, Known(1)).0.contains("trailer"));
}

#[test]
fn date_of_the_handler_wins() {
    let mut out = Vec::new();
    let fields = map(&[("date", "Thu, 01 Jan 1970 00:00:00 GMT")]);
    encode_head(&mut out, &HTTP_11, StatusCode::OK, &fields, Known(0), DATE);
    assert_eq!(
        out,
        b"HTTP/1.1 200 OK\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\ncontent-length: 0\r\n\r\n"
    );
}

#[test]
fn every_status_line_has_its_registered_reason_or_none_rfc9112_4() {
    for code in 100..=999 {
        let status = StatusCode::from_u16(code).unwrap();
        let (head, _, _) = encode(&HTTP_11, code, &[], Known(0));
        let reason = status.canonical_reason().unwrap_or_default();
        assert_eq!(head.lines().next().unwrap(), format!("HTTP/1.1 {code} {reason}"));
    }
}

#[test]
fn appends_to_what_the_buffer_holds() {
    let mut out = b"before".to_vec();
    encode_head(&mut out, &HTTP_11, StatusCode::OK, &HeaderMap::new(), Known(0), DATE);
    assert!(out.starts_with(b"beforeHTTP/1.1 200 OK\r\n"));
}

#[test]
fn informational_responses_carry_fields_but_no_framing_rfc9110_15_2() {
    let mut out = Vec::new();
    let fields = map(&[
        ("link", "</a>"),
        ("content-length", "5"),
        ("transfer-encoding", "chunked"),
        ("connection", "close"),
    ]);
    assert!(encode_informational(&mut out, StatusCode::EARLY_HINTS, &fields));
    assert_eq!(out, b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");

    out.clear();
    assert!(encode_informational(&mut out, StatusCode::CONTINUE, &HeaderMap::new()));
    assert_eq!(out, CONTINUE);

    out.clear();
    assert!(!encode_informational(&mut out, StatusCode::OK, &fields));
    assert!(!encode_informational(
        &mut out,
        StatusCode::SWITCHING_PROTOCOLS,
        &fields
    ));
    assert!(out.is_empty());
}

#[test]
fn chunk_heads_are_hexadecimal_rfc9112_7_1() {
    for len in [
        1,
        9,
        10,
        15,
        16,
        17,
        255,
        256,
        4095,
        4096,
        65_536,
        0x1234_5678,
        usize::MAX,
    ] {
        let mut out = Vec::new();
        encode_chunk_head(&mut out, len);
        assert_eq!(out, format!("{len:x}\r\n").into_bytes());
    }
}

#[test]
fn last_chunk_carries_allowed_trailers_rfc9112_7_1_2() {
    let mut out = Vec::new();
    encode_last_chunk(&mut out, None);
    assert_eq!(out, b"0\r\n\r\n");

    out.clear();
    encode_last_chunk(
        &mut out,
        Some(&map(&[
            ("x-sum", "1"),
            ("content-length", "5"),
            ("set-cookie", "a=b"),
            ("x-sum", "2"),
        ])),
    );
    assert_eq!(out, b"0\r\nx-sum: 1\r\nx-sum: 2\r\n\r\n");
}
