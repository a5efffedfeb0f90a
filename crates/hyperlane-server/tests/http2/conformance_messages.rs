//! RFC 9113 §8: requests as field blocks, and what makes them malformed.

use crate::client::{code, flag, frame, get, kind, post};
use crate::hpack::{self, field, request};
use crate::table::{Outcome, all, case, data, headers, run};

/// What the `h2` crate or the guard before it resets.
const MALFORMED: Outcome = Outcome::StreamError(1, code::PROTOCOL_ERROR);
/// What may be answered as well, as §8.1.1 allows.
const BAD: Outcome = Outcome::Malformed(1);
const ANSWERED: Outcome = Outcome::Status(1, 200);

/// A whole request of these fields.
fn whole<const N: usize>(fields: [Vec<u8>; N]) -> Vec<u8> {
    let block: Vec<u8> = fields.into_iter().flatten().collect();
    headers(1, flag::END_STREAM, &block)
}

/// A whole GET of `/` with one more field.
fn get_with(name: &str, value: &str) -> Vec<u8> {
    whole([hpack::GET.to_vec(), field(name, value)])
}

#[tokio::test(start_paused = true)]
async fn exchange_of_messages_rfc9113_8_1() {
    let trailers = headers(1, flag::END_STREAM, &field("x-t", "1"));
    run(vec![
        case("8.1 GET", get(1), ANSWERED),
        case("8.1 HEAD", whole([request("HEAD", "/")]), ANSWERED),
        case("8.1 POST", all([post(1), data(1, flag::END_STREAM, b"test")]), ANSWERED),
        case(
            "8.1 POST with trailers",
            all([post(1), data(1, 0, b"test"), trailers.clone()]),
            ANSWERED,
        ),
        case("8.1 trailers without a body", all([post(1), trailers]), ANSWERED),
        case(
            "8.1 a second HEADERS without END_STREAM",
            all([
                post(1),
                headers(1, 0, &field("x-t", "1")),
                data(1, flag::END_STREAM, b"x"),
            ]),
            MALFORMED,
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn fields_rfc9113_8_2() {
    run(vec![
        case("8.2.1 a name in upper case", get_with("X-TEST", "ok"), MALFORMED),
        case("8.2.1 a name that is no token", get_with("x test", "ok"), MALFORMED),
        case("8.2.1 an empty name", get_with("", "ok"), MALFORMED),
        case("8.2.1 a value with CR LF", get_with("x-test", "a\r\nb"), MALFORMED),
        case("8.2.1 a value with NUL", get_with("x-test", "a\0b"), MALFORMED),
        case("8.2.1 a value with a space before", get_with("x-test", " a"), BAD),
        case("8.2.1 a value with a tab behind", get_with("x-test", "a\t"), BAD),
        case("8.2.2 connection", get_with("connection", "keep-alive"), MALFORMED),
        case(
            "8.2.2 proxy-connection",
            get_with("proxy-connection", "keep-alive"),
            MALFORMED,
        ),
        case("8.2.2 keep-alive", get_with("keep-alive", "1"), MALFORMED),
        case(
            "8.2.2 transfer-encoding",
            get_with("transfer-encoding", "chunked"),
            MALFORMED,
        ),
        case("8.2.2 upgrade", get_with("upgrade", "h2c"), MALFORMED),
        case(
            "8.2.2 te with another value",
            get_with("te", "trailers, deflate;q=0.5"),
            MALFORMED,
        ),
        case("8.2.2 te: trailers", get_with("te", "trailers"), ANSWERED),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn pseudo_header_fields_rfc9113_8_3() {
    let without = |name: &str| {
        let fields = [
            (":method", "GET"),
            (":scheme", "http"),
            (":path", "/"),
            (":authority", "a"),
        ];
        let block: Vec<u8> = fields
            .iter()
            .filter(|(known, _)| *known != name)
            .flat_map(|(name, value)| field(name, value))
            .collect();
        headers(1, flag::END_STREAM, &block)
    };
    run(vec![
        case(
            "8.3 an unknown one",
            whole([request("GET", "/"), field(":test", "ok")]),
            MALFORMED,
        ),
        case(
            "8.3 that of a response",
            whole([request("GET", "/"), field(":status", "200")]),
            MALFORMED,
        ),
        case(
            "8.3 behind a field",
            whole([
                hpack::GET[..3].to_vec(),
                field("x-test", "ok"),
                field(":authority", "a"),
            ]),
            MALFORMED,
        ),
        case(
            "8.3 in trailers",
            all([post(1), headers(1, flag::END_STREAM, &field(":path", "/"))]),
            MALFORMED,
        ),
        case(
            "8.3 an indexed one in trailers",
            all([post(1), headers(1, flag::END_STREAM, b"\x82")]),
            MALFORMED,
        ),
        case(
            "8.3.1 an empty path",
            whole([
                field(":method", "GET"),
                field(":scheme", "http"),
                field(":path", ""),
                field(":authority", "a"),
            ]),
            MALFORMED,
        ),
        case("8.3.1 no method", without(":method"), MALFORMED),
        case("8.3.1 no scheme", without(":scheme"), MALFORMED),
        case("8.3.1 no path", without(":path"), MALFORMED),
        case("8.3.1 no authority", without(":authority"), BAD),
        case(
            "8.3.1 two methods",
            whole([request("GET", "/"), field(":method", "GET")]),
            MALFORMED,
        ),
        case(
            "8.3.1 two schemes",
            whole([request("GET", "/"), field(":scheme", "http")]),
            MALFORMED,
        ),
        case(
            "8.3.1 two paths",
            whole([request("GET", "/"), field(":path", "/")]),
            MALFORMED,
        ),
        case(
            "8.3.1 two authorities",
            whole([request("GET", "/"), field(":authority", "a")]),
            MALFORMED,
        ),
        case(
            "8.3.1 no path, with a host",
            whole([field(":method", "GET"), field(":scheme", "http"), field("host", "a")]),
            BAD,
        ),
        case("8.3.1 a path without a slash", whole([request("GET", "x")]), BAD),
        case("8.3.1 an asterisk for GET", whole([request("GET", "*")]), BAD),
        case(
            "8.3.1 an asterisk for OPTIONS",
            whole([request("OPTIONS", "*")]),
            ANSWERED,
        ),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn hosts_rfc9113_8_3_1() {
    let named = |authority: &str| {
        whole([
            field(":method", "GET"),
            field(":scheme", "http"),
            field(":path", "/"),
            field(":authority", authority),
        ])
    };
    let unnamed = || [field(":method", "GET"), field(":scheme", "http"), field(":path", "/")].concat();
    run(vec![
        case(
            "8.3.1 a host instead of an authority",
            whole([unnamed(), field("host", "a")]),
            ANSWERED,
        ),
        case("8.3.1 the same as the authority", get_with("host", "A"), ANSWERED),
        case("8.3.1 another than the authority", get_with("host", "b"), BAD),
        case(
            "8.3.1 two hosts",
            whole([unnamed(), field("host", "a"), field("host", "a")]),
            BAD,
        ),
        case("8.3.1 user information", named("user@a"), BAD),
        case("8.3.1 a port that is none", named("a:99999"), BAD),
        case("8.3.1 an address", named("[::1]:80"), ANSWERED),
        case("8.3.1 an invalid host", whole([unnamed(), field("host", "a b")]), BAD),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn lengths_rfc9113_8_1_1() {
    let with = |length: &str, flags| headers(1, flags, &[hpack::POST_ECHO, &field("content-length", length)].concat());
    let twice = headers(
        1,
        0,
        &[
            hpack::POST_ECHO.to_vec(),
            field("content-length", "4"),
            field("content-length", "4"),
        ]
        .concat(),
    );
    run(vec![
        case(
            "8.1.1 the right one",
            all([with("4", 0), data(1, flag::END_STREAM, b"test")]),
            ANSWERED,
        ),
        case(
            "8.1.1 a smaller one",
            all([with("1", 0), data(1, flag::END_STREAM, b"test")]),
            MALFORMED,
        ),
        case(
            "8.1.1 a larger one",
            all([with("5", 0), data(1, flag::END_STREAM, b"test")]),
            MALFORMED,
        ),
        case(
            "8.1.1 another than that of two frames",
            all([with("5", 0), data(1, 0, b"te"), data(1, flag::END_STREAM, b"st")]),
            MALFORMED,
        ),
        case("8.1.1 one for no body", with("1", flag::END_STREAM), MALFORMED),
        case(
            "8.1.1 one that is too large before trailers",
            all([
                with("5", 0),
                data(1, 0, b"test"),
                headers(1, flag::END_STREAM, &field("x", "y")),
            ]),
            MALFORMED,
        ),
        case(
            "8.1.1 none that is a number",
            all([with("4x", 0), data(1, flag::END_STREAM, b"test")]),
            MALFORMED,
        ),
        case(
            "8.1.1 a sign",
            all([with("+4", 0), data(1, flag::END_STREAM, b"test")]),
            MALFORMED,
        ),
        case("8.1.1 two", all([twice, data(1, flag::END_STREAM, b"test")]), BAD),
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_engine_answers_itself() {
    let many: Vec<u8> = (0..101).flat_map(|n| field(&format!("x-{n}"), "y")).collect();
    run(vec![
        case(
            "RFC 9110 §9.3.6: CONNECT",
            whole([field(":method", "CONNECT"), field(":authority", "a:1")]),
            Outcome::Status(1, 501),
        ),
        case(
            "RFC 9113 §8.5: CONNECT with a path",
            whole([request("CONNECT", "/")]),
            MALFORMED,
        ),
        case(
            "RFC 9110 §10.1.1: another expectation",
            get_with("expect", "tea"),
            Outcome::Status(1, 417),
        ),
        case(
            "RFC 6585 §5: too many fields",
            whole([hpack::GET.to_vec(), many]),
            Outcome::Status(1, 431),
        ),
        case(
            "RFC 9113 §10.5.1: too large a head",
            all_of_two(),
            Outcome::Status(1, 431),
        ),
        case(
            "RFC 9110 §15.5.15: too long a target",
            whole([request("GET", &format!("/{}", "x".repeat(9000)))]),
            Outcome::Status(1, 414),
        ),
    ])
    .await;
}

/// A head above its limit, which takes two frames.
fn all_of_two() -> Vec<u8> {
    let block = [hpack::GET, &field("x", &"y".repeat(17_000))].concat();
    let (first, second) = block.split_at(16_000);
    all([
        frame(kind::HEADERS, flag::END_STREAM, 1, first),
        frame(kind::CONTINUATION, flag::END_HEADERS, 1, second),
    ])
}
