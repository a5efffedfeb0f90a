//! Time-outs, with settings of milliseconds on real sockets.
//!
//! Upper bounds are generous, because a busy machine is slow; what is tested is that there is an
//! end at all, and which.

use std::time::Duration;

use hyperlane::ServerConfig;

use crate::app::TestApp;
use crate::case::{Case, case};
use crate::group::run_all;
use crate::probe::Step;
use crate::reply::Framing;

const GET: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
/// Every time-out of these servers.
const SHORT: Duration = Duration::from_millis(300);
/// A part of [`SHORT`] that several of which exceed it.
const STEP: Duration = Duration::from_millis(70);
/// When a case that waits for a time-out must be over.
const BOUND: Duration = Duration::from_secs(3);

/// The settings of most of the cases here.
pub(crate) fn short() -> ServerConfig {
    let config = ServerConfig::new();
    config
        .head_timeout(SHORT)
        .idle_timeout(SHORT)
        .body_timeout(SHORT)
        .write_timeout(SHORT);
    config.body_min_rate(0);
    config
}

/// Cases against [`short`].
pub(crate) fn cases() -> Vec<Case> {
    let drip = |bytes| Step::Drip(bytes, Duration::from_millis(20));
    let post = |fields: &str| format!("POST /echo HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n");
    let late = vec![
        case(
            "a_head_that_stalls_is_answered_408",
            "RFC 9110 §15.5.9",
            "GET /hello HTTP/1.1\r\nHost: a\r\n",
        )
        .refused(408),
        case(
            "a_request_line_that_stalls_is_answered_408",
            "RFC 9110 §15.5.9",
            "GET /hel",
        )
        .refused(408),
        case(
            "a_dripping_value_does_not_defeat_the_time_of_a_head",
            "abuse: Slowloris",
            "GET /hello HTTP/1.1\r\nHost: a\r\nX: ",
        )
        .then(drip(b"a"))
        .refused(408),
        case(
            "dripping_fields_do_not_defeat_the_time_of_a_head",
            "abuse: Slowloris",
            "GET /hello HTTP/1.1\r\nHost: a\r\n",
        )
        .then(drip(b"X-A: b\r\n"))
        .refused(408),
        case(
            "a_dripping_request_line_does_not_defeat_the_time_of_a_head",
            "abuse: Slowloris",
            "GET /",
        )
        .then(drip(b"a"))
        .refused(408),
        case(
            "dripping_empty_lines_do_not_keep_a_connection",
            "abuse: Slowloris with CRLF",
            "",
        )
        .then(drip(b"\r\n"))
        .dropped(&[400, 408]),
        case(
            "dripping_empty_lines_do_not_keep_a_used_connection",
            "abuse: Slowloris with CRLF",
            GET,
        )
        .then(Step::AwaitReplies(1))
        .then(drip(b"\r\n"))
        .answers(200)
        .dropped(&[400, 408]),
        case(
            "a_second_head_that_stalls_is_answered_408",
            "RFC 9110 §15.5.9",
            format!("{GET}GET /hel"),
        )
        .answers(200)
        .refused(408),
        case("a_connection_without_a_request_is_closed", "RFC 9112 §9.5", "").dropped(&[408]),
        case("an_idle_connection_is_closed_without_a_word", "RFC 9112 §9.5", GET)
            .answers(200)
            .closes_unannounced(),
        case(
            "a_body_that_stalls_is_answered_408",
            "RFC 9110 §15.5.9",
            post("Content-Length: 5") + "hell",
        )
        .refused(408),
        case(
            "a_body_that_never_starts_is_answered_408",
            "RFC 9110 §15.5.9",
            post("Content-Length: 5"),
        )
        .refused(408),
        case(
            "a_chunked_body_that_stalls_is_answered_408",
            "RFC 9110 §15.5.9",
            post("Transfer-Encoding: chunked") + "5\r\nhel",
        )
        .refused(408),
        case(
            "a_chunk_size_that_stalls_is_answered_408",
            "RFC 9110 §15.5.9",
            post("Transfer-Encoding: chunked") + "5\r\nhello\r\n",
        )
        .refused(408),
        case(
            "a_promised_body_that_never_comes_is_answered_408",
            "RFC 9110 §10.1.1",
            post("Expect: 100-continue\r\nContent-Length: 5"),
        )
        .answers(100)
        .refused(408),
    ];
    late.into_iter()
        .map(|case| case.within(BOUND))
        .chain(in_time())
        .collect()
}

