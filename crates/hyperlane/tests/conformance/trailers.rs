//! Trailer fields: RFC 9110 §6.5 and RFC 9112 §7.1.2.

use crate::app::TestApp;
use crate::case::{Case, case};
use crate::group::run_all;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = accepted();
    cases.extend(malformed());
    cases.extend(of_responses());
    cases
}

fn post(path: &str, trailers: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
         5\r\nhello\r\n0\r\n{trailers}\r\n"
    )
}

fn accepted() -> Vec<Case> {
    let mut cases = vec![
        case(
            "passes_over_a_trailer",
            "RFC 9112 §7.1.2",
            post("/echo", "X-Sum: 42\r\n"),
        )
        .marker_reached_after(200, "hello"),
        case(
            "passes_over_several_trailers",
            "RFC 9112 §7.1.2",
            post("/echo", "A: 1\r\nB:\r\nC: 3\r\n"),
        )
        .marker_reached_after(200, "hello"),
        case(
            "passes_over_trailers_that_no_handler_reads",
            "RFC 9112 §7.1.2",
            post("/ignore", "A: 1\r\n"),
        )
        .marker_reached_after(200, "ignored"),
        case(
            "reads_trailers_sent_byte_by_byte",
            "RFC 9112 §7.1.2",
            post("/echo", "X-Sum: 42\r\n"),
        )
        .byte_by_byte()
        .answers(200)
        .body("hello"),
        case(
            "gives_a_trailer_to_the_handler",
            "RFC 9110 §6.5",
            post("/trailers", "X-Sum: 42\r\n"),
        )
        .answers(200)
        .contains("--\nx-sum=[42]\n"),
        case(
            "does_not_merge_a_trailer_into_the_header",
            "RFC 9110 §6.5.1",
            post("/trailers", "X-Sum: 42\r\n"),
        )
        .answers(200)
        .that("no x-sum before the mark", |reply| {
            let text = String::from_utf8_lossy(&reply.body).into_owned();
            text.split("--\n").next().is_some_and(|head| !head.contains("x-sum"))
        }),
    ];
    for (name, trailer) in [
        ("a_length_in_the_trailers_frames_nothing", "Content-Length: 100\r\n"),
        (
            "a_coding_in_the_trailers_frames_nothing",
            "Transfer-Encoding: chunked\r\n",
        ),
        ("a_host_in_the_trailers_is_not_the_host", "Host: b\r\n"),
    ] {
        cases.push(
            case(name, "RFC 9110 §6.5.1", post("/echo", trailer))
                .answers_any(&[200, 400])
                .keeps_or_closes(),
        );
    }
    cases
}

fn malformed() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        ("rejects_a_trailer_without_colon", "X-Sum\r\n"),
        ("rejects_a_space_before_the_colon", "X-Sum : 42\r\n"),
        ("rejects_an_empty_name", ": 42\r\n"),
        ("rejects_a_folded_trailer", "X-Sum: 4\r\n 2\r\n"),
        ("rejects_white_space_before_the_first_trailer", " X-Sum: 42\r\n"),
        ("rejects_a_bare_lf_after_a_trailer", "X-Sum: 42\n"),
        ("rejects_a_bare_cr_in_a_trailer", "X-Sum: 4\r2\r\n"),
        ("rejects_a_nul_in_a_trailer", "X-Sum: 4\u{0}2\r\n"),
        ("rejects_a_space_in_the_name", "X Sum: 42\r\n"),
        ("rejects_a_request_in_place_of_a_trailer", "GET /hello HTTP/1.1\r\n"),
    ]
    .into_iter()
    .map(|(name, trailer)| {
        case(name, "RFC 9112 §7.1.2", post("/echo", trailer))
            .marker_unreached()
            .refused(400)
    })
    .collect();
    let many: String = (0..1_000).map(|index| format!("x-{index}: 1\r\n")).collect();
    let long = format!("X-Sum: {}\r\n", "4".repeat(64 * 1024));
    for (name, trailers) in [
        ("limits_the_number_of_trailers", many),
        ("limits_the_size_of_trailers", long),
    ] {
        cases.push(
            case(name, "abuse: trailers without end", post("/echo", &trailers))
                .marker_unreached()
                .refused_any(&[400, 413, 431]),
        );
    }
    cases
}

fn of_responses() -> Vec<Case> {
    vec![
        case(
            "sends_a_trailer_to_a_client_that_accepts_it",
            "RFC 9110 §6.5.1",
            "GET /stream-trailers HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n",
        )
        .answers(200)
        .body("body")
        .trailer("x-sum", "42"),
        case(
            "sends_no_trailer_to_a_client_that_does_not_accept_it",
            "RFC 9110 §10.1.4",
            "GET /stream-trailers HTTP/1.1\r\nHost: a\r\n\r\n",
        )
        .answers(200)
        .body("body")
        .that("no trailers", |reply| reply.trailers.get("x-sum").is_none()),
        case(
            "sends_no_trailer_to_a_1_0_client",
            "RFC 9112 §7.1.2",
            "GET /stream-trailers HTTP/1.0\r\nHost: a\r\n\r\n",
        )
        .answers(200)
        .framed(crate::reply::Framing::UntilClose)
        .body("body")
        .closes_unannounced(),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trailers_are_read_strictly() {
    let app = TestApp::start().await;
    run_all("trailers", &app, cases()).await;
    app.stop().await;
}
