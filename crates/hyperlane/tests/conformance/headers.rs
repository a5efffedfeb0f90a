//! Field lines: RFC 9110 §5 and RFC 9112 §5.

use crate::app::TestApp;
use crate::case::{Case, case};
use crate::group::run_all;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = malformed();
    cases.extend(ends_of_line());
    cases.extend(well_formed());
    cases
}

fn malformed() -> Vec<Case> {
    let with = |line: &[u8]| [b"GET /hello HTTP/1.1\r\nHost: a\r\n", line, b"\r\n\r\n"].concat();
    [
        ("rejects_a_space_before_the_colon", "RFC 9112 §5.1", with(b"X-A : b")),
        ("rejects_a_tab_before_the_colon", "RFC 9112 §5.1", with(b"X-A\t: b")),
        ("rejects_a_folded_value", "RFC 9112 §5.2", with(b"X-A: b\r\n c")),
        (
            "rejects_a_value_folded_with_a_tab",
            "RFC 9112 §5.2",
            with(b"X-A: b\r\n\tc"),
        ),
        (
            "rejects_a_value_that_is_only_folded",
            "RFC 9112 §5.2",
            with(b"X-A:\r\n b"),
        ),
        ("rejects_a_line_of_spaces", "RFC 9112 §5.2", with(b"X-A: b\r\n   ")),
        ("rejects_an_empty_name", "RFC 9110 §5.1", with(b": b")),
        ("rejects_a_line_without_colon", "RFC 9112 §5", with(b"X-A")),
        ("rejects_a_line_with_an_equals_sign", "RFC 9112 §5", with(b"X-A=b")),
        ("rejects_a_space_in_the_name", "RFC 9110 §5.1", with(b"X A: b")),
        ("rejects_a_parenthesis_in_the_name", "RFC 9110 §5.1", with(b"X(A: b")),
        ("rejects_a_slash_in_the_name", "RFC 9110 §5.1", with(b"X/A: b")),
        ("rejects_a_bracket_in_the_name", "RFC 9110 §5.1", with(b"X[A]: b")),
        ("rejects_a_brace_in_the_name", "RFC 9110 §5.1", with(b"X{A}: b")),
        ("rejects_an_at_sign_in_the_name", "RFC 9110 §5.1", with(b"X@A: b")),
        ("rejects_a_semicolon_in_the_name", "RFC 9110 §5.1", with(b"X;A: b")),
        ("rejects_a_comma_in_the_name", "RFC 9110 §5.1", with(b"X,A: b")),
        ("rejects_a_quoted_name", "RFC 9110 §5.1", with(b"\"X\": b")),
        ("rejects_a_backslash_in_the_name", "RFC 9110 §5.1", with(b"X\\A: b")),
        ("rejects_a_nul_in_the_name", "RFC 9110 §5.1", with(b"X\0A: b")),
        (
            "rejects_a_control_character_in_the_name",
            "RFC 9110 §5.1",
            with(b"X\x01A: b"),
        ),
        ("rejects_a_delete_in_the_name", "RFC 9110 §5.1", with(b"X\x7fA: b")),
        (
            "rejects_a_name_beyond_ascii",
            "RFC 9110 §5.1",
            with("X-\u{c4}: b".as_bytes()),
        ),
        ("rejects_a_nul_in_the_value", "RFC 9110 §5.5", with(b"X-A: b\0c")),
        ("rejects_a_bare_cr_in_the_value", "RFC 9110 §5.5", with(b"X-A: b\rc")),
        (
            "rejects_a_bare_cr_at_the_end_of_the_value",
            "RFC 9112 §2.2",
            with(b"X-A: b\r"),
        ),
        (
            "rejects_a_control_character_in_the_value",
            "RFC 9110 §5.5",
            with(b"X-A: b\x01c"),
        ),
        (
            "rejects_a_vertical_tab_in_the_value",
            "RFC 9110 §5.5",
            with(b"X-A: b\x0bc"),
        ),
        ("rejects_a_delete_in_the_value", "RFC 9110 §5.5", with(b"X-A: b\x7fc")),
        (
            "rejects_white_space_before_the_first_field",
            "RFC 9112 §2.2",
            b"GET /hello HTTP/1.1\r\n Host: a\r\n\r\n".to_vec(),
        ),
        (
            "rejects_a_folded_request_line",
            "RFC 9112 §2.2",
            b"GET /hello HTTP/1.1\r\n\tX-A: b\r\nHost: a\r\n\r\n".to_vec(),
        ),
    ]
    .into_iter()
    .map(|(name, source, bytes)| case(name, source, bytes).marker_unreached().refused(400))
    .collect()
}

