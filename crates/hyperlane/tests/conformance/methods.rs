//! Methods: RFC 9110 §9 and §15.5.6.

use crate::app::TestApp;
use crate::case::{Case, case};
use crate::group::run_all;
use crate::reply::{Framing, Reply};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = routed();
    cases.extend(head());
    cases.extend(options());
    cases.extend(not_allowed());
    cases.extend(connect());
    cases
}

fn request(method: &str, target: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn routed() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        ("routes_get", "GET"),
        ("routes_put", "PUT"),
        ("routes_post", "POST"),
        ("routes_delete", "DELETE"),
        ("routes_patch", "PATCH"),
    ]
    .into_iter()
    .map(|(name, method)| {
        case(name, "RFC 9110 §9.1", request(method, "/multi"))
            .answers(200)
            .body(method)
    })
    .collect();
    cases.extend([
        case(
            "routes_an_extension_method",
            "RFC 9110 §9.1",
            request("PROPFIND", "/dav"),
        )
        .answers(200)
        .body("found"),
        case(
            "gives_any_method_to_a_route_for_all",
            "RFC 9110 §9.1",
            request("BREW", "/any"),
        )
        .answers(200)
        .body("any BREW"),
        case("methods_have_case", "RFC 9110 §9.1", request("get", "/any"))
            .answers(200)
            .body("any get"),
        case(
            "accepts_every_token_character_in_a_method",
            "RFC 9110 §9.1",
            request("A!#$%&'*+-.^_`|~9", "/any"),
        )
        .answers(200)
        .body("any A!#$%&'*+-.^_`|~9"),
        case(
            "accepts_a_method_of_32_letters",
            "RFC 9110 §9.1",
            request(&"M".repeat(32), "/any"),
        )
        .answers(200)
        .body(format!("any {}", "M".repeat(32))),
        case(
            "survives_a_method_of_4_kib",
            "abuse: long method",
            request(&"M".repeat(4096), "/any"),
        )
        .answers_any(&[200, 400, 405, 414, 501])
        .keeps_or_closes(),
        case(
            "answers_404_to_any_method_of_an_unknown_path",
            "RFC 9110 §15.5.5",
            request("BREW", "/none"),
        )
        .answers(404),
    ]);
    cases
}

fn head() -> Vec<Case> {
    vec![
        case(
            "answers_head_like_get_without_the_body",
            "RFC 9110 §9.3.2",
            request("HEAD", "/hello"),
        )
        .answers(200)
        .answering_head()
        .field("content-length", "5"),
        case(
            "answers_head_of_a_stream_without_a_body",
            "RFC 9110 §9.3.2",
            request("HEAD", "/stream"),
        )
        .answers(200)
        .answering_head(),
        case(
            "answers_head_of_a_stream_value_without_a_body",
            "RFC 9110 §9.3.2",
            request("HEAD", "/stream-value"),
        )
        .answers(200)
        .answering_head(),
        case(
            "answers_head_of_a_large_body_without_it",
            "RFC 9110 §9.3.2",
            request("HEAD", "/large"),
        )
        .answers(200)
        .answering_head()
        .field("content-length", "1048576"),
        case(
            "answers_head_of_an_endless_stream",
            "RFC 9110 §9.3.2",
            request("HEAD", "/endless"),
        )
        .answers(200)
        .answering_head()
        .marker_reached(),
        case(
            "answers_head_of_an_unknown_path_without_a_body",
            "RFC 9110 §9.3.2",
            request("HEAD", "/none"),
        )
        .answers(404)
        .answering_head(),
        case(
            "answers_head_where_only_post_is_routed",
            "RFC 9110 §15.5.6",
            request("HEAD", "/echo"),
        )
        .answers(405)
        .answering_head()
        .lists("allow", &["POST"]),
        case(
            "prefers_a_route_for_head",
            "RFC 9110 §9.3.2",
            request("HEAD", "/own-head"),
        )
        .answers(200)
        .answering_head()
        .field("x-head", "own"),
        case(
            "answers_head_of_a_204",
            "RFC 9110 §9.3.2",
            request("HEAD", "/no-content"),
        )
        .answers(204)
        .answering_head(),
        case(
            "answers_head_of_a_panic_without_a_body",
            "RFC 9110 §9.3.2",
            request("HEAD", "/panic"),
        )
        .answers(500)
        .answering_head()
        .keeps_or_closes(),
    ]
}

