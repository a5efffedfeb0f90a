//! `Transfer-Encoding`: RFC 9112 §6.1 and §6.3.

use crate::app::TestApp;
use crate::case::{Case, case};
use crate::group::run_all;

const BODY: &str = "5\r\nhello\r\n0\r\n\r\n";

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = served();
    cases.extend(beside_a_length());
    cases.extend(not_chunked());
    cases.extend(unknown_codings());
    cases
}

fn post(fields: &str) -> String {
    format!("POST /echo HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{BODY}")
}

fn served() -> Vec<Case> {
    vec![
        case(
            "reads_a_chunked_body",
            "RFC 9112 §6.1",
            post("Transfer-Encoding: chunked"),
        )
        .marker_reached_after(200, "hello"),
        case(
            "names_of_codings_have_no_case",
            "RFC 9112 §7",
            post("Transfer-Encoding: ChUnKeD"),
        )
        .marker_reached_after(200, "hello"),
        case(
            "ignores_white_space_around_the_coding",
            "RFC 9112 §5.1",
            post("Transfer-Encoding: \t chunked \t"),
        )
        .marker_reached_after(200, "hello"),
        case(
            "accepts_te_trailers_beside_it",
            "RFC 9110 §10.1.4",
            post("TE: trailers\r\nTransfer-Encoding: chunked"),
        )
        .marker_reached_after(200, "hello"),
        case(
            "passes_over_the_chunked_body_of_a_get",
            "RFC 9110 §9.3.1",
            format!("GET /hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{BODY}"),
        )
        .marker_reached_after(200, "hello"),
        case(
            "passes_over_a_chunked_body_that_no_handler_reads",
            "RFC 9112 §9.3",
            format!("POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{BODY}"),
        )
        .marker_reached_after(200, "ignored"),
        case(
            "passes_over_the_chunked_body_of_a_head",
            "RFC 9110 §9.3.2",
            format!("HEAD /hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{BODY}"),
        )
        .answers(200)
        .answering_head()
        .marker_reached(),
        case(
            "passes_over_the_chunked_body_of_a_404",
            "RFC 9112 §9.3",
            format!("POST /none HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{BODY}"),
        )
        .answers(404)
        .marker_reached(),
        case(
            "another_field_of_a_similar_name_frames_nothing",
            "RFC 9112 §6.1",
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\n\r\n",
        )
        .marker_reached_after(200, ""),
        case(
            "an_empty_list_member_is_not_a_coding",
            "RFC 9110 §5.6.1.2",
            post("Transfer-Encoding: , chunked"),
        )
        .answers_any(&[200, 400])
        .keeps_or_closes(),
    ]
}

/// RFC 9112 §6.1 calls both together a likely attack.
fn beside_a_length() -> Vec<Case> {
    [
        (
            "rejects_a_length_before_the_coding",
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
        ),
        (
            "rejects_a_length_after_the_coding",
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
        ),
        (
            "rejects_a_length_of_0_beside_the_coding",
            "Transfer-Encoding: chunked\r\nContent-Length: 0",
        ),
        (
            "rejects_the_exact_length_beside_the_coding",
            "Content-Length: 15\r\nTransfer-Encoding: chunked",
        ),
        (
            "rejects_a_length_beside_identity",
            "Content-Length: 5\r\nTransfer-Encoding: identity",
        ),
        (
            "rejects_a_bad_length_beside_the_coding",
            "Content-Length: x\r\nTransfer-Encoding: chunked",
        ),
        (
            "rejects_a_length_beside_an_empty_coding",
            "Content-Length: 5\r\nTransfer-Encoding:",
        ),
    ]
    .into_iter()
    .map(|(name, fields)| {
        case(name, "RFC 9112 §6.1", post(fields))
            .marker_unreached()
            .refused(400)
    })
    .collect()
}

