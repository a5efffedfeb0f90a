//! The request target: RFC 9112 §3.2 and RFC 3986.

use crate::app::TestApp;
use crate::case::{Case, case};
use crate::group::run_all;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = origin_form();
    cases.extend(absolute_form());
    cases.extend(malformed());
    cases.extend(bad_escapes());
    cases.extend(unusual());
    cases
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn origin_form() -> Vec<Case> {
    let served = |name, target: &str, body: &str| case(name, "RFC 9112 §3.2.1", get(target)).answers(200).body(body);
    vec![
        served("serves_the_root", "/", "root"),
        served("serves_the_root_with_a_query", "/?a=b", "root"),
        served("gives_path_and_query_as_sent", "/raw?a=b&c=%20/?", "/raw a=b&c=%20/?"),
        served("tells_an_empty_query_from_none", "/raw?", "/raw "),
        served("gives_no_query_where_there_is_none", "/raw", "/raw none"),
        served("decodes_a_parameter", "/item/a%20b", "a b"),
        served("decodes_a_parameter_in_lower_case", "/item/%c3%a4", "\u{e4}"),
        served("decodes_a_parameter_in_upper_case", "/item/%C3%A4", "\u{e4}"),
        served("decodes_a_parameter_once", "/item/%2541", "%41"),
        served("an_escaped_slash_does_not_end_a_segment", "/item/a%2Fb", "a/b"),
        served("a_plus_in_a_path_is_a_plus", "/item/a+b", "a+b"),
        served(
            "accepts_every_character_of_a_segment",
            "/item/-._~!$&'()*+,;=:@",
            "-._~!$&'()*+,;=:@",
        ),
        served("parses_a_typed_parameter", "/user/7", "user 7"),
        served("parses_an_escaped_typed_parameter", "/user/%37", "user 7"),
        served("gives_the_rest_of_a_path", "/files/a/b/c.txt", "a/b/c.txt"),
        served("decodes_the_rest_of_a_path", "/files/a%20b/c", "a b/c"),
        served("decodes_a_query_value", "/query?name=a%20b%26c", "a b&c"),
        served("decodes_a_plus_in_a_query_value", "/query?name=a+b", "a b"),
        case(
            "refuses_a_typed_parameter_of_another_type",
            "RFC 9110 §15.5.1",
            get("/user/x"),
        )
        .answers_any(&[400, 404]),
        case(
            "refuses_a_typed_parameter_that_overflows",
            "RFC 9110 §15.5.1",
            get("/user/18446744073709551616"),
        )
        .answers_any(&[400, 404]),
    ]
}