fn options() -> Vec<Case> {
    vec![
        case(
            "tells_the_methods_of_a_path",
            "RFC 9110 §9.3.7",
            request("OPTIONS", "/hello"),
        )
        .answers_any(&[200, 204])
        .lists("allow", &["GET", "HEAD", "OPTIONS"])
        .that("allow holds no POST", |reply| !reply.fields.lists("allow", "POST")),
        case(
            "tells_all_methods_of_a_path",
            "RFC 9110 §9.3.7",
            request("OPTIONS", "/multi"),
        )
        .answers_any(&[200, 204])
        .lists("allow", &["GET", "HEAD", "OPTIONS", "PUT", "POST", "DELETE", "PATCH"]),
        case(
            "tells_an_extension_method",
            "RFC 9110 §9.3.7",
            request("OPTIONS", "/dav"),
        )
        .answers_any(&[200, 204])
        .lists("allow", &["PROPFIND"]),
        case(
            "prefers_a_route_for_options",
            "RFC 9110 §9.3.7",
            request("OPTIONS", "/own-options"),
        )
        .answers(200)
        .body("own"),
        case(
            "answers_options_of_an_unknown_path",
            "RFC 9110 §15.5.5",
            request("OPTIONS", "/none"),
        )
        .answers(404),
        case(
            "answers_options_of_the_whole_server",
            "RFC 9110 §9.3.7",
            request("OPTIONS", "*"),
        )
        .answers_any(&[200, 204]),
        case(
            "answers_options_of_the_whole_server_with_a_body",
            "RFC 9110 §9.3.7",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        )
        .answers_any(&[200, 204])
        .marker_reached(),
        case("refuses_an_asterisk_for_get", "RFC 9112 §3.2.4", request("GET", "*"))
            .marker_unreached()
            .refused(400),
        case(
            "refuses_an_asterisk_with_a_query",
            "RFC 9112 §3.2.4",
            request("OPTIONS", "*?a"),
        )
        .marker_unreached()
        .refused(400),
        case("refuses_two_asterisks", "RFC 9112 §3.2.4", request("OPTIONS", "**"))
            .marker_unreached()
            .refused(400),
    ]
}

fn not_allowed() -> Vec<Case> {
    let allows_get = |reply: &Reply| {
        reply.fields.lists("allow", "GET")
            && reply.fields.lists("allow", "HEAD")
            && !reply.fields.lists("allow", "POST")
            && reply.framing == Framing::Length
    };
    let mut cases: Vec<Case> = [
        ("refuses_post_where_get_is_routed", "POST"),
        ("refuses_put_where_get_is_routed", "PUT"),
        ("refuses_delete_where_get_is_routed", "DELETE"),
        ("refuses_patch_where_get_is_routed", "PATCH"),
        ("refuses_trace", "TRACE"),
        ("refuses_an_unknown_method", "BREW"),
        ("refuses_get_in_lower_case", "get"),
        ("refuses_get_in_mixed_case", "Get"),
    ]
    .into_iter()
    .map(|(name, method)| {
        case(name, "RFC 9110 §15.5.6", request(method, "/hello"))
            .answers(405)
            .that("allow names GET and HEAD only", allows_get)
    })
    .collect();
    cases.extend([
        case(
            "names_all_methods_of_a_path_in_allow",
            "RFC 9110 §10.2.1",
            request("BREW", "/multi"),
        )
        .answers(405)
        .lists("allow", &["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"]),
        case(
            "names_the_only_method_in_allow",
            "RFC 9110 §10.2.1",
            request("GET", "/echo"),
        )
        .answers(405)
        .lists("allow", &["POST"])
        .that("no GET, no HEAD", |reply| {
            !reply.fields.lists("allow", "GET") && !reply.fields.lists("allow", "HEAD")
        }),
        case(
            "does_not_echo_a_trace",
            "RFC 9110 §9.3.8 (cross-site tracing)",
            "TRACE /hello HTTP/1.1\r\nHost: a\r\nCookie: secret=1\r\n\r\n",
        )
        .answers(405)
        .that("the cookie is not in the body", |reply| {
            !String::from_utf8_lossy(&reply.body).contains("secret")
        }),
    ]);
    cases
}

/// RFC 9110 §9.3.6: this server is no proxy. What looks like a tunnel must not be read as HTTP.
fn connect() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        (
            "does_not_implement_connect",
            "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
        ),
        (
            "does_not_implement_connect_to_an_ipv6_address",
            "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n",
        ),
    ]
    .into_iter()
    .map(|(name, bytes)| case(name, "RFC 9110 §9.3.6", bytes).marker_unreached().refused(501))
    .collect();
    for (name, bytes) in [
        (
            "rejects_connect_to_a_path",
            "CONNECT /hello HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        (
            "rejects_connect_to_a_url",
            "CONNECT http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        ("rejects_connect_without_port", "CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n"),
        (
            "rejects_connect_to_an_asterisk",
            "CONNECT * HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
        (
            "rejects_connect_to_a_port_of_letters",
            "CONNECT a:b HTTP/1.1\r\nHost: a\r\n\r\n",
        ),
    ] {
        cases.push(case(name, "RFC 9112 §3.2.3", bytes).marker_unreached().refused(400));
    }
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn methods_are_routed_and_refused() {
    let app = TestApp::start().await;
    run_all("methods", &app, cases()).await;
    app.stop().await;
}