/// RFC 9112 §6.3: when chunked is not the final coding, the length cannot be determined.
fn not_chunked() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        ("rejects_gzip_alone", "Transfer-Encoding: gzip"),
        ("rejects_identity_alone", "Transfer-Encoding: identity"),
        ("rejects_an_unknown_coding_alone", "Transfer-Encoding: x"),
        ("rejects_chunked_before_gzip", "Transfer-Encoding: chunked, gzip"),
        (
            "rejects_chunked_before_identity",
            "Transfer-Encoding: chunked, identity",
        ),
        (
            "rejects_chunked_before_identity_in_two_lines",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        ),
        ("rejects_chunked_twice", "Transfer-Encoding: chunked, chunked"),
        (
            "rejects_chunked_twice_in_two_lines",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        ),
        ("rejects_an_empty_coding", "Transfer-Encoding:"),
        ("rejects_a_comma_alone", "Transfer-Encoding: ,"),
        ("rejects_a_prefix", "Transfer-Encoding: xchunked"),
        ("rejects_a_suffix", "Transfer-Encoding: chunkedx"),
        ("rejects_a_shortened_name", "Transfer-Encoding: chunk"),
        ("rejects_a_quoted_name", "Transfer-Encoding: \"chunked\""),
        ("rejects_a_name_in_apostrophes", "Transfer-Encoding: 'chunked'"),
        ("rejects_words_without_a_comma", "Transfer-Encoding: gzip chunked"),
        (
            "rejects_a_semicolon_for_a_comma",
            "Transfer-Encoding: identity; chunked",
        ),
        ("rejects_a_leading_vertical_tab", "Transfer-Encoding: \u{b}chunked"),
        ("rejects_a_trailing_vertical_tab", "Transfer-Encoding: chunked\u{b}"),
        ("rejects_a_nul_in_the_coding", "Transfer-Encoding: chun\0ked"),
        ("rejects_a_letter_that_folds_to_k", "Transfer-Encoding: chun\u{212a}ed"),
        ("rejects_a_space_before_the_colon", "Transfer-Encoding : chunked"),
        ("rejects_a_folded_coding", "Transfer-Encoding:\r\n chunked"),
        (
            "rejects_a_bare_cr_before_the_coding",
            "X: y\rTransfer-Encoding: chunked",
        ),
    ]
    .into_iter()
    .map(|(name, fields)| {
        case(name, "RFC 9112 §6.3", post(fields))
            .marker_unreached()
            .refused(400)
    })
    .collect();
    cases.push(
        case(
            "rejects_a_parameter_of_chunked",
            "RFC 9112 §7",
            post("Transfer-Encoding: chunked;q=1"),
        )
        .marker_unreached()
        .refused_any(&[400, 501]),
    );
    cases.push(
        case(
            "rejects_chunked_in_1_0",
            "RFC 9112 §6.1",
            format!("POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{BODY}"),
        )
        .marker_unreached()
        .refused(400),
    );
    cases
}

fn unknown_codings() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        ("does_not_implement_gzip", "Transfer-Encoding: gzip, chunked"),
        ("does_not_implement_deflate", "Transfer-Encoding: deflate, chunked"),
        (
            "does_not_implement_gzip_in_two_lines",
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
        ),
        (
            "does_not_implement_an_unknown_coding",
            "Transfer-Encoding: zstd, chunked",
        ),
        (
            "does_not_implement_two_codings",
            "Transfer-Encoding: gzip, deflate, chunked",
        ),
    ]
    .into_iter()
    .map(|(name, fields)| {
        case(name, "RFC 9112 §6.1", post(fields))
            .marker_unreached()
            .refused(501)
    })
    .collect();
    cases.push(
        case(
            "refuses_identity_before_chunked",
            "RFC 9112 §7 (identity is gone)",
            post("Transfer-Encoding: identity, chunked"),
        )
        .marker_unreached()
        .refused_any(&[400, 501]),
    );
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transfer_encoding_is_read_strictly() {
    let app = TestApp::start().await;
    run_all("transfer_encoding", &app, cases()).await;
    app.stop().await;
}
