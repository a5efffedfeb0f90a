//! Limits: every one is on by default, honours what is configured to the byte, and its refusal
//! reaches a client that is still sending (RFC 9110 §15.5.14–15, RFC 6585 §5, RFC 9112 §9.6).

use hyperlane::ServerConfig;

use crate::app::TestApp;
use crate::case::{Case, case};
use crate::group::run_all;
use crate::probe::Step;

const KIB: usize = 1024;

/// Cases against the default limits: request line 8 KiB, head 16 KiB, 100 fields, body 2 MiB.
pub(crate) fn default_cases() -> Vec<Case> {
    let mut cases = of_lines();
    cases.extend(of_heads());
    cases.extend(of_bodies());
    cases.extend(still_sending());
    cases
}

fn get(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
}

fn post(length: usize) -> String {
    format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")
}

fn of_lines() -> Vec<Case> {
    vec![
        case(
            "serves_a_target_of_7_kib",
            "RFC 9112 §3",
            get(&format!("/raw?{}", "a".repeat(7 * KIB)), ""),
        )
        .answers(200)
        .contains("/raw aaaa"),
        case(
            "refuses_a_target_of_9_kib",
            "RFC 9110 §15.5.15",
            get(&format!("/{}", "a".repeat(9 * KIB)), ""),
        )
        .marker_unreached()
        .refused(414),
        case(
            "refuses_a_target_without_end",
            "abuse: request line without end",
            format!("GET /{}", "a".repeat(1024 * KIB)),
        )
        .refused(414),
        case(
            "refuses_a_target_without_end_before_it_is_all_there",
            "abuse: request line without end",
            format!("GET /{}", "a".repeat(8 * KIB)),
        )
        .then(Step::Drip(b"aaaaaaaaaaaaaaaa", std::time::Duration::from_millis(1)))
        .refused(414),
        case(
            "refuses_a_method_without_end",
            "abuse: request line without end",
            "M".repeat(64 * KIB),
        )
        .refused_any(&[400, 414, 501]),
    ]
}

fn of_heads() -> Vec<Case> {
    let field = |length: usize| format!("X-A: {}\r\n", "a".repeat(length));
    let fields = |count: usize| -> String { (0..count).map(|index| format!("x-{index}: y\r\n")).collect() };
    vec![
        case(
            "serves_a_head_of_15_kib",
            "RFC 6585 §5",
            get("/hello", &field(15 * KIB)),
        )
        .answers(200)
        .body("hello"),
        case(
            "refuses_a_field_of_20_kib",
            "RFC 6585 §5",
            get("/hello", &field(20 * KIB)),
        )
        .marker_unreached()
        .refused(431),
        case(
            "refuses_many_fields_of_20_kib_together",
            "RFC 6585 §5",
            get("/hello", &field(500).repeat(40)),
        )
        .marker_unreached()
        .refused(431),
        case("serves_100_fields", "RFC 6585 §5", get("/hello", &fields(99)))
            .answers(200)
            .body("hello"),
        case("refuses_101_fields", "RFC 6585 §5", get("/hello", &fields(100)))
            .marker_unreached()
            .refused(431),
        case("refuses_1000_fields", "RFC 6585 §5", get("/hello", &fields(1000)))
            .marker_unreached()
            .refused(431),
        case(
            "refuses_a_value_without_end",
            "abuse: field without end",
            format!("GET /hello HTTP/1.1\r\nHost: a\r\nX-A: {}", "a".repeat(1024 * KIB)),
        )
        .refused(431),
        case(
            "refuses_a_name_without_end",
            "abuse: field without end",
            format!("GET /hello HTTP/1.1\r\nHost: a\r\n{}", "a".repeat(1024 * KIB)),
        )
        .refused(431),
        case(
            "refuses_fields_without_end",
            "abuse: fields without end",
            get("/hello", "").trim_end().to_owned() + "\r\n" + &"x-a: b\r\n".repeat(100_000),
        )
        .refused(431),
    ]
}

fn of_bodies() -> Vec<Case> {
    const LIMIT: usize = 2 * 1024 * KIB;
    let full = vec![b'x'; LIMIT];
    let chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let chunk = [b"10000\r\n", &vec![b'x'; 0x10000][..], b"\r\n"].concat();
    vec![
        case(
            "reads_a_body_of_the_limit",
            "RFC 9110 §15.5.14",
            [post(LIMIT).as_bytes(), &full].concat(),
        )
        .answers(200)
        .that("2 MiB", |reply| reply.body.len() == LIMIT),
        case(
            "reads_a_chunked_body_of_the_limit",
            "RFC 9110 §15.5.14",
            [chunked.as_bytes(), &chunk.repeat(32), b"0\r\n\r\n"].concat(),
        )
        .answers(200)
        .that("2 MiB", |reply| reply.body.len() == LIMIT),
        case(
            "refuses_an_announced_body_before_it_is_sent",
            "RFC 9110 §15.5.14",
            post(LIMIT + 1),
        )
        .refused(413),
        case(
            "refuses_an_announced_body_in_flight",
            "RFC 9110 §15.5.14",
            [post(LIMIT + 1).as_bytes(), &full, b"x"].concat(),
        )
        .marker_unreached()
        .refused(413),
        case(
            "refuses_an_announced_body_of_a_client_that_waits",
            "RFC 9110 §10.1.1",
            format!(
                "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
                LIMIT + 1
            ),
        )
        .refused(413),
        case(
            "refuses_a_chunked_body_over_the_limit",
            "RFC 9110 §15.5.14",
            [chunked.as_bytes(), &chunk.repeat(33), b"0\r\n\r\n"].concat(),
        )
        .marker_unreached()
        .refused(413),
        case(
            "refuses_a_chunk_over_the_limit_before_it_is_sent",
            "RFC 9110 §15.5.14",
            format!("{chunked}200001\r\n"),
        )
        .refused(413),
        case(
            "refuses_a_chunked_body_without_end",
            "abuse: body without end",
            [chunked.as_bytes(), &chunk.repeat(128)].concat(),
        )
        .refused(413),
    ]
}

