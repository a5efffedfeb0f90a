//! The programs that walk through the script.

mod chromium;
mod curl;
mod httpx;
mod nghttp;

pub(crate) use chromium::Chromium;
pub(crate) use curl::Curl;
pub(crate) use httpx::Httpx;
pub(crate) use nghttp::Nghttp;

use std::collections::HashMap;
use std::process::{Command, Output};

/// What it printed; it must have succeeded.
fn output(command: &mut Command) -> Output {
    let output = command
        .env("NO_PROXY", "localhost,127.0.0.1")
        .output()
        .expect("it is there");
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Fields as `name: value` in lines.
fn headers<'a>(lines: impl Iterator<Item = &'a str>) -> HashMap<String, String> {
    let fields = lines.filter_map(|line| line.split_once(": "));
    fields
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect()
}
