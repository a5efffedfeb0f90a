//! The request line: RFC 9112 §2.2, §2.3 and §3.

use crate::app::TestApp;
use crate::case::{Case, case};
use crate::group::run_all;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = served();
    cases.extend(malformed());
    cases.extend(versions());
    cases.extend(not_http());
    cases
}

fn served() -> Vec<Case> {
    vec![
        case(
            "serves_a_plain_get",
            "RFC 9112 §3",
            "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n",
        )
        .answers(200)
        .body("hello"),
        case("serves_a_head_sent_byte_by_byte", "RFC 9112 §2.2", plain())
            .byte_by_byte()
            .answers(200)
            .body("hello"),
        case(
            "serves_a_request_line_cut_in_its_crlf",
            "RFC 9112 §2.2",
            "GET /hello HTTP/1.1\r",
        )
        .then_send("\nHost: a\r\n\r\n")
        .answers(200)
        .body("hello"),
        case(
            "serves_a_head_cut_in_its_last_crlf",
            "RFC 9112 §2.2",
            &plain()[..plain().len() - 1],
        )
        .then_send("\n")
        .answers(200)
        .body("hello"),
        case(
            "ignores_one_empty_line_before_the_request",
            "RFC 9112 §2.2",
            format!("\r\n{}", plain()),
        )
        .answers(200)
        .body("hello"),
        case("ignores_an_empty_line_that_arrives_alone", "RFC 9112 §2.2", "\r")
            .then_send("\n")
            .then_send(plain())
            .answers(200)
            .body("hello"),
        case(
            "ignores_an_empty_line_after_a_body",
            "RFC 9112 §2.2",
            format!(
                "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi\r\n{}",
                plain()
            ),
        )
        .answers(200)
        .body("hi")
        .answers(200)
        .body("hello"),
    ]
}

