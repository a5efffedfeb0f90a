//! The document of the showcase and the showcase agree: independent programs read the one and try the other.

#[path = "../../../examples/openapi/tests/support/agreement.rs"]
mod agreement;

use std::process::Command;

use agreement::{Program, assert_agreement, assert_valid_document, tool};
use tempfile::TempDir;

/// The program, whose sources take no time, in a folder of its own.
fn start() -> (Program, TempDir) {
    let folder = tempfile::tempdir().expect("there is room");
    let mut command = Command::new(env!("CARGO_BIN_EXE_showcase"));
    command
        .current_dir(&folder)
        .args(["--port", "0", "--scale", "0", "--data-dir", "data"])
        // As many as anybody likes: that too many are refused is tried elsewhere.
        .args(["--writes-per-minute", "1000000"])
        .env("RUST_LOG", "error")
        .env_remove("DATABASE_URL")
        .env_remove("PARTNER_URL");
    (Program::start(&mut command), folder)
}

#[test]
fn the_document_of_the_showcase_is_valid_openapi_3_1() {
    let test = "the_document_of_the_showcase_is_valid_openapi_3_1";
    let Some(validator) = tool("openapi-spec-validator", test) else {
        return;
    };
    let (program, _folder) = start();
    assert_valid_document(&validator, &program.get("/openapi.json"));
}

#[test]
fn schemathesis_finds_no_difference_between_the_showcase_and_its_document() {
    let test = "schemathesis_finds_no_difference_between_the_showcase_and_its_document";
    let Some(schemathesis) = tool("schemathesis", test) else {
        return;
    };
    let (program, _folder) = start();
    // Ten thousand chunks a second apart take three hours: what is sent has no pauses, the rest is as it comes.
    let settings = r#"
[[operations]]
include-path = "/stream"
parameters = { delay_ms = 0 }
"#;
    assert_agreement(&schemathesis, &program, settings, 23);
}