fn absolute_form() -> Vec<Case> {
    let mut cases = vec![
        case("serves_an_absolute_target", "RFC 9112 §3.2.2", get("http://a/hello"))
            .answers(200)
            .body("hello"),
        case(
            "serves_an_absolute_target_with_a_port",
            "RFC 9112 §3.2.2",
            get("http://a:8080/hello"),
        )
        .answers(200)
        .body("hello"),
        case(
            "serves_an_absolute_target_with_a_query",
            "RFC 9112 §3.2.2",
            get("http://a/query?name=b"),
        )
        .answers(200)
        .body("b"),
        case(
            "serves_an_absolute_target_without_path",
            "RFC 9112 §3.2.2",
            get("http://a"),
        )
        .answers(200)
        .body("root"),
        case(
            "serves_an_absolute_target_with_a_query_alone",
            "RFC 9112 §3.2.2",
            get("http://a?b=c"),
        )
        .answers(200)
        .body("root"),
        case("the_scheme_has_no_case", "RFC 3986 §3.1", get("HTTP://a/hello"))
            .answers(200)
            .body("hello"),
        case(
            "serves_an_absolute_target_of_an_ipv6_address",
            "RFC 9112 §3.2.2",
            get("http://[::1]:80/hello"),
        )
        .answers(200)
        .body("hello"),
        case(
            "the_target_wins_over_a_different_host",
            "RFC 9112 §3.2.2",
            get("http://b/hello"),
        )
        .answers(200)
        .body("hello"),
        case(
            "serves_an_absolute_target_to_post",
            "RFC 9112 §3.2.2",
            "POST http://a/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        )
        .marker_reached_after(200, "hello"),
        case(
            "keeps_a_colon_and_slashes_in_a_path",
            "RFC 9112 §3.2.1",
            get("/files/http://b/c"),
        )
        .answers(200)
        .body("http://b/c"),
    ];
    for (name, target) in [
        ("rejects_an_absolute_target_without_authority", "http:///hello"),
        ("rejects_an_absolute_target_without_anything", "http://"),
        ("rejects_an_absolute_target_without_slashes", "http:hello"),
        ("rejects_a_bad_port_in_an_absolute_target", "http://a:b/hello"),
        ("rejects_an_unclosed_bracket_in_an_absolute_target", "http://[::1/hello"),
        ("rejects_a_bad_escape_in_the_authority", "http://%zz/hello"),
    ] {
        cases.push(
            case(name, "RFC 9110 §4.2.1", get(target))
                .marker_unreached()
                .refused(400),
        );
    }
    cases
}

fn malformed() -> Vec<Case> {
    [
        ("rejects_a_fragment", "RFC 9112 §3.2", "/hello#part"),
        ("rejects_an_empty_fragment", "RFC 9112 §3.2", "/hello#"),
        (
            "rejects_a_fragment_in_an_absolute_target",
            "RFC 9110 §4.2.1",
            "http://a/hello#part",
        ),
        ("rejects_a_relative_path", "RFC 9112 §3.2", "hello"),
        ("rejects_a_path_of_dots", "RFC 9112 §3.2", "../hello"),
        ("rejects_a_query_alone", "RFC 9112 §3.2", "?a=b"),
        ("rejects_an_authority_for_get", "RFC 9112 §3.2.3", "a:80"),
        ("rejects_a_nul", "RFC 9112 §3.2", "/item/a\0b"),
        ("rejects_a_control_character", "RFC 9112 §3.2", "/item/a\u{1}b"),
        ("rejects_a_tab", "RFC 9112 §3.2", "/item/a\tb"),
        ("rejects_a_delete", "RFC 9112 §3.2", "/item/a\u{7f}b"),
        ("rejects_a_path_beyond_ascii", "RFC 9112 §3.2", "/item/\u{e4}"),
        ("rejects_a_query_beyond_ascii", "RFC 9112 §3.2", "/query?name=\u{e4}"),
    ]
    .into_iter()
    .map(|(name, source, target)| case(name, source, get(target)).marker_unreached().refused(400))
    .collect()
}

/// Such a path has no meaning, but the message is framed as well as any: the connection goes on.
fn bad_escapes() -> Vec<Case> {
    [
        ("rejects_an_escape_without_digits", "/item/%"),
        ("rejects_an_escape_of_one_digit", "/item/%2"),
        ("rejects_an_escape_of_one_digit_within", "/item/%2/x"),
        ("rejects_an_escape_of_letters", "/item/%zz"),
        ("rejects_an_escape_with_a_sign", "/item/%+1"),
        ("rejects_a_doubled_percent_sign", "/item/%%20"),
        ("rejects_a_unicode_escape", "/item/%u0041"),
    ]
    .into_iter()
    .map(|(name, target)| case(name, "RFC 3986 §2.1", get(target)).answers(400).marker_reached())
    .collect()
}

/// What is well formed but means no route, or is open to the server: never a crash, a hang or a
/// connection out of step.
fn unusual() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        ("does_not_merge_slashes", "//hello"),
        ("does_not_drop_a_trailing_slash", "/hello/"),
        ("paths_have_case", "/Hello"),
        ("an_empty_segment_is_no_parameter", "/item/"),
        ("a_longer_path_is_another_path", "/hello/there"),
        ("a_parameter_is_one_segment", "/item/a/b"),
        ("a_semicolon_is_part_of_the_segment", "/hello;a=b"),
    ]
    .into_iter()
    .map(|(name, target)| case(name, "RFC 3986 §3.3", get(target)).answers(404))
    .collect();
    for (name, source, target) in [
        ("survives_a_dot_segment", "RFC 3986 §5.2.4", "/./hello"),
        ("survives_a_double_dot_segment", "RFC 3986 §5.2.4", "/a/../hello"),
        (
            "survives_escaped_dots",
            "abuse: path traversal",
            "/files/%2e%2e/%2e%2e/etc/passwd",
        ),
        ("survives_an_escaped_nul", "abuse: NUL in a parameter", "/item/a%00b"),
        (
            "survives_escaped_bytes_that_are_no_utf_8",
            "abuse: invalid UTF-8",
            "/item/%ff%fe",
        ),
        (
            "survives_an_escaped_line_break",
            "abuse: line break in a parameter",
            "/item/a%0d%0ab",
        ),
        (
            "survives_an_overlong_utf_8_slash",
            "abuse: overlong UTF-8",
            "/item/..%c0%af",
        ),
        ("survives_a_bad_escape_in_a_query", "RFC 3986 §2.1", "/query?name=%zz"),
        (
            "survives_invalid_utf_8_in_a_query",
            "abuse: invalid UTF-8",
            "/query?name=%ff",
        ),
        (
            "survives_a_backslash",
            "abuse: backslash as separator",
            "/item/..\\..\\x",
        ),
        ("survives_braces", "RFC 3986 §2", "/item/{name}"),
        ("survives_angle_brackets_and_quotes", "RFC 3986 §2", "/item/<\"a\">"),
        ("survives_a_pipe_and_a_caret", "RFC 3986 §2", "/item/a|b^c`d"),
        ("survives_brackets", "RFC 3986 §2", "/item/[a]"),
        (
            "survives_user_information",
            "RFC 9110 §4.2.4",
            "http://user:secret@a/hello",
        ),
        ("survives_another_scheme", "RFC 9112 §3.2.2", "ftp://a/hello"),
    ] {
        cases.push(
            case(name, source, get(target))
                .answers_any(&[200, 400, 404, 421])
                .keeps_or_closes(),
        );
    }
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn targets_are_read_strictly_and_decoded_once() {
    let app = TestApp::start().await;
    run_all("target", &app, cases()).await;
    app.stop().await;
}
