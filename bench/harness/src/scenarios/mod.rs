//! The article's four scenarios, with and without async: `cargo xtask bench scenarios`.
//!
//! Each [`Case`] is one way to load one scenario. Its [contestants](contestant) take turns in several rounds, each started
//! anew in a folder of its own and verified before it is measured. What comes of it goes to `scenarios.json`,
//! `SCENARIOS.md` and a picture for each scenario as soon as a case is over; an interrupted run keeps what it has measured.

mod case;
mod chat;
mod contestant;
mod data;
mod files;
mod headline;
mod import;
mod measure;
mod page;
mod partner;
mod photo;
mod picture;
mod stage;
mod uploads;
mod verify;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::progress::Progress;
use crate::{Failure, folder, raise_descriptor_limit, write_file, wrk};

use case::{CASES, Case};
use data::Scenarios;
use stage::Stage;

const USAGE: &str = "\
usage: cargo xtask bench scenarios [--quick] [--only NAME]… [--large GIB] [--output FOLDER]

  --quick          one short round: to see that all works
  --only NAME      a scenario (aggregation, uploads, real-time, batch) or a case of the README; may be repeated
  --large GIB      the size of the large upload (1)
  --output FOLDER  where the results go (`bench/`)
";

/// What the person who runs it wants.
#[derive(Debug)]
struct Options {
    quick: bool,
    large: u64,
    cases: Vec<&'static Case>,
    output: Option<PathBuf>,
}

/// How much is done, and how often.
#[derive(Clone, Copy, Debug)]
struct Plan {
    quick: bool,
    rounds: u32,
    slice: Duration,
    /// Bytes of the large upload.
    large: u64,
    /// Lines of the import.
    records: u64,
}

/// Measures, and writes.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> Result<(), Failure> {
    let options = Options::parse(arguments)?;
    if !wrk::is_installed() {
        return Err("wrk is not installed: `apt-get install wrk`".into());
    }
    raise_descriptor_limit();
    let folder = options.output.clone().unwrap_or_else(folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{} can't be made: {error}", folder.display()))?;
    let plan = options.plan();
    let installations = contestant::install_all(&options.cases);
    let stage = Stage::set(plan)?;
    let progress = Progress::new(options.cases.iter().map(|case| measure::estimate(case, plan)).sum());
    let mut scenarios = Scenarios::open(&folder.join("scenarios.json"));
    for case in options.cases {
        scenarios.put(measure::measure(case, plan, &installations, &stage, &progress));
        scenarios.read_realtime(&folder.join("realtime.json"));
        let json = serde_json::to_string_pretty(&scenarios).map_err(|error| error.to_string())?;
        write_file(&folder.join("scenarios.json"), &(json + "\n"))?;
        write_file(&folder.join("SCENARIOS.md"), &page::render(&scenarios))?;
        for (name, picture) in picture::render(&scenarios) {
            write_file(&folder.join(name), &picture)?;
        }
    }
    println!("results are in {}", folder.display());
    Ok(())
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self {
            quick: false,
            large: 1,
            cases: Vec::new(),
            output: None,
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--large" => {
                    let size = arguments.next().and_then(|size| size.parse().ok());
                    options.large = size
                        .filter(|size| (1..=64).contains(size))
                        .ok_or("`--large` takes GiB from 1 to 64")?;
                }
                "--only" => {
                    let name = arguments.next().unwrap_or_default();
                    let before = options.cases.len();
                    options.cases.extend(CASES.iter().filter(|case| case.is_named(&name)));
                    if options.cases.len() == before {
                        let names: Vec<_> = CASES.iter().map(|case| case.name).collect();
                        return Err(format!(
                            "`--only` takes a scenario or one of: {}\n\n{USAGE}",
                            names.join(", ")
                        ));
                    }
                }
                "--output" => options.output = Some(arguments.next().ok_or("`--output` takes a folder")?.into()),
                _ => return Err(format!("unknown option `{argument}`\n\n{USAGE}")),
            }
        }
        if options.cases.is_empty() {
            options.cases = CASES.iter().collect();
        }
        Ok(options)
    }

    fn plan(&self) -> Plan {
        const MIB: u64 = 1024 * 1024;
        let (rounds, seconds) = if self.quick { (1, 1) } else { (3, 3) };
        // What was asked for counts in a quick look, too.
        let large = if self.quick && self.large == 1 {
            128 * MIB
        } else {
            self.large * 1024 * MIB
        };
        Plan {
            quick: self.quick,
            rounds,
            slice: Duration::from_secs(seconds),
            large,
            records: if self.quick { 50_000 } else { 1_000_000 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Failure> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn measures_all_cases_unless_some_are_named() {
        assert_eq!(parse("--quick").expect("valid").cases.len(), CASES.len());
        let batch = parse("--only batch").expect("valid").cases;
        assert!(!batch.is_empty() && batch.iter().all(|case| case.scenario.name() == "batch"));
        assert_eq!(parse("--only photos").expect("valid").cases.len(), 1);
    }

    #[test]
    fn a_quick_look_has_a_small_upload_unless_a_size_is_asked_for() {
        let large = |line| parse(line).expect("valid").plan().large >> 20;
        assert_eq!(
            (large("--quick"), large(""), large("--quick --large 5")),
            (128, 1024, 5120)
        );
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for line in [
            "--fast",
            "axum",
            "--only",
            "--only all",
            "--output",
            "--large 0",
            "--large x",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
