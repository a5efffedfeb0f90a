//! What the server writes: RFC 9110 §6.4, §6.6.1, §8.6, §15 and RFC 9112 §4–7.
//!
//! The strict reader checks every response of the whole suite for one framing, one `Date` and
//! well-formed lines; here are the handlers that try to break that.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::app::TestApp;
use crate::case::{Case, case};
use crate::group::run_all;
use crate::http_date;
use crate::reply::{Framing, Reply};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = fixed();
    cases.extend(without_content());
    cases.extend(streamed());
    cases.extend(contradicted());
    cases.extend(failed());
    cases.extend(injected());
    cases
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn is_now(reply: &Reply) -> bool {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    let date = reply.fields.get("date").and_then(http_date::seconds);
    date.is_some_and(|date| date.abs_diff(now) <= 5)
}

fn fixed() -> Vec<Case> {
    vec![
        case("sends_a_length_with_a_fixed_body", "RFC 9110 §8.6", get("/hello"))
            .answers(200)
            .framed(Framing::Length)
            .field("content-length", "5")
            .no_field("transfer-encoding"),
        case("sends_the_date_of_now", "RFC 9110 §6.6.1", get("/hello"))
            .answers(200)
            .that("date is now", is_now),
        case("sends_a_date_with_an_error", "RFC 9110 §6.6.1", get("/none"))
            .answers(404)
            .that("date is now", is_now),
        case(
            "sends_a_date_with_a_refusal",
            "RFC 9110 §6.6.1",
            "GET /hello HTTP/1.1\r\n\r\n",
        )
        .refused(400)
        .that("date is now", is_now),
        case("names_the_type_of_text", "RFC 9110 §8.3", get("/hello"))
            .answers(200)
            .that("text/plain in UTF-8", |reply| {
                let media = reply.fields.get("content-type").unwrap_or_default();
                let media = media.to_ascii_lowercase().replace(' ', "");
                media == "text/plain;charset=utf-8"
            }),
        case("sends_a_length_of_0_with_an_empty_body", "RFC 9110 §8.6", get("/empty"))
            .answers(200)
            .framed(Framing::Length)
            .body(""),
        case(
            "answers_200_when_a_context_handler_sets_nothing",
            "RFC 9110 §15.3.1",
            get("/nothing"),
        )
        .answers(200)
        .framed(Framing::Length)
        .body(""),
        case("sends_a_large_body_whole", "RFC 9112 §6.2", get("/large"))
            .answers(200)
            .field("content-length", "1048576")
            .that("1 MiB of x", |reply| reply.body.iter().all(|&byte| byte == b'x')),
        case("sends_each_cookie_on_its_own_line", "RFC 6265 §3", get("/cookies"))
            .answers(200)
            .that("two lines", |reply| reply.fields.all("set-cookie").eq(["a=1", "b=2"])),
        case(
            "replaces_adds_and_removes_fields_without_regard_to_case",
            "RFC 9110 §5.1",
            get("/repeats"),
        )
        .answers(200)
        .field("x-set", "2")
        .that("x-add twice", |reply| reply.fields.all("x-add").eq(["1", "2"]))
        .no_field("x-gone"),
    ]
}

fn without_content() -> Vec<Case> {
    vec![
        case(
            "sends_204_without_content_or_length",
            "RFC 9110 §15.3.5, §8.6",
            get("/no-content"),
        )
        .answers(204)
        .framed(Framing::Bodiless)
        .no_field("content-length")
        .no_field("transfer-encoding")
        .marker_reached(),
        case("sends_304_without_content", "RFC 9110 §15.4.5", get("/not-modified"))
            .answers(304)
            .no_field("transfer-encoding")
            .marker_reached(),
        case("sends_205_without_content", "RFC 9110 §15.3.6", get("/reset-content"))
            .answers(205)
            .body("")
            .marker_reached(),
        case(
            "sends_a_streamed_204_without_content",
            "RFC 9110 §15.3.5",
            get("/stream-no-content"),
        )
        .answers(204)
        .framed(Framing::Bodiless)
        .no_field("transfer-encoding")
        .marker_reached(),
        case(
            "sends_204_to_head",
            "RFC 9110 §9.3.2",
            "HEAD /no-content HTTP/1.1\r\nHost: a\r\n\r\n",
        )
        .answers(204)
        .answering_head()
        .no_field("content-length")
        .marker_reached(),
    ]
}

