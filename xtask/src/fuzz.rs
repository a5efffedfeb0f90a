//! `cargo xtask fuzz [--seconds N] [target…]`: throw bytes at what reads bytes.
//!
//! The targets are the files of `fuzz/fuzz_targets/`. Fuzzing needs a nightly toolchain and
//! `cargo-fuzz`.

use std::path::Path;

use crate::process::{cargo, cargo_accepts};
use crate::{Failure, workspace};

/// Time for each target, in seconds, when none is given.
const DEFAULT_SECONDS: u32 = 60;

pub(crate) fn run(arguments: &[String]) -> Result<(), Failure> {
    let Options {
        seconds,
        targets: wanted,
    } = Options::parse(arguments)?;
    let known = targets(&workspace::root().join("fuzz/fuzz_targets"))?;
    if let Some(unknown) = wanted.iter().find(|target| !known.contains(target)) {
        return Err(format!(
            "there is no fuzz target `{unknown}`; there are: {}",
            known.join(", ")
        ));
    }
    require_tools()?;
    let chosen = if wanted.is_empty() { &known } else { &wanted };
    let time = format!("-max_total_time={seconds}");
    for target in chosen {
        println!("fuzzing {target} for {seconds} s");
        // Without the line for each new input; what a failure prints stays.
        cargo(&["+nightly", "fuzz", "run", target, "--", &time, "-verbosity=0"], &[])?;
    }
    println!("fuzzed {} targets for {seconds} s each, nothing found", chosen.len());
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
struct Options {
    seconds: u32,
    targets: Vec<String>,
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let mut options = Self {
            seconds: DEFAULT_SECONDS,
            targets: Vec::new(),
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            if argument == "--seconds" {
                let seconds = arguments
                    .next()
                    .and_then(|number| number.parse().ok())
                    .filter(|number| *number > 0);
                // 0 would mean "without end" to the fuzzer.
                options.seconds = seconds.ok_or("`--seconds` takes a whole number above 0")?;
            } else if argument.starts_with('-') {
                return Err(format!("unknown option `{argument}`; there is `--seconds N`"));
            } else {
                options.targets.push(argument.clone());
            }
        }
        Ok(options)
    }
}

fn targets(folder: &Path) -> Result<Vec<String>, Failure> {
    let files = if folder.is_dir() {
        workspace::entries(folder)?
    } else {
        Vec::new()
    };
    let sources = files
        .iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "rs"));
    let targets: Vec<String> = sources
        .filter_map(|file| file.file_stem())
        .map(|stem| stem.to_string_lossy().into_owned())
        .collect();
    if targets.is_empty() {
        Err(format!("there are no fuzz targets in {}", workspace::relative(folder)))
    } else {
        Ok(targets)
    }
}

fn require_tools() -> Result<(), Failure> {
    if !cargo_accepts(&["+nightly", "--version"]) {
        return Err("fuzzing needs a nightly toolchain: `rustup toolchain install nightly`".to_owned());
    }
    if !cargo_accepts(&["+nightly", "fuzz", "--version"]) {
        return Err("fuzzing needs cargo-fuzz: `cargo install cargo-fuzz --locked`".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Failure> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&arguments)
    }

    #[test]
    fn takes_time_and_targets_in_any_order() {
        let expected = Options {
            seconds: 5,
            targets: vec!["head".to_owned(), "router".to_owned()],
        };
        assert_eq!(parse("head --seconds 5 router").as_ref(), Ok(&expected));
        assert_eq!(parse("--seconds 5 head router"), Ok(expected));
        assert_eq!(
            parse(""),
            Ok(Options {
                seconds: DEFAULT_SECONDS,
                targets: Vec::new()
            })
        );
    }

    #[test]
    fn refuses_a_time_without_end_and_unknown_options() {
        for line in ["--seconds", "--seconds 0", "--seconds x", "--second 5"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
