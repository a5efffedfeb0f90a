//! Pipelining: RFC 9112 §9.3.2.

use crate::app::TestApp;
use crate::case::{Case, case};
use crate::group::run_all;
use crate::probe::Step;

const GET: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

pub(crate) fn cases() -> Vec<Case> {
    let mut mixed = String::new();
    let mut mixed_answers = case("answers_a_burst_mixed_with_bodies_in_order", "RFC 9112 §9.3.2", "");
    for round in 0..4 {
        mixed.push_str(&format!("GET /raw?{round} HTTP/1.1\r\nHost: a\r\n\r\n"));
        mixed.push_str("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nsized");
        mixed.push_str(
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
             3\r\nchu\r\n4\r\nnked\r\n0\r\nX: y\r\n\r\n",
        );
        mixed.push_str("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nGET");
        mixed_answers = mixed_answers
            .answers(200)
            .body(format!("/raw {round}"))
            .answers(200)
            .body("sized")
            .answers(200)
            .body("chunked")
            .answers(200)
            .body("ignored");
    }
    vec![
        case("answers_two_requests_in_one_segment", "RFC 9112 §9.3.2", GET.repeat(2))
            .answers(200)
            .body("hello")
            .answers(200)
            .body("hello"),
        serve_many("answers_a_burst_of_16", 16, false),
        serve_many("answers_a_burst_of_200", 200, false),
        mixed_answers.then(Step::Send(mixed.clone().into())),
        case(
            "answers_a_slow_request_before_a_fast_one",
            "RFC 9112 §9.3.2",
            format!("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n{GET}"),
        )
        .answers(200)
        .body("slow")
        .answers(200)
        .body("hello"),
        case(
            "stays_in_step_after_a_head_in_a_pipeline",
            "RFC 9110 §9.3.2",
            format!("{GET}HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n{GET}"),
        )
        .answers(200)
        .answers(200)
        .answering_head()
        .answers(200)
        .body("hello"),
        case(
            "stays_in_step_after_errors_of_routing_in_a_pipeline",
            "RFC 9112 §9.3.2",
            format!("GET /none HTTP/1.1\r\nHost: a\r\n\r\nPUT /hello HTTP/1.1\r\nHost: a\r\n\r\n{GET}"),
        )
        .answers(404)
        .answers(405)
        .answers(200)
        .body("hello"),
        case(
            "stays_in_step_after_204_and_304_in_a_pipeline",
            "RFC 9110 §6.4.1",
            format!("GET /no-content HTTP/1.1\r\nHost: a\r\n\r\nGET /not-modified HTTP/1.1\r\nHost: a\r\n\r\n{GET}"),
        )
        .answers(204)
        .answers(304)
        .answers(200)
        .body("hello"),
        case(
            "stays_in_step_after_streams_in_a_pipeline",
            "RFC 9112 §9.3.2",
            "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2) + GET,
        )
        .answers(200)
        .body("one two three")
        .answers(200)
        .body("one two three")
        .answers(200)
        .body("hello"),
        case(
            "serves_a_pipeline_cut_within_a_request",
            "RFC 9112 §9.3.2",
            format!("{GET}GET /hel"),
        )
        .then_send("lo HTTP/1.1\r\nHost: a\r\n\r\n")
        .answers(200)
        .answers(200)
        .body("hello"),
        case("serves_a_pipeline_sent_byte_by_byte", "RFC 9112 §9.3.2", GET.repeat(3))
            .byte_by_byte()
            .answers(200)
            .answers(200)
            .answers(200)
            .body("hello"),
        case(
            "answers_what_came_before_a_bad_request_in_a_pipeline",
            "RFC 9112 §9.3.2",
            format!("{GET}GET /hello\r\n\r\n"),
        )
        .marker_unreached()
        .answers(200)
        .body("hello")
        .refused(400),
        case(
            "serves_nothing_after_a_request_to_close_in_a_pipeline",
            "RFC 9112 §9.6",
            format!("{GET}GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
        )
        .marker_unreached()
        .answers(200)
        .answers(200)
        .closes(),
        case(
            "serves_the_body_of_the_last_request_before_it_closes",
            "RFC 9112 §9.6",
            "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
        )
        .marker_unreached()
        .answers(200)
        .body("hello")
        .closes(),
    ]
}

/// `count` requests on a connection: each after the answer to the last, or all at once.
pub(crate) fn serve_many(name: &'static str, count: usize, in_turn: bool) -> Case {
    let request = |index: usize| format!("GET /raw?{index} HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut served = case(
        name,
        "RFC 9112 §9.3.2",
        if in_turn { request(0) } else { String::new() },
    );
    let mut burst = String::new();
    for index in 1..count {
        if in_turn {
            served = served
                .then(Step::AwaitReplies(index))
                .then(Step::Send(request(index).into()));
        }
    }
    if !in_turn {
        burst.extend((0..count).map(request));
        served = served.then(Step::Send(burst.into()));
    }
    for index in 0..count {
        served = served.answers(200).body(format!("/raw {index}"));
    }
    served
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipelines_are_answered_in_order() {
    let app = TestApp::start().await;
    run_all("pipeline", &app, cases()).await;
    app.stop().await;
}
