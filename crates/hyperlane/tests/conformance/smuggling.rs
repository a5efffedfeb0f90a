//! Request smuggling: what one server of a chain takes for a body, another must not take for a
//! request (RFC 9112 §11.2).
//!
//! Each case hides a request for a marker path of its own. The number of answers must be exactly
//! as expected, and the marker must never be hit. The last group is the counter-check: there the
//! hidden request is an honest one, and is served.

use crate::app::TestApp;
use crate::case::{Case, case, marker_request};
use crate::group::run_all;
use crate::probe::Step;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = refused();
    cases.extend(swallowed());
    cases.extend(honest());
    cases
}

fn post(fields: &str, body: &str) -> String {
    format!("POST /echo HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n{body}")
}

/// A message of doubtful framing: one refusal, and nothing behind it is read.
fn refused() -> Vec<Case> {
    let chunked_end = "0\r\n\r\n";
    [
        (
            "cl_te",
            "CL.TE",
            post("Content-Length: 6\r\nTransfer-Encoding: chunked", chunked_end),
        ),
        (
            "te_cl",
            "TE.CL",
            post("Transfer-Encoding: chunked\r\nContent-Length: 4", chunked_end),
        ),
        (
            "te_cl_0",
            "TE.0",
            post("Transfer-Encoding: chunked\r\nContent-Length: 0", chunked_end),
        ),
        ("cl_cl", "CL.CL", post("Content-Length: 0\r\nContent-Length: 44", "")),
        ("cl_cl_list", "CL.CL in a list", post("Content-Length: 0, 44", "")),
        ("cl_plus", "CL with a sign", post("Content-Length: +0", "")),
        ("cl_space", "CL with a space", post("Content-Length: 0 0", "")),
        ("cl_empty", "empty CL", post("Content-Length:", "")),
        ("cl_hex", "CL in hexadecimal", post("Content-Length: 0x0", "")),
        (
            "cl_space_before_colon",
            "CL hidden by a space",
            post("Content-Length : 0", ""),
        ),
        (
            "cl_folded",
            "CL in a folded line",
            post("X: y\r\n Content-Length: 0", ""),
        ),
        (
            "cl_after_bare_cr",
            "CL behind a bare CR",
            post("X: y\rContent-Length: 0", ""),
        ),
        (
            "cl_after_bare_lf",
            "CL behind a bare LF",
            post("X: y\nContent-Length: 0", ""),
        ),
        ("cl_nul", "CL with a NUL", post("Content-Length: 0\0", "")),
        (
            "te_te",
            "TE.TE with one unknown",
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: x", chunked_end),
        ),
        (
            "te_cow",
            "TE.TE with one unknown, a length beside",
            post(
                "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: cow",
                chunked_end,
            ),
        ),
        (
            "te_x_chunked",
            "obscured TE",
            post("Transfer-Encoding: xchunked", chunked_end),
        ),
        (
            "te_quoted",
            "obscured TE",
            post("Transfer-Encoding: \"chunked\"", chunked_end),
        ),
        (
            "te_space_before_colon",
            "obscured TE",
            post("Transfer-Encoding : chunked", chunked_end),
        ),
        (
            "te_tab_before_colon",
            "obscured TE",
            post("Transfer-Encoding\t: chunked", chunked_end),
        ),
        (
            "te_leading_space",
            "obscured TE",
            post(" Transfer-Encoding: chunked", chunked_end),
        ),
        (
            "te_folded",
            "obscured TE",
            post("Transfer-Encoding:\r\n chunked", chunked_end),
        ),
        (
            "te_vertical_tab",
            "obscured TE",
            post("Transfer-Encoding: \u{b}chunked", chunked_end),
        ),
        (
            "te_after_bare_cr",
            "obscured TE",
            post("X: y\rTransfer-Encoding: chunked", chunked_end),
        ),
        (
            "te_after_bare_lf",
            "obscured TE",
            post("X: y\nTransfer-Encoding: chunked", chunked_end),
        ),
        (
            "te_nul",
            "obscured TE",
            post("Transfer-Encoding: chunked\0", chunked_end),
        ),
        ("te_identity", "TE: identity", post("Transfer-Encoding: identity", "")),
        (
            "te_twice",
            "chunked twice",
            post("Transfer-Encoding: chunked, chunked", chunked_end),
        ),
        (
            "te_in_1_0",
            "TE in HTTP/1.0",
            "POST /echo HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\
             Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                .to_owned(),
        ),
        (
            "chunk_size_lf",
            "chunk size ended by LF",
            post("Transfer-Encoding: chunked", "0\n\r\n"),
        ),
        (
            "chunk_ext_lf",
            "TERM.EXT: a chunk extension ended by LF",
            post("Transfer-Encoding: chunked", "5;\nhello\r\n0\r\n\r\n"),
        ),
        (
            "chunk_ext_cr",
            "a chunk extension with a bare CR",
            post("Transfer-Encoding: chunked", "5;\rX\r\nhello\r\n0\r\n\r\n"),
        ),
        (
            "chunk_data_lf",
            "SPILL: chunk data ended by LF",
            post("Transfer-Encoding: chunked", "5\r\nhello\n0\r\n\r\n"),
        ),
        (
            "chunk_data_long",
            "two bytes more than the chunk",
            post("Transfer-Encoding: chunked", "5\r\nhelloXX0\r\n\r\n"),
        ),
        (
            "chunk_size_wraps",
            "a chunk size that wraps to 0",
            post("Transfer-Encoding: chunked", "10000000000000000\r\n\r\n"),
        ),
        (
            "chunk_size_0x0",
            "a chunk size with a prefix",
            post("Transfer-Encoding: chunked", "0x0\r\n\r\n"),
        ),
        (
            "chunk_size_minus",
            "a negative chunk size",
            post("Transfer-Encoding: chunked", "-0\r\n\r\n"),
        ),
        (
            "chunk_end_lf",
            "the last chunk ended by LF",
            post("Transfer-Encoding: chunked", "0\r\n\n"),
        ),
        (
            "trailer_bare_lf",
            "a trailer ended by LF",
            post("Transfer-Encoding: chunked", "0\r\nX: y\n\r\n"),
        ),
        (
            "head_ends_in_bare_lf",
            "a head ended by LF",
            "GET /hello HTTP/1.1\r\nHost: a\r\n\n".to_owned(),
        ),
        ("no_version", "HTTP/0.9 in a pipeline", "GET /hello\r\n\r\n".to_owned()),
        (
            "no_host",
            "a request without Host",
            "GET /hello HTTP/1.1\r\n\r\n".to_owned(),
        ),
    ]
    .into_iter()
    .map(|(name, what, bytes)| case(name, what, bytes).marker_unreached().refused(400))
    .collect()
}

