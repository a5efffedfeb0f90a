//! `cargo xtask file-length`: a file is one noun, and a long one is usually two.
//!
//! Source files under `crates/`, `apps/` and `xtask/` have at most [`LIMIT`] lines, tests apart. A
//! file that is better in one piece says so within its first [`REASON_WITHIN`] lines, with the words
//! of [`REASON`] and the reason.

use std::path::{Path, PathBuf};

use crate::{Failure, refuse_arguments, workspace};

const LIMIT: usize = 500;
const REASON_WITHIN: usize = 12;
const REASON: &str = "longer than 500 lines because";

const FOLDERS: &[&str] = &["crates", "apps", "xtask"];
const EXTENSIONS: &[&str] = &["rs", "js", "ts", "css", "html", "sql"];
/// Tests, and what others wrote or programs made.
const SKIPPED: &[&str] = &["tests", "target", "node_modules", "vendor"];

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    refuse_arguments(arguments)?;
    let mut files = Vec::new();
    for folder in FOLDERS {
        let folder = workspace::root().join(folder);
        if folder.is_dir() {
            collect(&folder, &mut files)?;
        }
    }
    let mut faults = Vec::new();
    for file in &files {
        let text = workspace::read(file)?;
        if let Some(lines) = excess(&text) {
            faults.push(format!("{}: {lines} lines", workspace::relative(file)));
        }
    }
    if faults.is_empty() {
        println!("file length: {} files, none is too long", files.len());
        return Ok(());
    }
    Err(format!(
        "files over {LIMIT} lines, tests apart; split them, or write `{REASON} …` within the first \
         {REASON_WITHIN} lines:\n  {}",
        faults.join("\n  ")
    ))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for path in workspace::entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_symlink() || SKIPPED.contains(&&*name) || name == "tests.rs" {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known))
        {
            files.push(path);
        }
    }
    Ok(())
}

/// How many lines a file has, if they are too many and it does not say why.
fn excess(text: &str) -> Option<usize> {
    let lines = lines_without_tests(text);
    let says_why = || text.lines().take(REASON_WITHIN).any(|line| line.contains(REASON));
    (lines > LIMIT && !says_why()).then_some(lines)
}

/// The test module stands at the end of a file; what comes before it is counted.
fn lines_without_tests(text: &str) -> usize {
    let mut lines = text.lines().zip(text.lines().skip(1));
    let tests =
        lines.position(|(line, next)| line == "#[cfg(test)]" && next.starts_with("mod ") && next.ends_with('{'));
    tests.unwrap_or_else(|| text.lines().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_up_to_the_limit() {
        assert_eq!(excess(&"line\n".repeat(LIMIT)), None);
        assert_eq!(excess(&"line\n".repeat(LIMIT + 1)), Some(LIMIT + 1));
    }

    #[test]
    fn leaves_the_test_module_out() {
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "line\n".repeat(LIMIT));
        assert_eq!(lines_without_tests(&format!("one\ntwo\n{tests}")), 2);
        assert_eq!(lines_without_tests("one\n#[cfg(test)]\nmod tests;\nfour\n"), 4);
    }

    #[test]
    fn accepts_a_long_file_that_says_why_near_its_top() {
        let long = "line\n".repeat(LIMIT);
        assert_eq!(excess(&format!("//! {REASON} it is one table.\n{long}")), None);
        assert_eq!(
            excess(&format!(
                "{}//! {REASON} it is.\n{long}",
                "line\n".repeat(REASON_WITHIN)
            )),
            Some(513)
        );
    }
}
