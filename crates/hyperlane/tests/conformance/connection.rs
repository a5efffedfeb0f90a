//! The life of a connection: RFC 9112 §9.

use std::time::Duration;

use crate::app::TestApp;
use crate::case::{Case, case};
use crate::group::run_all;
use crate::pipeline;
use crate::probe::Step;
use crate::reply::Framing;

const GET: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = persistence();
    cases.extend(version_1_0());
    cases.extend(half_closes());
    cases.extend(unread_bodies());
    cases.extend(upgrades());
    cases
}

fn get(field: &str) -> String {
    format!("GET /hello HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n")
}

fn persistence() -> Vec<Case> {
    let mut cases = vec![
        case("keeps_the_connection_by_default", "RFC 9112 §9.3", GET)
            .answers(200)
            .that("no close", |reply| !reply.announces_close()),
        case(
            "keeps_the_connection_on_keep_alive",
            "RFC 9112 §9.3",
            get("Connection: keep-alive"),
        )
        .answers(200),
        case(
            "keeps_the_connection_for_an_unknown_option",
            "RFC 9110 §7.6.1",
            get("Connection: x-option"),
        )
        .answers(200),
        case(
            "keeps_the_connection_for_a_longer_word",
            "RFC 9110 §7.6.1",
            get("Connection: closed, no-close"),
        )
        .answers(200),
        case(
            "keeps_the_connection_after_a_404",
            "RFC 9112 §9.3",
            "GET /none HTTP/1.1\r\nHost: a\r\n\r\n",
        )
        .answers(404)
        .that("no close", |reply| !reply.announces_close()),
        case(
            "keeps_the_connection_after_a_405",
            "RFC 9112 §9.3",
            "PUT /hello HTTP/1.1\r\nHost: a\r\n\r\n",
        )
        .answers(405)
        .that("no close", |reply| !reply.announces_close()),
        pipeline::serve_many("serves_fifty_requests_one_after_another", 50, true),
    ];
    for (name, field) in [
        ("closes_on_request", "Connection: close"),
        ("closes_on_request_in_upper_case", "CONNECTION: CLOSE"),
        ("closes_on_request_in_a_list", "Connection: x-option, close"),
        (
            "closes_on_request_in_a_list_without_spaces",
            "Connection: close,x-option",
        ),
        (
            "closes_on_request_in_a_second_line",
            "Connection: x-option\r\nConnection: close",
        ),
        ("closes_when_both_are_asked_for", "Connection: keep-alive, close"),
        ("closes_on_request_after_empty_members", "Connection: , ,close"),
    ] {
        cases.push(
            case(name, "RFC 9112 §9.6", get(field))
                .marker_unreached()
                .answers(200)
                .body("hello")
                .closes(),
        );
    }
    cases
}

fn version_1_0() -> Vec<Case> {
    vec![
        case(
            "closes_after_a_1_0_request",
            "RFC 9112 §9.3",
            "GET /hello HTTP/1.0\r\nHost: a\r\n\r\n",
        )
        .marker_unreached()
        .answers(200)
        .body("hello")
        .closes_unannounced(),
        case(
            "closes_after_a_1_0_request_that_says_close",
            "RFC 9112 §9.3",
            "GET /hello HTTP/1.0\r\nHost: a\r\nConnection: close\r\n\r\n",
        )
        .answers(200)
        .closes_unannounced(),
        case(
            "tells_a_1_0_client_that_asks_whether_it_keeps_the_connection",
            "RFC 9112 §9.3",
            "GET /hello HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
        )
        .answers(200)
        .that("keep-alive or close", |reply| {
            reply.announces_close() != reply.fields.lists("connection", "keep-alive")
        })
        .keeps_or_closes(),
        case(
            "streams_to_a_1_0_client_until_the_close",
            "RFC 9112 §6.1",
            "GET /stream HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
        )
        .answers(200)
        .framed(Framing::UntilClose)
        .no_field("transfer-encoding")
        .body("one two three")
        .closes_unannounced(),
        case(
            "reads_the_body_of_a_1_0_request",
            "RFC 9112 §6.3",
            "POST /echo HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello",
        )
        .answers(200)
        .body("hello")
        .closes_unannounced(),
        case(
            "answers_a_1_0_head_without_a_body",
            "RFC 9110 §9.3.2",
            "HEAD /hello HTTP/1.0\r\n\r\n",
        )
        .answers(200)
        .answering_head()
        .closes_unannounced(),
    ]
}

