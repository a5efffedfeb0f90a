//! The document and the program agree: independent programs read the one and try the other.
//!
//! They need Python's `openapi-spec-validator` and `schemathesis`, and Chromium. Where one is missing its test says on
//! stderr that it is skipped; with `HYPERLANE_TESTS_MUST_NOT_SKIP=1` it fails.

#[path = "support/agreement.rs"]
mod agreement;

use std::process::Command;

use agreement::{Program, assert_agreement, assert_valid_document, run, tool};

fn start() -> Program {
    Program::start(Command::new(env!("CARGO_BIN_EXE_example-openapi")).env("PORT", "0"))
}

#[test]
fn the_document_is_valid_openapi_3_1() {
    let Some(validator) = tool("openapi-spec-validator", "the_document_is_valid_openapi_3_1") else {
        return;
    };
    assert_valid_document(&validator, &start().get("/openapi.json"));
}

#[test]
fn schemathesis_finds_no_difference_between_document_and_behaviour() {
    let test = "schemathesis_finds_no_difference_between_document_and_behaviour";
    let Some(schemathesis) = tool("schemathesis", test) else {
        return;
    };
    let settings = "headers = { Authorization = \"Bearer librarian\" }\n";
    assert_agreement(&schemathesis, &start(), settings, 7);
}

#[test]
fn a_browser_shows_the_operations_under_the_policy_of_the_page() {
    let test = "a_browser_shows_the_operations_under_the_policy_of_the_page";
    let Some(chromium) = tool("chromium", test) else {
        return;
    };
    let example = start();
    let (output, text) = run(Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .args(["--enable-logging=stderr", "--virtual-time-budget=10000", "--dump-dom"])
        .arg(format!("{}/docs", example.url)));
    assert!(output.status.success(), "{text}");
    for shown in ["Finds books", "/books/{id}", "Library"] {
        let broken_for_wrapping = shown.replace('/', "/<wbr>");
        assert!(
            text.contains(shown) || text.contains(&broken_for_wrapping),
            "{shown} in {text}"
        );
    }
    assert!(!text.contains("Content Security Policy"), "{text}");
}
