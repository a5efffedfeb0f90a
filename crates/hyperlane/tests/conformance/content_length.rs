//! `Content-Length`: RFC 9110 §8.6 and RFC 9112 §6.2–6.3.

use crate::app::TestApp;
use crate::case::{Case, case};
use crate::group::run_all;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = invalid();
    cases.extend(bodies());
    cases.extend(incomplete());
    cases
}

fn post(fields: &str, body: &str) -> String {
    format!("POST /echo HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{body}")
}

fn invalid() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        ("rejects_a_plus_sign", "Content-Length: +5"),
        ("rejects_a_minus_sign", "Content-Length: -5"),
        ("rejects_a_negative_zero", "Content-Length: -0"),
        ("rejects_hexadecimal", "Content-Length: 0x5"),
        ("rejects_a_fraction", "Content-Length: 5.0"),
        ("rejects_an_exponent", "Content-Length: 5e0"),
        ("rejects_an_underscore", "Content-Length: 5_0"),
        ("rejects_a_word", "Content-Length: five"),
        ("rejects_an_empty_length", "Content-Length:"),
        ("rejects_a_length_of_spaces", "Content-Length:   "),
        ("rejects_a_space_within", "Content-Length: 5 5"),
        ("rejects_a_parameter", "Content-Length: 5;a"),
        ("rejects_a_quoted_length", "Content-Length: \"5\""),
        ("rejects_a_vertical_tab", "Content-Length: \u{b}5"),
        ("rejects_a_letter_behind", "Content-Length: 5a"),
        ("rejects_digits_beyond_ascii", "Content-Length: \u{ff15}"),
        ("rejects_a_list_of_equal_lengths", "Content-Length: 5, 5"),
        ("rejects_a_list_of_different_lengths", "Content-Length: 5, 6"),
        ("rejects_a_trailing_comma", "Content-Length: 5,"),
        ("rejects_a_leading_comma", "Content-Length: ,5"),
        ("rejects_two_equal_lengths", "Content-Length: 5\r\nContent-Length: 5"),
        ("rejects_conflicting_lengths", "Content-Length: 5\r\nContent-Length: 6"),
        (
            "rejects_conflicting_lengths_zero_first",
            "Content-Length: 0\r\nContent-Length: 5",
        ),
        (
            "rejects_conflicting_lengths_zero_last",
            "Content-Length: 5\r\nContent-Length: 0",
        ),
        (
            "rejects_conflicting_lengths_apart_and_in_other_case",
            "Content-Length: 5\r\nX-A: b\r\ncontent-LENGTH: 6",
        ),
        (
            "rejects_three_lengths",
            "Content-Length: 5\r\nContent-Length: 5\r\nContent-Length: 5",
        ),
        (
            "rejects_a_good_length_beside_a_bad_one",
            "Content-Length: 5\r\nContent-Length: x",
        ),
        (
            "rejects_a_bad_length_beside_a_good_one",
            "Content-Length: x\r\nContent-Length: 5",
        ),
    ]
    .into_iter()
    .map(|(name, field)| {
        case(name, "RFC 9112 §6.3", post(field, "hello"))
            .marker_unreached()
            .refused(400)
    })
    .collect();
    for (name, length) in [
        ("refuses_2_to_the_63", "9223372036854775808"),
        ("refuses_the_largest_u64", "18446744073709551615"),
        ("refuses_2_to_the_64", "18446744073709551616"),
        ("refuses_2_to_the_64_plus_5", "18446744073709551621"),
        (
            "refuses_a_length_of_forty_digits",
            "9999999999999999999999999999999999999999",
        ),
    ] {
        cases.push(
            case(
                name,
                "RFC 9110 §8.6 (overflow)",
                post(&format!("Content-Length: {length}"), "hello"),
            )
            .marker_unreached()
            .refused_any(&[400, 413]),
        );
    }
    cases.push(
        case(
            "rejects_two_lengths_in_1_0",
            "RFC 9112 §6.3",
            "POST /echo HTTP/1.0\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        )
        .marker_unreached()
        .refused(400),
    );
    cases
}