/// The hidden request is the body of an honest one, or comes after the end of the connection.
fn swallowed() -> Vec<Case> {
    let inside = |name: &'static str, head: &str| {
        let length = marker_request(name).len();
        case(
            name,
            "a request within a body",
            format!("{head} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"),
        )
        .marker_unreached()
    };
    let in_chunk = |name: &'static str, path: &str| {
        let request = marker_request(name);
        case(
            name,
            "a request within a chunk",
            format!(
                "POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n",
                request.len()
            ),
        )
        .marker_unreached()
        .then_send("\r\n0\r\n\r\n")
    };
    vec![
        inside("in_a_body_that_is_read", "POST /echo").answers(200),
        inside("in_a_body_that_is_not_read", "POST /ignore")
            .answers(200)
            .body("ignored"),
        inside("in_the_body_of_a_get", "GET /hello").answers(200).body("hello"),
        inside("in_the_body_of_a_head", "HEAD /hello")
            .answers(200)
            .answering_head(),
        inside("in_the_body_of_an_options", "OPTIONS /hello").answers_any(&[200, 204]),
        inside("in_the_body_of_a_404", "POST /none").answers(404),
        inside("in_the_body_of_a_405", "DELETE /hello").answers(405),
        inside("in_the_body_of_a_204", "GET /no-content").answers(204),
        inside("in_the_body_of_a_panic", "GET /panic")
            .answers(500)
            .keeps_or_closes(),
        inside("in_the_body_of_a_stream", "GET /stream")
            .answers(200)
            .body("one two three"),
        in_chunk("in_a_chunk_that_is_read", "/echo").answers(200),
        in_chunk("in_a_chunk_that_is_not_read", "/ignore")
            .answers(200)
            .body("ignored"),
        case(
            "behind_an_unread_body_that_is_broken",
            "a broken body that no handler reads",
            "POST /ignore HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        )
        .marker_unreached()
        .answers_any(&[200, 400])
        .closes_unannounced(),
        case(
            "behind_a_body_that_breaks_while_the_response_streams",
            "a broken body behind the beginning of a response",
            "POST /duplex HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n",
        )
        .then(Step::AwaitBytes(b"one"))
        .then(Step::Send(b"zz\r\n\r\n".to_vec()))
        .marker_unreached()
        .answers(200)
        .body("one")
        .closes_unannounced(),
        case(
            "behind_an_unread_body_over_the_limit",
            "a body over the limit that no handler reads",
            "POST /ignore HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n",
        )
        .marker_unreached()
        .answers_any(&[200, 413])
        .closes(),
        case(
            "behind_a_close",
            "a request after Connection: close",
            "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        )
        .marker_unreached()
        .answers(200)
        .closes(),
        case(
            "behind_a_1_0_request",
            "a request after HTTP/1.0",
            "GET /hello HTTP/1.0\r\n\r\n",
        )
        .marker_unreached()
        .answers(200)
        .closes_unannounced(),
        case(
            "behind_an_unimplemented_coding",
            "a request after an unknown coding",
            post("Transfer-Encoding: gzip, chunked", "0\r\n\r\n"),
        )
        .marker_unreached()
        .refused(501),
        case(
            "behind_a_connect",
            "a request in what would be a tunnel",
            "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
        )
        .marker_unreached()
        .refused(501),
        case(
            "behind_a_broken_http_2_preface",
            "a request after what is nearly the preface of HTTP/2",
            "PRI * HTTP/2.0\r\n\r\nSM\r\nX\r\n",
        )
        .marker_unreached()
        .refused_any(&[400, 505]),
        case(
            "behind_a_refused_expectation",
            "a request in place of the body of a refused expectation",
            post("Expect: x\r\nContent-Length: 5", ""),
        )
        .marker_unreached()
        .refused(417),
    ]
}

/// Shows that the marker works, and that nothing honest is lost.
fn honest() -> Vec<Case> {
    vec![
        case(
            "after_a_get",
            "RFC 9112 §9.3.2",
            "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n",
        )
        .marker_reached_after(200, "hello"),
        case(
            "after_a_sized_body",
            "RFC 9112 §9.3.2",
            post("Content-Length: 5", "hello"),
        )
        .marker_reached_after(200, "hello"),
        case(
            "after_a_chunked_body",
            "RFC 9112 §9.3.2",
            post("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
        )
        .marker_reached_after(200, "hello"),
        case(
            "after_a_head",
            "RFC 9112 §9.3.2",
            "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n",
        )
        .answers(200)
        .answering_head()
        .marker_reached(),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_is_smuggled() {
    let app = TestApp::start().await;
    run_all("smuggling", &app, cases()).await;
    app.stop().await;
}