fn streamed() -> Vec<Case> {
    vec![
        case("streams_in_chunks", "RFC 9112 §7.1", get("/stream"))
            .answers(200)
            .framed(Framing::Chunked)
            .no_field("content-length")
            .body("one two three")
            .that("three chunks", |reply| reply.chunks == 3)
            .marker_reached(),
        case("streams_a_value_in_chunks", "RFC 9112 §7.1", get("/stream-value"))
            .answers(200)
            .framed(Framing::Chunked)
            .no_field("content-length"),
        case(
            "an_empty_part_does_not_end_a_stream",
            "RFC 9112 §7.1",
            get("/stream-value"),
        )
        .answers(200)
        .body("one two three")
        .marker_reached(),
        case("ends_an_empty_stream", "RFC 9112 §7.1", get("/stream-empty"))
            .answers(200)
            .body("")
            .marker_reached(),
        case(
            "streams_to_a_1_0_client_without_chunks",
            "RFC 9112 §6.1",
            "GET /stream HTTP/1.0\r\nHost: a\r\n\r\n",
        )
        .answers(200)
        .framed(Framing::UntilClose)
        .no_field("transfer-encoding")
        .body("one two three")
        .closes_unannounced(),
        case(
            "streams_a_value_to_a_1_0_client_without_chunks",
            "RFC 9112 §6.1",
            "GET /stream-value HTTP/1.0\r\nHost: a\r\n\r\n",
        )
        .answers(200)
        .framed(Framing::UntilClose)
        .body("one two three")
        .closes_unannounced(),
        case(
            "streams_in_chunks_before_a_close",
            "RFC 9112 §9.6",
            "GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        )
        .answers(200)
        .framed(Framing::Chunked)
        .body("one two three")
        .closes(),
        case(
            "streams_when_the_handler_names_the_coding",
            "RFC 9112 §6.1",
            get("/stream-chunked-by-hand"),
        )
        .answers(200)
        .framed(Framing::Chunked)
        .field("transfer-encoding", "chunked")
        .body("one two")
        .marker_reached(),
    ]
}

/// Framing, version and date belong to the server; what a handler says about them is a hint.
fn contradicted() -> Vec<Case> {
    vec![
        case(
            "corrects_the_length_of_a_handler",
            "RFC 9110 §8.6",
            get("/says-own-length"),
        )
        .answers(200)
        .field("content-length", "5")
        .body("hello")
        .marker_reached(),
        case(
            "sends_one_framing_when_a_handler_names_two",
            "RFC 9112 §6.2",
            get("/says-own-coding"),
        )
        .answers(200)
        .body("hello")
        .marker_reached(),
        case(
            "sends_one_date_when_a_handler_names_its_own",
            "RFC 9110 §6.6.1",
            get("/says-own-date"),
        )
        .answers(200)
        .body("hello"),
        case("closes_when_a_handler_says_so", "RFC 9112 §9.6", get("/says-close"))
            .marker_unreached()
            .answers(200)
            .body("hello")
            .closes(),
        case(
            "keeps_its_version_when_a_handler_names_another",
            "RFC 9110 §2.5",
            get("/says-1.0"),
        )
        .answers(200)
        .body("hello")
        .keeps_or_closes(),
    ]
}

fn failed() -> Vec<Case> {
    let mut cases = vec![
        case("answers_a_panic_with_500", "RFC 9110 §15.6.1", get("/panic"))
            .answers(500)
            .that("the message of the panic stays inside", |reply| {
                !String::from_utf8_lossy(&reply.body).contains("purpose")
            })
            .keeps_or_closes(),
        case("breaks_off_a_stream_that_fails", "RFC 9112 §8", get("/stream-breaks")).aborts(),
        case("breaks_off_a_stream_that_panics", "RFC 9112 §8", get("/stream-panics")).aborts(),
        case(
            "sends_a_status_without_a_registered_reason",
            "RFC 9112 §4",
            get("/status/599"),
        )
        .answers(599)
        .body("body"),
    ];
    for (name, path) in [
        ("answers_500_for_a_status_of_0", "/status/0"),
        ("answers_500_for_a_status_of_99", "/status/99"),
        ("answers_500_for_a_status_of_1000", "/status/1000"),
        ("answers_500_for_an_interim_status_as_the_answer", "/status/100"),
        ("answers_500_for_switching_protocols_without_an_upgrade", "/status/101"),
    ] {
        cases.push(case(name, "RFC 9110 §15", get(path)).answers(500).keeps_or_closes());
    }
    cases
}

fn injected() -> Vec<Case> {
    let clean = |reply: &Reply| {
        reply.fields.get("set-cookie").is_none()
            && reply.fields.get("x-injected").is_none()
            && !String::from_utf8_lossy(&reply.body).contains("stolen")
    };
    let mut cases: Vec<Case> = [
        ("refuses_a_line_break_in_a_value", "/inject-value"),
        ("refuses_a_line_break_in_a_name", "/inject-name"),
        ("refuses_a_nul_in_a_value", "/inject-nul"),
    ]
    .into_iter()
    .map(|(name, path)| {
        case(name, "abuse: response splitting (RFC 9110 §5.5)", get(path))
            .answers(500)
            .that("nothing of the field is sent", clean)
            .keeps_or_closes()
    })
    .collect();
    cases.push(
        case(
            "tells_the_handler_of_a_refused_field",
            "abuse: response splitting",
            get("/inject-body"),
        )
        .answers(200)
        .body("refused")
        .no_field("x-injected"),
    );
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn responses_are_written_strictly() {
    let app = TestApp::start().await;
    run_all("responses", &app, cases()).await;
    app.stop().await;
}
