//! One script of requests, made by curl, nghttp, Python's httpx and Chromium over every protocol that each of them speaks.
//!
//! Where one is missing its tests say on stderr that they are skipped; with `HYPERLANE_TESTS_MUST_NOT_SKIP=1` they fail.

mod clients;
mod program;
mod script;

use clients::{Chromium, Curl, Httpx, Nghttp};
use program::{Program, tool};
use script::{check, steps};

#[test]
fn curl_over_http_1_1_in_the_clear() {
    let Some(curl) = tool("curl", "curl_over_http_1_1_in_the_clear") else {
        return;
    };
    let program = Program::start();
    let result = Curl::new(curl, "--http1.1").run(&program.clear(), &program);
    check(&result, "HTTP/1.1 in the clear");
}

#[test]
fn curl_over_http_1_1_with_tls() {
    let Some(curl) = tool("curl", "curl_over_http_1_1_with_tls") else {
        return;
    };
    let program = Program::start();
    let result = Curl::new(curl, "--http1.1").run(&program.secure(), &program);
    check(&result, "HTTP/1.1 over TLS");
}

#[test]
fn curl_over_http_2_with_prior_knowledge() {
    let Some(curl) = tool("curl", "curl_over_http_2_with_prior_knowledge") else {
        return;
    };
    let program = Program::start();
    let result = Curl::new(curl, "--http2-prior-knowledge").run(&program.clear(), &program);
    check(&result, "HTTP/2.0 in the clear");
}

#[test]
fn curl_over_http_2_chosen_by_alpn() {
    let Some(curl) = tool("curl", "curl_over_http_2_chosen_by_alpn") else {
        return;
    };
    let program = Program::start();
    let result = Curl::new(curl, "--http2").run(&program.secure(), &program);
    check(&result, "HTTP/2.0 over TLS");
}

/// Few builds of curl have HTTP/3; those that have it take part.
#[test]
fn curl_over_http_3_where_it_was_built_in() {
    let Some(curl) = tool("curl", "curl_over_http_3_where_it_was_built_in") else {
        return;
    };
    if !Curl::knows_http_3(&curl) {
        program::note("curl_over_http_3_where_it_was_built_in: this curl was built without HTTP/3; Chromium does it");
        return;
    }
    let program = Program::start();
    let result = Curl::new(curl, "--http3-only").run(&program.secure(), &program);
    check(&result, "HTTP/3.0 over TLS");
}

#[test]
fn nghttp_over_http_2_with_prior_knowledge() {
    let Some(nghttp) = tool("nghttp", "nghttp_over_http_2_with_prior_knowledge") else {
        return;
    };
    let program = Program::start();
    check(&Nghttp::new(nghttp).run(&program.clear()), "HTTP/2.0 in the clear");
}

#[test]
fn nghttp_over_http_2_chosen_by_alpn() {
    let Some(nghttp) = tool("nghttp", "nghttp_over_http_2_chosen_by_alpn") else {
        return;
    };
    let program = Program::start();
    check(&Nghttp::new(nghttp).run(&program.secure()), "HTTP/2.0 over TLS");
}

#[test]
fn httpx_over_each_version_in_the_clear_and_over_tls() {
    let Some(httpx) = Httpx::find("httpx_over_each_version_in_the_clear_and_over_tls") else {
        return;
    };
    let program = Program::start();
    for (base, version, seen) in [
        (program.clear(), "1.1", "HTTP/1.1 in the clear"),
        (program.secure(), "1.1", "HTTP/1.1 over TLS"),
        (program.clear(), "2", "HTTP/2.0 in the clear"),
        (program.secure(), "2", "HTTP/2.0 over TLS"),
    ] {
        check(&httpx.run(&base, version, &program), seen);
    }
}

#[test]
fn chromium_over_http_1_1_with_events_and_a_websocket() {
    let Some(chromium) = tool("chromium", "chromium_over_http_1_1_with_events_and_a_websocket") else {
        return;
    };
    let program = Program::start();
    let result = Chromium::new(chromium).run(&program.clear(), &program, &[]);
    check(&result, "HTTP/1.1 in the clear");
    assert!(result.answers.iter().all(|answer| answer.protocol == "http/1.1"));
    result.check_events_and_websocket();
}

#[test]
fn chromium_over_http_2_with_events_and_a_websocket() {
    let Some(chromium) = tool("chromium", "chromium_over_http_2_with_events_and_a_websocket") else {
        return;
    };
    let program = Program::start();
    let result = Chromium::new(chromium).run(&program.secure(), &program, &["--disable-quic"]);
    check(&result, "HTTP/2.0 over TLS");
    assert!(result.answers.iter().all(|answer| answer.protocol == "h2"));
    result.check_events_and_websocket();
}

#[test]
fn chromium_over_http_3_with_events_and_a_websocket() {
    let Some(chromium) = tool("chromium", "chromium_over_http_3_with_events_and_a_websocket") else {
        return;
    };
    let program = Program::start();
    let force = format!(
        "--origin-to-force-quic-on={}",
        program.secure().trim_start_matches("https://")
    );
    let result = Chromium::new(chromium).run(&program.secure(), &program, &["--enable-quic", &force]);
    check(&result, "HTTP/3.0 over TLS");
    assert!(result.answers.iter().all(|answer| answer.protocol == "h3"));
    result.check_events_and_websocket();
}

#[test]
fn the_script_has_something_of_everything() {
    let methods: Vec<String> = steps().into_iter().map(|step| step.method).collect();
    for method in ["GET", "HEAD", "POST", "DELETE"] {
        assert!(methods.iter().any(|known| known == method), "{method}");
    }
}