fn half_closes() -> Vec<Case> {
    vec![
        case("answers_a_client_that_has_half_closed", "RFC 9112 §9.5", GET)
            .half_close()
            .answers(200)
            .body("hello")
            .closes_unannounced(),
        case(
            "answers_slowly_a_client_that_has_half_closed",
            "RFC 9112 §9.5",
            "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n",
        )
        .half_close()
        .answers(200)
        .body("slow")
        .closes_unannounced(),
        case(
            "streams_to_a_client_that_has_half_closed",
            "RFC 9112 §9.5",
            "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n",
        )
        .half_close()
        .answers(200)
        .body("one two three")
        .closes_unannounced(),
        case(
            "answers_a_body_before_a_half_close",
            "RFC 9112 §9.5",
            "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        )
        .half_close()
        .answers(200)
        .body("hello")
        .closes_unannounced(),
        case(
            "answers_a_whole_pipeline_before_a_half_close",
            "RFC 9112 §9.5",
            GET.repeat(4),
        )
        .half_close()
        .answers(200)
        .answers(200)
        .answers(200)
        .answers(200)
        .body("hello")
        .closes_unannounced(),
        case("closes_silently_when_nothing_was_sent", "RFC 9112 §9.5", "")
            .half_close()
            .closes_unannounced(),
        case("closes_silently_after_a_late_half_close", "RFC 9112 §9.5", GET)
            .then(Step::AwaitReplies(1))
            .then(Step::Pause(Duration::from_millis(10)))
            .half_close()
            .answers(200)
            .closes_unannounced(),
        case(
            "does_not_serve_a_head_cut_short",
            "RFC 9112 §8",
            "GET /hello HTTP/1.1\r\nHost: a\r\n",
        )
        .half_close()
        .dropped(&[400, 408]),
        case("does_not_serve_a_request_line_cut_short", "RFC 9112 §8", "GET /hello")
            .half_close()
            .dropped(&[400, 408]),
    ]
}

fn unread_bodies() -> Vec<Case> {
    let mebibyte = vec![b'x'; 1 << 20];
    let ignored = |length: usize| format!("POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
    let large = [ignored(1 << 20).as_bytes(), &mebibyte].concat();
    let refused = [
        b"POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n",
        &mebibyte[..],
    ]
    .concat();
    vec![
        case(
            "drains_a_small_body_that_no_handler_reads",
            "RFC 9112 §9.3",
            ignored(1000) + &"x".repeat(1000),
        )
        .marker_reached_after(200, "ignored"),
        case("delivers_the_answer_beside_a_large_unread_body", "RFC 9112 §9.6", large)
            .answers(200)
            .body("ignored")
            .keeps_or_closes(),
        case("delivers_a_404_beside_a_large_unread_body", "RFC 9112 §9.6", refused)
            .answers(404)
            .keeps_or_closes(),
    ]
}

/// RFC 9110 §7.8: a server may ignore `Upgrade`, and answers in the protocol it has.
fn upgrades() -> Vec<Case> {
    [
        (
            "ignores_an_unknown_upgrade",
            "Connection: upgrade\r\nUpgrade: x-protocol/1",
        ),
        (
            "ignores_an_upgrade_to_h2c",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
        ),
        (
            "ignores_a_websocket_upgrade_of_an_ordinary_route",
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ),
        ("ignores_an_upgrade_without_the_connection_option", "Upgrade: websocket"),
        (
            "ignores_the_settings_of_keep_alive",
            "Connection: keep-alive\r\nKeep-Alive: timeout=5, max=1",
        ),
    ]
    .into_iter()
    .map(|(name, fields)| case(name, "RFC 9110 §7.8", get(fields)).marker_reached_after(200, "hello"))
    .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_persist_and_end_as_announced() {
    let app = TestApp::start().await;
    run_all("connection", &app, cases()).await;
    app.stop().await;
}
