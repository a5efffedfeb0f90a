//! Running other programs.

use std::process::{Command, Stdio};

use crate::{Failure, workspace};

/// Runs cargo in the root directory with its output shown.
pub(crate) fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> Result<(), Failure> {
    let line = format!("cargo {}", arguments.join(" "));
    let mut command = Command::new("cargo");
    command
        .args(arguments)
        .envs(environment.iter().copied())
        .current_dir(workspace::root());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` failed: {status}")),
        Err(error) => Err(format!("`{line}` could not be started: {error}")),
    }
}

/// Whether cargo takes these arguments; what it prints is not shown.
pub(crate) fn cargo_accepts(arguments: &[&str]) -> bool {
    let mut command = Command::new("cargo");
    command.args(arguments).current_dir(workspace::root());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
