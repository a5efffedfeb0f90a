//! The `Host` field: RFC 9112 §3.2 and RFC 9110 §7.2.

use crate::app::TestApp;
use crate::case::{Case, case};
use crate::group::run_all;

pub(crate) fn cases() -> Vec<Case> {
    let host = |value: &str| format!("GET /hello HTTP/1.1\r\nHost:{value}\r\n\r\n");
    let mut cases = vec![
        case("http_1_0_needs_no_host", "RFC 9112 §3.2", "GET /hello HTTP/1.0\r\n\r\n")
            .answers(200)
            .body("hello")
            .closes_unannounced(),
    ];
    for (name, value) in [
        ("accepts_a_name", " example.com"),
        ("accepts_a_name_with_a_port", " example.com:8080"),
        ("accepts_a_name_with_an_empty_port", " example.com:"),
        ("accepts_upper_case", " EXAMPLE.com"),
        ("accepts_a_trailing_dot", " example.com."),
        ("accepts_an_underscore", " my_service"),
        ("accepts_an_ipv4_address", " 127.0.0.1:80"),
        ("accepts_an_ipv6_address", " [2001:db8::1]"),
        ("accepts_an_ipv6_address_with_a_port", " [::1]:8080"),
        ("accepts_white_space_around_the_host", " \t example.com \t "),
        ("accepts_no_white_space_before_the_host", "example.com"),
    ] {
        cases.push(case(name, "RFC 9110 §7.2", host(value)).answers(200).body("hello"));
    }
    for (name, value) in [
        ("rejects_an_empty_host", ""),
        ("rejects_a_host_of_spaces", "   "),
        ("rejects_a_space_within", " a b"),
        ("rejects_a_tab_within", " a\tb"),
        ("rejects_a_path", " a/b"),
        ("rejects_a_query", " a?b"),
        ("rejects_a_fragment", " a#b"),
        ("rejects_a_backslash", " a\\b"),
        ("rejects_user_information", " user@a"),
        ("rejects_a_scheme", " http://a"),
        ("rejects_a_port_of_letters", " a:port"),
        ("rejects_a_negative_port", " a:-1"),
        ("rejects_a_second_port", " a:80:80"),
        ("rejects_a_port_alone", " :80"),
        ("rejects_an_unclosed_bracket", " [::1"),
        ("rejects_text_after_the_bracket", " [::1]a"),
        ("rejects_an_ipv6_address_without_brackets", " ::1"),
        ("rejects_angle_brackets", " <a>"),
        ("rejects_a_quote", " \"a\""),
        ("rejects_a_bad_escape", " %zz"),
        ("rejects_a_name_beyond_ascii", " b\u{fc}cher.example"),
    ] {
        cases.push(case(name, "RFC 9112 §3.2", host(value)).marker_unreached().refused(400));
    }
    for (name, head) in [
        ("rejects_a_missing_host", "GET /hello HTTP/1.1\r\n\r\n"),
        (
            "rejects_a_missing_host_among_other_fields",
            "GET /hello HTTP/1.1\r\nAccept: */*\r\n\r\n",
        ),
        ("rejects_a_missing_host_in_1_2", "GET /hello HTTP/1.2\r\n\r\n"),
        (
            "rejects_a_missing_host_beside_an_absolute_target",
            "GET http://a/hello HTTP/1.1\r\n\r\n",
        ),
        (
            "rejects_two_equal_hosts",
            "GET /hello HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        ),
        (
            "rejects_two_different_hosts",
            "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        ),
        (
            "rejects_two_hosts_in_different_case",
            "GET /hello HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nhOST: b\r\n\r\n",
        ),
        (
            "rejects_two_hosts_beside_an_absolute_target",
            "GET http://a/hello HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        ),
        (
            "rejects_two_hosts_in_1_0",
            "GET /hello HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
        ),
        ("rejects_a_bad_host_in_1_0", "GET /hello HTTP/1.0\r\nHost: a/b\r\n\r\n"),
    ] {
        cases.push(case(name, "RFC 9112 §3.2", head).marker_unreached().refused(400));
    }
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_is_required_once_and_well_formed() {
    let app = TestApp::start().await;
    run_all("host", &app, cases()).await;
    app.stop().await;
}
