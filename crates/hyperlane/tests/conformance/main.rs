//! Conformance and abuse: what the HTTP/1.1 server answers to raw bytes.
//!
//! Every case is a line of a table: a name that says the behaviour, the section of the RFC (or the
//! abuse) it comes from, the bytes as they go over the wire, and what must come back. A case runs
//! on a connection of its own, and its result is printed with its name:
//!
//! ```text
//! cargo test -p hyperlane --test conformance -- --nocapture
//! ```
//!
//! The environment variable `HYPERLANE_RUNTIME` chooses what serves the connections: `shared` (the default), `per-core`,
//! or `io-uring` (with `--features io-uring`).
//!
//! A group fails with the report of *all* its failing cases: what was sent, and what came back.
//!
//! | file | holds |
//! |---|---|
//! | `probe.rs` | the raw client: a script of steps, reading while it writes |
//! | `reply.rs` | the strict reader of one response |
//! | `case.rs` | a case: script and expectation |
//! | `verdict.rs` | runs a case and judges it |
//! | `group.rs` | runs a table against one server |
//! | `app.rs` | the application under test |
//! | the others | the tables, one for each subject |
//!
//! Where the RFCs leave a choice, the table states the one that this server has made, which is the
//! stricter.

mod app;
mod capacity;
mod case;
mod chunked;
mod connection;
mod content_length;
mod expect;
mod first_implementation;
mod group;
mod headers;
mod host;
mod http_date;
mod limits;
mod methods;
mod pipeline;
mod probe;
mod reply;
mod request_line;
mod responses;
mod shutdown;
mod smuggling;
mod target;
mod timeouts;
mod trailers;
mod transfer_encoding;
mod verdict;

use std::collections::HashSet;

use case::Case;

/// The number of cases, which only grows: raise it when you add some.
const AT_LEAST: usize = 747;

fn groups() -> Vec<(&'static str, Vec<Case>)> {
    vec![
        ("request_line", request_line::cases()),
        ("host", host::cases()),
        ("headers", headers::cases()),
        ("content_length", content_length::cases()),
        ("transfer_encoding", transfer_encoding::cases()),
        ("chunked", chunked::cases()),
        ("trailers", trailers::cases()),
        ("expect", expect::cases()),
        ("connection", connection::cases()),
        ("pipeline", pipeline::cases()),
        ("methods", methods::cases()),
        ("target", target::cases()),
        ("responses", responses::cases()),
        ("limits", limits::default_cases()),
        ("limits (configured)", limits::configured_cases()),
        ("smuggling", smuggling::cases()),
        ("first_implementation", first_implementation::cases()),
        ("timeouts", timeouts::cases()),
        ("timeouts (handler)", timeouts::handler_cases()),
        ("timeouts (rate)", timeouts::rate_cases()),
    ]
}

#[test]
fn the_number_of_cases_only_grows() {
    let total: usize = groups().iter().map(|(_, cases)| cases.len()).sum();
    println!("{total} cases");
    assert!(total >= AT_LEAST, "{total} cases instead of at least {AT_LEAST}");
}

#[test]
fn every_case_has_a_name_of_its_own_a_source_and_an_expectation() {
    for (group, cases) in groups() {
        let mut names = HashSet::new();
        for case in cases {
            assert!(names.insert(case.name), "{group}::{} is there twice", case.name);
            let known = ["RFC ", "abuse: ", "limit: ", "first implementation: "];
            let sourced = known.iter().any(|start| case.source.starts_with(start)) || group == "smuggling";
            assert!(sourced, "{group}::{} names no source: {}", case.name, case.source);
            assert!(case.expects_something(), "{group}::{} expects nothing", case.name);
        }
    }
}