fn bodies() -> Vec<Case> {
    let every_byte: Vec<u8> = (0..=255).collect();
    let binary = [post("Content-Length: 256", "").as_bytes(), &every_byte].concat();
    vec![
        case("reads_a_body", "RFC 9112 §6.2", post("Content-Length: 5", "hello"))
            .answers(200)
            .body("hello"),
        case("reads_an_empty_body", "RFC 9112 §6.2", post("Content-Length: 0", "")).marker_reached_after(200, ""),
        case(
            "a_request_without_framing_has_no_body",
            "RFC 9112 §6.3",
            post("X-A: b", ""),
        )
        .marker_reached_after(200, ""),
        case(
            "reads_a_length_with_leading_zeros",
            "RFC 9110 §8.6",
            post("Content-Length: 005", "hello"),
        )
        .marker_reached_after(200, "hello"),
        case(
            "ignores_white_space_around_the_length",
            "RFC 9112 §5.1",
            post("Content-Length: \t5 ", "hello"),
        )
        .marker_reached_after(200, "hello"),
        case("reads_every_byte_value", "RFC 9110 §6.4", binary)
            .answers(200)
            .body(every_byte),
        case(
            "reads_a_body_that_looks_like_a_head",
            "RFC 9112 §6",
            post("Content-Length: 19", "GET / HTTP/1.1\r\n\r\nx"),
        )
        .marker_reached_after(200, "GET / HTTP/1.1\r\n\r\nx"),
        case(
            "reads_a_body_sent_byte_by_byte",
            "RFC 9112 §6.2",
            post("Content-Length: 5", "hello"),
        )
        .byte_by_byte()
        .answers(200)
        .body("hello"),
        case(
            "reads_a_body_that_arrives_apart",
            "RFC 9112 §6.2",
            post("Content-Length: 5", ""),
        )
        .then_send("he")
        .then_send("llo")
        .answers(200)
        .body("hello"),
        case(
            "reads_a_body_in_context_style",
            "RFC 9112 §6.2",
            "POST /context-echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        )
        .marker_reached_after(200, "hello"),
        case(
            "passes_over_the_body_of_a_get",
            "RFC 9110 §9.3.1",
            "GET /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        )
        .marker_reached_after(200, "hello"),
        case(
            "passes_over_a_body_that_no_handler_reads",
            "RFC 9112 §9.3",
            "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        )
        .marker_reached_after(200, "ignored"),
        case(
            "passes_over_the_body_of_a_404",
            "RFC 9112 §9.3",
            "POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        )
        .answers(404)
        .marker_reached(),
        case(
            "passes_over_the_body_of_a_405",
            "RFC 9112 §9.3",
            "POST /hello HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        )
        .answers(405)
        .marker_reached(),
        case(
            "what_follows_a_body_is_the_next_request",
            "RFC 9112 §9.3",
            post("Content-Length: 5", "hello()\r\n\r\n"),
        )
        .answers(200)
        .body("hello")
        .refused(400),
    ]
}

/// RFC 9112 §8: a message that ends early must not be handled as if it were complete.
fn incomplete() -> Vec<Case> {
    vec![
        case(
            "does_not_serve_a_body_cut_short",
            "RFC 9112 §8",
            post("Content-Length: 5", "hell"),
        )
        .half_close()
        .dropped(&[400, 408]),
        case(
            "does_not_serve_a_body_that_never_starts",
            "RFC 9112 §8",
            post("Content-Length: 5", ""),
        )
        .half_close()
        .dropped(&[400, 408]),
        case(
            "does_not_answer_before_the_body_is_complete",
            "RFC 9112 §6.2",
            post("Content-Length: 5", "hell"),
        )
        .then(crate::probe::Step::Silence(std::time::Duration::from_millis(50)))
        .then_send("o")
        .answers(200)
        .body("hello"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_length_is_read_strictly() {
    let app = TestApp::start().await;
    run_all("content_length", &app, cases()).await;
    app.stop().await;
}