/// RFC 9112 §2.2 lets a recipient accept a bare LF; this server does not, so that it never sees
/// the end of a line where another server in the chain does not.
fn ends_of_line() -> Vec<Case> {
    [
        (
            "rejects_a_bare_lf_after_a_field",
            "GET /hello HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n",
        ),
        (
            "rejects_a_bare_lf_at_the_end_of_the_head",
            "GET /hello HTTP/1.1\r\nHost: a\r\n\n",
        ),
        (
            "rejects_two_bare_lfs_at_the_end_of_the_head",
            "GET /hello HTTP/1.1\r\nHost: a\n\n",
        ),
        (
            "rejects_a_bare_lf_before_the_last_crlf",
            "GET /hello HTTP/1.1\r\nHost: a\n\r\n",
        ),
        (
            "rejects_a_doubled_cr_at_the_end_of_the_head",
            "GET /hello HTTP/1.1\r\nHost: a\r\n\r\r\n",
        ),
        (
            "rejects_a_doubled_cr_after_a_field",
            "GET /hello HTTP/1.1\r\nHost: a\r\r\n\r\n",
        ),
        ("rejects_lines_ended_by_cr", "GET /hello HTTP/1.1\r\nHost: a\r\r"),
    ]
    .into_iter()
    .map(|(name, head)| case(name, "RFC 9112 §2.2", head).marker_unreached().refused(400))
    .collect()
}

fn well_formed() -> Vec<Case> {
    let with = |line: &[u8]| [b"GET /headers HTTP/1.1\r\nHost: a\r\n", line, b"\r\n\r\n"].concat();
    vec![
        case(
            "trims_white_space_around_a_value",
            "RFC 9112 §5.1",
            with(b"X-A: \t b c \t "),
        )
        .answers(200)
        .contains("x-a=[b c]\n"),
        case("accepts_a_value_right_after_the_colon", "RFC 9112 §5.1", with(b"X-A:b"))
            .answers(200)
            .contains("x-a=[b]\n"),
        case("accepts_an_empty_value", "RFC 9110 §5.5", with(b"X-A:"))
            .answers(200)
            .contains("x-a=[]\n"),
        case("accepts_an_empty_value_of_spaces", "RFC 9110 §5.5", with(b"X-A: \t "))
            .answers(200)
            .contains("x-a=[]\n"),
        case("keeps_a_tab_within_a_value", "RFC 9110 §5.5", with(b"X-A: b\tc"))
            .answers(200)
            .contains("x-a=[b\tc]\n"),
        case(
            "keeps_colons_and_quotes_in_a_value",
            "RFC 9110 §5.5",
            with(b"X-A: b:\"c, d\";e"),
        )
        .answers(200)
        .contains("x-a=[b:\"c, d\";e]\n"),
        case(
            "keeps_utf_8_in_a_value",
            "RFC 9110 §5.5",
            with("X-A: \u{e4}".as_bytes()),
        )
        .answers(200)
        .contains("x-a=[\u{e4}]\n"),
        case(
            "keeps_other_bytes_beyond_ascii_in_a_value",
            "RFC 9110 §5.5",
            with(b"X-A: \xe4\xff"),
        )
        .answers(200)
        .that("body holds the two bytes", |reply| {
            reply.body.windows(8).any(|bytes| bytes == b"x-a=[\xe4\xff]")
        }),
        case(
            "accepts_every_token_character_in_a_name",
            "RFC 9110 §5.6.2",
            with(b"!#$%&'*+-.^_`|~0Az: b"),
        )
        .answers(200)
        .contains("!#$%&'*+-.^_`|~0az=[b]\n"),
        case(
            "keeps_repeated_fields_in_order",
            "RFC 9110 §5.3",
            with(b"X-A: 2\r\nX-B: 0\r\nx-a: 1"),
        )
        .answers(200)
        .contains("x-a=[2]\nx-a=[1]\n"),
        case(
            "finds_a_field_without_regard_to_case",
            "RFC 9110 §5.1",
            "GET /header/X-tHiNg HTTP/1.1\r\nhOsT: a\r\nx-ThInG: found\r\n\r\n",
        )
        .answers(200)
        .body("found"),
        case(
            "serves_fields_sent_byte_by_byte",
            "RFC 9112 §2.2",
            with(b"X-A: b\r\nX-B:\r\nX-C:  d "),
        )
        .byte_by_byte()
        .answers(200)
        .contains("x-a=[b]\nx-b=[]\nx-c=[d]\n"),
        case(
            "serves_a_head_cut_between_name_and_colon",
            "RFC 9112 §2.2",
            "GET /headers HTTP/1.1\r\nHost: a\r\nX-A",
        )
        .then_send(": b\r\n\r\n")
        .answers(200)
        .contains("x-a=[b]\n"),
        case(
            "does_not_answer_before_the_head_is_complete",
            "RFC 9112 §2.1",
            "GET /hello HTTP/1.1\r\nHost: a\r\n",
        )
        .then(crate::probe::Step::Silence(std::time::Duration::from_millis(50)))
        .then_send("\r\n")
        .answers(200)
        .body("hello"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn field_lines_are_read_strictly() {
    let app = TestApp::start().await;
    run_all("headers", &app, cases()).await;
    app.stop().await;
}
