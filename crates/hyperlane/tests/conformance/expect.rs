//! `Expect: 100-continue`: RFC 9110 §10.1.1.

use std::time::Duration;

use crate::app::TestApp;
use crate::case::{Case, case, marker_request};
use crate::group::run_all;
use crate::probe::Step;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = continued();
    cases.extend(without_continue());
    cases.extend(refused());
    cases
}

fn head(path: &str, fields: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n{fields}\r\n\r\n")
}

fn continued() -> Vec<Case> {
    let wait = Step::AwaitReplies(1);
    vec![
        case(
            "sends_100_when_the_handler_reads",
            "RFC 9110 §10.1.1",
            head("/echo", "Content-Length: 5"),
        )
        .then(wait.clone())
        .then_send("hello")
        .answers(100)
        .answers(200)
        .body("hello"),
        case(
            "sends_100_in_context_style",
            "RFC 9110 §10.1.1",
            head("/context-echo", "Content-Length: 5"),
        )
        .then(wait.clone())
        .then_send("hello")
        .answers(100)
        .marker_reached_after(200, "hello"),
        case(
            "sends_100_before_a_chunked_body",
            "RFC 9110 §10.1.1",
            head("/echo", "Transfer-Encoding: chunked"),
        )
        .then(wait.clone())
        .then_send("5\r\nhello\r\n0\r\n\r\n")
        .answers(100)
        .answers(200)
        .body("hello"),
        case(
            "compares_the_expectation_without_regard_to_case",
            "RFC 9110 §10.1.1",
            "POST /echo HTTP/1.1\r\nHost: a\r\nexpect: 100-Continue\r\nContent-Length: 5\r\n\r\n",
        )
        .then(wait.clone())
        .then_send("hello")
        .answers(100)
        .answers(200)
        .body("hello"),
        case(
            "sends_100_once_for_a_body_in_parts",
            "RFC 9110 §10.1.1",
            head("/echo", "Content-Length: 5"),
        )
        .then(wait)
        .then_send("he")
        .then_send("llo")
        .answers(100)
        .answers(200)
        .body("hello"),
        case(
            "sends_100_after_the_response_to_the_request_before",
            "RFC 9112 §9.3.2",
            format!(
                "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n{}",
                head("/echo", "Content-Length: 5")
            ),
        )
        .then(Step::AwaitReplies(2))
        .then_send("hello")
        .answers(200)
        .body("slow")
        .answers(100)
        .answers(200)
        .body("hello"),
    ]
}

fn without_continue() -> Vec<Case> {
    let unread = "a_body_that_no_handler_reads_is_no_request";
    let length = format!("Content-Length: {}", marker_request(unread).len());
    vec![
        case(
            "may_omit_100_when_the_body_is_there",
            "RFC 9110 §10.1.1",
            head("/echo", "Content-Length: 5") + "hello",
        )
        .may_answer(&[100])
        .answers(200)
        .body("hello"),
        case(
            "expects_nothing_of_an_empty_body",
            "RFC 9110 §10.1.1",
            head("/echo", "Content-Length: 0"),
        )
        .may_answer(&[100])
        .answers(200)
        .body(""),
        case(
            "expects_nothing_without_a_body",
            "RFC 9110 §10.1.1",
            head("/echo", "X-A: b"),
        )
        .may_answer(&[100])
        .answers(200)
        .body(""),
        case(
            "ignores_the_expectation_of_a_1_0_client",
            "RFC 9110 §10.1.1",
            "POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        )
        .then(Step::Silence(Duration::from_millis(50)))
        .then_send("hello")
        .answers(200)
        .body("hello")
        .closes_unannounced(),
        case(
            "sends_no_100_when_the_handler_does_not_read",
            "RFC 9110 §10.1.1",
            head("/ignore", "Content-Length: 5"),
        )
        .answers(200)
        .body("ignored")
        .closes(),
        case(unread, "RFC 9110 §10.1.1", head("/ignore", &length))
            .marker_unreached()
            .answers(200)
            .body("ignored")
            .keeps_or_closes(),
    ]
}

fn refused() -> Vec<Case> {
    vec![
        case(
            "refuses_an_unknown_route_without_100",
            "RFC 9110 §10.1.1",
            head("/none", "Content-Length: 5"),
        )
        .refused(404),
        case(
            "refuses_a_wrong_method_without_100",
            "RFC 9110 §10.1.1",
            head("/hello", "Content-Length: 5"),
        )
        .refused(405),
        case(
            "refuses_a_body_over_the_limit_without_100",
            "RFC 9110 §10.1.1, §15.5.14",
            head("/echo", "Content-Length: 1000000000"),
        )
        .refused(413),
        case(
            "refuses_bad_framing_without_100",
            "RFC 9112 §6.3",
            head("/echo", "Content-Length: x"),
        )
        .marker_unreached()
        .refused(400),
        case(
            "refuses_both_framings_without_100",
            "RFC 9112 §6.1",
            head("/echo", "Content-Length: 5\r\nTransfer-Encoding: chunked"),
        )
        .marker_unreached()
        .refused(400),
        case(
            "refuses_an_unknown_expectation",
            "RFC 9110 §15.5.18",
            "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 5\r\n\r\n",
        )
        .refused(417),
        case(
            "refuses_an_unknown_expectation_beside_a_known_one",
            "RFC 9110 §15.5.18",
            "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue, x=y\r\nContent-Length: 5\r\n\r\n",
        )
        .refused(417),
        case(
            "refuses_an_expectation_with_a_suffix",
            "RFC 9110 §15.5.18",
            "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continued\r\nContent-Length: 5\r\n\r\n",
        )
        .refused(417),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expectations_are_met_on_demand() {
    let app = TestApp::start().await;
    run_all("expect", &app, cases()).await;
    app.stop().await;
}
