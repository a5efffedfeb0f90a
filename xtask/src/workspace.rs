//! Where the files of the workspace are.

use std::path::{Path, PathBuf};
use std::{env, fs};

use crate::Failure;

/// The root directory of the workspace.
pub(crate) fn root() -> PathBuf {
    // Cargo tells a program that it runs where the package is. What it told the compiler may be
    // another checkout, if two of them share a target directory.
    let xtask = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let mut root = PathBuf::from(xtask);
    root.pop();
    root
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |target| root().join(target))
}

/// What is in a directory, sorted, so that every run reports in the same order.
pub(crate) fn entries(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error| format!("cannot read {}: {error}", directory.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    Ok(paths)
}

/// The text of a file.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// A path as a person in the root directory would write it.
pub(crate) fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