/// A refusal must not be lost to the reset that a close with unread bytes provokes.
fn still_sending() -> Vec<Case> {
    let flood = "x".repeat(1024 * KIB);
    let with = |head: &str| format!("{head}{flood}");
    [
        ("delivers_400_for_a_bad_request_line", with("GET /hello\r\n\r\n"), 400),
        (
            "delivers_400_for_a_missing_host",
            with("GET /hello HTTP/1.1\r\n\r\n"),
            400,
        ),
        (
            "delivers_400_for_two_framings",
            with("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"),
            400,
        ),
        (
            "delivers_400_for_a_bad_chunk",
            with("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            400,
        ),
        ("delivers_413", with(&post(1 << 30)), 413),
        ("delivers_414", with("GET /"), 414),
        (
            "delivers_417",
            with("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: x\r\nContent-Length: 1048576\r\n\r\n"),
            417,
        ),
        ("delivers_431", with("GET /hello HTTP/1.1\r\nHost: a\r\nX-A: "), 431),
        (
            "delivers_501",
            with("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
            501,
        ),
        ("delivers_505", with("GET /hello HTTP/2.0\r\nHost: a\r\n\r\n"), 505),
    ]
    .into_iter()
    .map(|(name, bytes, status)| case(name, "RFC 9112 §9.6, with 1 MiB in flight behind", bytes).refused(status))
    .collect()
}

/// Small limits, so that the boundary is met to the byte.
fn small() -> ServerConfig {
    let config = ServerConfig::new();
    config
        .request_line_limit(64)
        .head_limit(256)
        .header_count_limit(4)
        .body_limit(1000);
    config
}

/// Cases against [`small`].
pub(crate) fn configured_cases() -> Vec<Case> {
    // "GET /raw?" and " HTTP/1.1" are 18 bytes of the line; the limit is without the CRLF.
    let line = |length: usize| get(&format!("/raw?{}", "a".repeat(length - 18)), "");
    let chunked = |size: usize| {
        let data = "x".repeat(size / 2);
        let rest = "x".repeat(size - size / 2);
        format!(
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
             {:x}\r\n{data}\r\n{:x}\r\n{rest}\r\n0\r\n\r\n",
            data.len(),
            rest.len()
        )
    };
    let sized = |size: usize| post(size) + &"x".repeat(size);
    vec![
        case("serves_a_line_of_62_bytes", "limit: request_line_limit(64)", line(62)).answers(200),
        case("refuses_a_line_of_67_bytes", "limit: request_line_limit(64)", line(67)).refused(414),
        case(
            "serves_a_head_below_the_limit",
            "limit: head_limit(256)",
            get("/hello", &format!("X: {}\r\n", "a".repeat(150))),
        )
        .answers(200),
        case(
            "refuses_a_head_above_the_limit",
            "limit: head_limit(256)",
            get("/hello", &format!("X: {}\r\n", "a".repeat(250))),
        )
        .refused(431),
        case(
            "serves_4_fields",
            "limit: header_count_limit(4)",
            get("/hello", "A: b\r\nA: b\r\nA: b\r\n"),
        )
        .answers(200),
        case(
            "refuses_5_fields",
            "limit: header_count_limit(4)",
            get("/hello", "A: b\r\nA: b\r\nA: b\r\nA: b\r\n"),
        )
        .refused(431),
        case(
            "reads_a_body_of_exactly_the_limit",
            "limit: body_limit(1000)",
            sized(1000),
        )
        .answers(200),
        case(
            "refuses_a_body_of_one_byte_more",
            "limit: body_limit(1000)",
            sized(1001),
        )
        .refused(413),
        case(
            "reads_a_chunked_body_of_exactly_the_limit",
            "limit: body_limit(1000)",
            chunked(1000),
        )
        .answers(200),
        case(
            "refuses_a_chunked_body_of_one_byte_more",
            "limit: body_limit(1000)",
            chunked(1001),
        )
        .refused(413),
        case(
            "refuses_a_body_of_one_byte_more_in_context_style",
            "limit: body_limit(1000)",
            "POST /context-echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n",
        )
        .refused_any(&[400, 413]),
        case(
            "the_limit_is_for_each_body_on_its_own",
            "limit: body_limit(1000)",
            sized(900).repeat(3),
        )
        .answers(200)
        .answers(200)
        .answers(200),
        case(
            "the_limit_is_for_each_head_on_its_own",
            "limit: head_limit(256)",
            get("/hello", "A: b\r\n").repeat(20),
        )
        .answers_times(20, 200),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_on_by_default() {
    let app = TestApp::start().await;
    run_all("limits", &app, default_cases()).await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_kept_as_configured() {
    let app = TestApp::start_with(small()).await;
    run_all("limits (configured)", &app, configured_cases()).await;
    app.stop().await;
}