/// What is slow, but not too slow.
fn in_time() -> Vec<Case> {
    let mut patient = case("the_idle_time_starts_again_with_each_request", "RFC 9112 §9.5", GET);
    for index in 1..6 {
        patient = patient
            .then(Step::AwaitReplies(index))
            .then(Step::Pause(STEP))
            .then(Step::Send(GET.into()));
    }
    let mut steady = case(
        "the_time_of_a_body_starts_again_with_each_part",
        "RFC 9110 §15.5.9",
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n",
    );
    for _ in 0..6 {
        steady = steady.then(Step::Pause(STEP)).then(Step::Send(b"x".to_vec()));
    }
    vec![patient.answers_times(6, 200), steady.answers(200).body("xxxxxx")]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients_run_out_of_time() {
    let app = TestApp::start_with(short()).await;
    run_all("timeouts", &app, cases()).await;
    app.stop().await;
}

/// Cases against a `handler_timeout` of [`SHORT`].
pub(crate) fn handler_cases() -> Vec<Case> {
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    vec![
        case(
            "a_handler_out_of_time_is_answered_503",
            "RFC 9110 §15.6.4",
            get("/never"),
        )
        .answers(503)
        .marker_reached()
        .within(BOUND),
        case(
            "a_handler_that_waits_for_a_body_is_out_of_time",
            "RFC 9110 §15.6.4",
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nx",
        )
        .answers(503)
        .closes()
        .within(BOUND),
        case(
            "a_stream_may_last_longer_than_a_handler_may_think",
            "limit: handler_timeout",
            get("/ticks"),
        )
        .answers(200)
        .framed(Framing::Chunked)
        .body("tick".repeat(6)),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_handlers_run_out_of_time() {
    let config = ServerConfig::new();
    config.handler_timeout(SHORT);
    let app = TestApp::start_with(config).await;
    run_all("timeouts (handler)", &app, handler_cases()).await;
    app.stop().await;
}

/// Cases against a `body_min_rate` of 100,000: a drip that makes progress, but too little, is no way to hold a handler.
pub(crate) fn rate_cases() -> Vec<Case> {
    let head = |length: &str| format!("POST /echo HTTP/1.1\r\nHost: a\r\n{length}\r\n\r\n");
    let every = Duration::from_millis(20);
    vec![
        case(
            "a_dripping_body_is_answered_408",
            "abuse: slow body",
            head("Content-Length: 100000"),
        )
        .then(Step::Drip(b"x", every))
        .refused(408)
        .within(BOUND),
        case(
            "a_dripping_chunked_body_is_answered_408",
            "abuse: slow body",
            head("Transfer-Encoding: chunked"),
        )
        .then(Step::Drip(b"1\r\nx\r\n", every))
        .refused(408)
        .within(BOUND),
        case(
            "a_fast_body_is_served",
            "limit: body_min_rate",
            head("Content-Length: 5") + "hello",
        )
        .answers(200)
        .body("hello"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_below_the_minimal_rate_run_out_of_time() {
    let config = ServerConfig::new();
    config
        .body_min_rate(100_000)
        .body_rate_grace(Duration::from_millis(150));
    let app = TestApp::start_with(config).await;
    run_all("timeouts (rate)", &app, rate_cases()).await;
    app.stop().await;
}
