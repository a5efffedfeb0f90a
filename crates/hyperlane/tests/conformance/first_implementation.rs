//! The mistakes of the first implementation that concern HTTP, one proof for each.
//!
//! Other groups test the same rules in depth; this one says, item by item, that none has come back.

use std::time::Duration;

use hyperlane::{Server, ServerConfig};

use crate::app::TestApp;
use crate::case::{Case, case};
use crate::group::run_all;
use crate::probe::{Probe, Step};
use crate::reply::Framing;

pub(crate) fn cases() -> Vec<Case> {
    let post = |fields: &str, body: &str| format!("POST /echo HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{body}");
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    vec![
        case(
            "head_lines_are_bounded",
            "first implementation: unbounded head lines",
            format!("GET /hello HTTP/1.1\r\nHost: a\r\nX: {}", "a".repeat(1 << 20)),
        )
        .refused(431),
        case(
            "a_slow_head_runs_out_of_time",
            "first implementation: no time-outs",
            "GET /hello HTTP/1.1\r\nHost: a\r\n",
        )
        .refused(408),
        case(
            "a_slow_body_runs_out_of_time",
            "first implementation: no time-outs",
            post("Content-Length: 5", "hell"),
        )
        .refused(408),
        case(
            "an_idle_connection_runs_out_of_time",
            "first implementation: no time-outs",
            get("/hello"),
        )
        .answers(200)
        .closes_unannounced(),
        case(
            "the_last_of_several_lengths_does_not_win",
            "first implementation: the last of several lengths wins",
            post("Content-Length: 0\r\nContent-Length: 5", "hello"),
        )
        .marker_unreached()
        .refused(400),
        case(
            "a_bad_length_does_not_count_as_0",
            "first implementation: a bad length counts as 0",
            post("Content-Length: 5x", ""),
        )
        .marker_unreached()
        .refused(400),
        case(
            "a_transfer_coding_is_not_ignored",
            "first implementation: Transfer-Encoding ignored",
            post("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
        )
        .marker_reached_after(200, "hello"),
        case(
            "a_transfer_coding_beside_a_length_is_not_ignored",
            "first implementation: Transfer-Encoding ignored (smuggling)",
            post("Content-Length: 0\r\nTransfer-Encoding: chunked", "0\r\n\r\n"),
        )
        .marker_unreached()
        .refused(400),
        case(
            "the_read_buffer_outlives_a_request",
            "first implementation: pipelined bytes lost",
            get("/hello").repeat(8),
        )
        .answers_times(8, 200)
        .marker_reached(),
        case(
            "the_read_buffer_outlives_a_part_of_a_request",
            "first implementation: pipelined bytes lost",
            get("/hello") + "GET /hel",
        )
        .then_send("lo HTTP/1.1\r\nHost: a\r\n\r\n")
        .answers(200)
        .answers(200)
        .body("hello"),
        case(
            "the_server_can_write_while_it_reads",
            "first implementation: the stream locked while reading",
            "POST /duplex HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n",
        )
        .then(Step::AwaitBytes(b"one"))
        .then(Step::Send(b"3\r\ntwo\r\n".to_vec()))
        .then(Step::AwaitBytes(b"two"))
        .then(Step::Send(b"0\r\n\r\n".to_vec()))
        .answers(200)
        .framed(Framing::Chunked)
        .body("onetwo"),
        case(
            "no_length_is_added_beside_a_coding",
            "first implementation: a Content-Length always added",
            get("/stream-chunked-by-hand"),
        )
        .answers(200)
        .framed(Framing::Chunked)
        .no_field("content-length")
        .body("one two"),
        case(
            "no_length_is_added_to_a_204",
            "first implementation: a Content-Length always added",
            get("/no-content"),
        )
        .answers(204)
        .no_field("content-length"),
        case(
            "the_status_is_200_by_default",
            "first implementation: status 0 by default",
            get("/nothing"),
        )
        .answers(200),
        case(
            "paths_are_decoded",
            "first implementation: no percent-decoding",
            get("/item/%E2%82%AC%20x"),
        )
        .answers(200)
        .body("\u{20ac} x"),
        case(
            "queries_are_decoded",
            "first implementation: no percent-decoding",
            get("/query?name=%E2%82%AC+x"),
        )
        .answers(200)
        .body("\u{20ac} x"),
        case(
            "names_of_fields_have_no_case",
            "first implementation: header look-ups case-sensitive",
            "GET /header/X-Thing HTTP/1.1\r\nHOST: a\r\nx-tHING: found\r\n\r\n",
        )
        .answers(200)
        .body("found"),
        case(
            "the_length_is_found_in_any_case",
            "first implementation: header look-ups case-sensitive",
            post("cOnTeNt-LeNgTh: 5", "hello"),
        )
        .marker_reached_after(200, "hello"),
        case(
            "a_value_cannot_add_a_line",
            "first implementation: CR/LF injection",
            get("/inject-value"),
        )
        .answers(500)
        .no_field("set-cookie")
        .keeps_or_closes(),
        case(
            "a_name_cannot_add_a_line",
            "first implementation: CR/LF injection",
            get("/inject-name"),
        )
        .answers(500)
        .no_field("set-cookie")
        .keeps_or_closes(),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mistake_of_the_first_implementation_has_come_back() {
    let config = ServerConfig::new();
    let short = Duration::from_millis(300);
    config.head_timeout(short).body_timeout(short).idle_timeout(short);
    let app = TestApp::start_with(config).await;
    run_all("first_implementation", &app, cases()).await;
    app.stop().await;
}

/// First implementation: duplicate routes panic.
#[tokio::test]
async fn duplicate_routes_are_an_error_of_run() {
    let server = Server::new();
    server.config(ServerConfig::new().port(0));
    server
        .get("/twice/{a}", async || "first")
        .get("/twice/{a}", async || "second");
    let error = server.run().await.expect_err("two handlers for one route");
    let text = error.to_string();
    assert!(text.contains("/twice/{a}"), "the route is not named: {text}");
}

/// First implementation: duplicate routes panic, also when only the parameters' names differ.
#[tokio::test]
async fn conflicting_routes_are_an_error_of_run_that_names_both() {
    let server = Server::new();
    server.config(ServerConfig::new().port(0));
    server
        .get("/clash/{a}", async || "first")
        .get("/clash/{b}", async || "second");
    let error = server.run().await.expect_err("two handlers for one route");
    let text = error.to_string();
    for pattern in ["/clash/{a}", "/clash/{b}"] {
        assert!(text.contains(pattern), "{pattern} is not named: {text}");
    }
}

/// First implementation: memory of `Content-Length` taken before the body is read.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_announced_length_takes_no_memory() {
    const CLIENTS: usize = 16;
    const ANNOUNCED: u64 = 16 << 30;
    let config = ServerConfig::new();
    config.body_limit(1 << 40);
    let app = TestApp::start_with(config).await;
    let before = address_space();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = Probe::connect(app.addr(), Vec::new())
            .await
            .expect("the server listens");
        client
            .send(
                format!(
                    "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\
                     Content-Length: {ANNOUNCED}\r\n\r\n"
                )
                .as_bytes(),
            )
            .await;
        // The interim response shows that the handler has begun to read.
        client.read_until(|client| !client.replies.is_empty()).await;
        assert_eq!(client.replies.first().map(|reply| reply.status), Some(100));
        client.send(b"x").await;
        clients.push(client);
    }
    let grown = address_space().saturating_sub(before);
    // Threads of other tests reserve address space at the same time, but not as much as this.
    assert!(
        grown < ANNOUNCED,
        "{CLIENTS} clients that sent one byte each took {grown} bytes"
    );
    drop(clients);
    app.stop().await;
}

/// The address space of this process in bytes: it grows also with memory that is not touched yet.
#[cfg(target_os = "linux")]
fn address_space() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has /proc");
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmSize:"))
        .and_then(|size| size.trim().strip_suffix(" kB"))
        .and_then(|size| size.parse::<u64>().ok())
        .expect("VmSize is a number of kB")
        * 1024
}