fn malformed() -> Vec<Case> {
    let line = |line: &[u8]| [line, b"\r\nHost: a\r\n\r\n"].concat();
    [
        ("rejects_a_leading_space", line(b" GET /hello HTTP/1.1")),
        ("rejects_a_leading_tab", line(b"\tGET /hello HTTP/1.1")),
        ("rejects_two_spaces_after_the_method", line(b"GET  /hello HTTP/1.1")),
        ("rejects_two_spaces_after_the_target", line(b"GET /hello  HTTP/1.1")),
        ("rejects_a_tab_as_separator", line(b"GET\t/hello HTTP/1.1")),
        ("rejects_a_tab_before_the_version", line(b"GET /hello\tHTTP/1.1")),
        ("rejects_a_vertical_tab_as_separator", line(b"GET\x0b/hello HTTP/1.1")),
        ("rejects_a_space_after_the_version", line(b"GET /hello HTTP/1.1 ")),
        ("rejects_a_missing_target", line(b"GET HTTP/1.1")),
        ("rejects_an_empty_target", line(b"GET  HTTP/1.1")),
        ("rejects_a_missing_version", line(b"GET /hello")),
        ("rejects_a_missing_version_after_a_space", line(b"GET /hello ")),
        ("rejects_a_method_alone", line(b"GET")),
        ("rejects_a_fourth_word", line(b"GET /hello HTTP/1.1 HTTP/1.1")),
        ("rejects_a_space_in_the_target", line(b"GET /hello there HTTP/1.1")),
        ("rejects_a_parenthesis_in_the_method", line(b"GE(T /hello HTTP/1.1")),
        ("rejects_a_colon_in_the_method", line(b"GE:T /hello HTTP/1.1")),
        ("rejects_a_slash_in_the_method", line(b"GE/T /hello HTTP/1.1")),
        ("rejects_a_quote_in_the_method", line(b"\"GET\" /hello HTTP/1.1")),
        ("rejects_a_nul_in_the_method", line(b"GE\0T /hello HTTP/1.1")),
        (
            "rejects_bytes_beyond_ascii_in_the_method",
            line(b"G\xc3\x89T /hello HTTP/1.1"),
        ),
        ("rejects_a_bare_cr_in_the_request_line", line(b"GET /hello\r HTTP/1.1")),
        ("rejects_a_bare_cr_as_separator", line(b"GET\r/hello HTTP/1.1")),
        ("rejects_two_cr_before_the_lf", line(b"GET /hello HTTP/1.1\r")),
        (
            "rejects_a_bare_lf_at_the_end",
            b"GET /hello HTTP/1.1\nHost: a\r\n\r\n".to_vec(),
        ),
        (
            "rejects_bare_lfs_throughout",
            b"GET /hello HTTP/1.1\nHost: a\n\n".to_vec(),
        ),
        (
            "rejects_a_bare_lf_before_the_request",
            b"\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        ),
        (
            "rejects_a_bare_cr_before_the_request",
            b"\rGET /hello HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
        ),
        ("rejects_a_header_line_in_its_place", b"Host: a\r\n\r\n".to_vec()),
        ("rejects_a_status_line_in_its_place", line(b"HTTP/1.1 200 OK")),
    ]
    .into_iter()
    .map(|(name, bytes)| case(name, "RFC 9112 §3", bytes).marker_unreached().refused(400))
    .collect()
}

fn versions() -> Vec<Case> {
    let version = |version: &str| format!("GET /hello {version}\r\nHost: a\r\n\r\n");
    let mut cases = vec![
        case("serves_http_1_0_and_closes", "RFC 9112 §9.3", version("HTTP/1.0"))
            .answers(200)
            .body("hello")
            .closes_unannounced(),
        case("serves_http_1_2_as_1_1", "RFC 9110 §2.5", version("HTTP/1.2"))
            .answers(200)
            .body("hello"),
        case("serves_http_1_9_as_1_1", "RFC 9110 §2.5", version("HTTP/1.9"))
            .answers(200)
            .body("hello"),
    ];
    for (name, text) in [
        ("refuses_http_0_9_in_a_full_request", "HTTP/0.9"),
        ("refuses_http_2_0", "HTTP/2.0"),
        ("refuses_http_3_0", "HTTP/3.0"),
        ("refuses_http_9_9", "HTTP/9.9"),
    ] {
        cases.push(
            case(name, "RFC 9110 §15.6.6", version(text))
                .marker_unreached()
                .refused(505),
        );
    }
    for (name, text) in [
        ("rejects_a_major_version_of_two_digits", "HTTP/11.1"),
        ("rejects_a_minor_version_of_two_digits", "HTTP/1.10"),
        ("rejects_a_version_with_a_leading_zero", "HTTP/01.1"),
        ("rejects_a_version_without_minor", "HTTP/1"),
        ("rejects_a_version_with_an_empty_minor", "HTTP/1."),
        ("rejects_a_version_without_major", "HTTP/.1"),
        ("rejects_a_version_of_letters", "HTTP/1.x"),
        ("rejects_a_version_with_a_comma", "HTTP/1,1"),
        ("rejects_a_negative_version", "HTTP/-1.1"),
        ("rejects_a_version_with_a_suffix", "HTTP/1.1a"),
        ("rejects_a_version_in_lower_case", "http/1.1"),
        ("rejects_a_version_with_a_space", "HTTP /1.1"),
        ("rejects_another_protocol", "HTTPS/1.1"),
        ("rejects_a_protocol_without_slash", "HTTP1.1"),
        ("rejects_three_numbers", "HTTP/1.1.1"),
    ] {
        cases.push(
            case(name, "RFC 9112 §2.3", version(text))
                .marker_unreached()
                .refused(400),
        );
    }
    cases
}

fn not_http() -> Vec<Case> {
    vec![
        case(
            "refuses_what_begins_as_the_preface_of_http_2_and_is_none",
            "RFC 9113 §3.4",
            "PRI * HTTP/2.0\r\nHost: a\r\n\r\n",
        )
        .refused_any(&[400, 505]),
        case(
            "refuses_a_tls_client_hello",
            "abuse: TLS on a cleartext port",
            &b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03\r\n\x0d\x0a\xff\xfe\xfd\x00\x01\x02"[..],
        )
        .half_close()
        .refused(400),
        case(
            "refuses_a_simple_http_0_9_request",
            "RFC 9112 §3 (HTTP/0.9 is obsolete)",
            "GET /hello\r\n",
        )
        .half_close()
        .refused(400),
        case("refuses_binary_noise", "abuse: noise", vec![0xff; 4096])
            .half_close()
            .refused_any(&[400, 414]),
        case("refuses_a_flood_of_nul", "abuse: noise", vec![0; 4096])
            .half_close()
            .refused(400),
        case(
            "does_not_swallow_empty_lines_without_end",
            "abuse: 64 KiB of CRLF before a request",
            "\r\n".repeat(32 * 1024),
        )
        .refused_any(&[400, 414, 431]),
    ]
}

fn plain() -> &'static str {
    "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_lines_are_read_strictly() {
    let app = TestApp::start().await;
    run_all("request_line", &app, cases()).await;
    app.stop().await;
}
