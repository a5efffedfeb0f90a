//! `cargo xtask bench [--quick] [--workload NAME]… [--rate N] [--list] [SERVER…]`: measure the server beside its peers.
//! `cargo xtask bench growth [--quick] [--only AXIS]…`: measure how its cost grows.
//! `cargo xtask bench protocols|scenarios [--quick] [--only NAME]…`: measure other protocols, and the article's scenarios.
//!
//! The harness and the servers are a workspace of their own, `bench/`, so that nothing of theirs is built or locked
//! with ours; `bench/README.md` says what is measured. The arguments go to the harness as they are.

use crate::process::cargo;
use crate::{Failure, workspace};

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let manifest = workspace::root().join("bench/Cargo.toml");
    let manifest = manifest.to_str().ok_or("the repository's path is not UTF-8")?;
    cargo(&command(manifest, arguments), &[])
}

fn command<'a>(manifest: &'a str, arguments: &'a [String]) -> Vec<&'a str> {
    let mut command = vec![
        "run",
        "--quiet",
        "--release",
        "--manifest-path",
        manifest,
        "--package",
        "harness",
        "--",
    ];
    command.extend(arguments.iter().map(String::as_str));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hands_all_arguments_to_the_harness() {
        let arguments = ["--quick".to_owned(), "axum".to_owned()];
        let command = command("bench/Cargo.toml", &arguments);
        assert_eq!(
            command.split(|part| *part == "--").next_back(),
            Some(["--quick", "axum"].as_slice())
        );
    }
}
