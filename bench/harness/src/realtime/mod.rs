//! Very many WebSockets at once: `cargo xtask bench realtime`.
//!
//! The server is one hub over several processes, since a process may have so many descriptors and no more; the crowd is
//! several processes as well ([`crowd`], [`client`]). Connections are added in steps. At each the memory is read, one
//! message and ten in a row are sent to all, and a sample of the connections is asked for an echo. What comes of it goes to
//! `realtime.json`, `REALTIME.md` and `realtime.svg` after each step; it ends by itself within eight minutes, and before
//! memory gets short.

mod client;
mod connection;
mod crowd;
mod data;
mod measure;
mod page;
mod picture;

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};

use crate::catalog::{Entry, Version, cargo};
use crate::installation::install;
use crate::progress::Progress;
use crate::{Failure, folder, machine, raise_descriptor_limit, write_file};

use data::{Realtime, SCHEMA};
use measure::Measurement;

const USAGE: &str = "\
usage: cargo xtask bench realtime [--connections N] [--processes N] [--quick] [--output FOLDER]

  --connections N  the most at once (100,000); with more than that, as far as memory goes
  --processes N    of the server (as many as the limit of open files demands), and as many of the clients
  --quick          2,000 connections: to see that all works
  --output FOLDER  where the results go (`bench/`)
";

/// The argument that makes this program a part of the crowd.
pub(crate) const CLIENT: &str = "realtime-client";

static SERVER: Entry = cargo(
    "realtime",
    "hyperlane",
    "bench-realtime",
    Version::Ours("hyperlane-realtime"),
);

/// Steps of a whole run, and of a quick one.
const STEPS: [usize; 6] = [10_000, 25_000, 50_000, 100_000, 150_000, 200_000];
const QUICK: [usize; 3] = [500, 1_000, 2_000];
const CONNECTIONS: usize = 100_000;

/// What a process has open beside its connections, and what it may get beyond its share.
const FURTHER_FILES: u64 = 300;
const UNEVEN: f64 = 1.1;

/// What the person who runs it wants.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    quick: bool,
    connections: usize,
    processes: Option<usize>,
    output: Option<PathBuf>,
}

/// Measures, and writes.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> Result<(), Failure> {
    let options = Options::parse(arguments)?;
    raise_descriptor_limit();
    let folder = options.output.clone().unwrap_or_else(folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{} can't be made: {error}", folder.display()))?;
    Progress::building(SERVER.title);
    let installation = install(&SERVER)?;
    let processes = options.processes.unwrap_or_else(|| needed(options.connections));
    let mut realtime = Realtime {
        schema: SCHEMA,
        machine: machine::description(),
        measured: machine::now(),
        quick: options.quick,
        server_processes: processes,
        client_processes: processes,
        points: Vec::new(),
        ended_early: None,
    };
    let mut measurement = Measurement::start(&installation, processes)?;
    for connections in options.steps() {
        match measurement.point(connections) {
            Ok(point) => {
                eprintln!("{}", page::summary(&point));
                realtime.points.push(point);
            }
            // What was measured before stands.
            Err(reason) if !realtime.points.is_empty() => realtime.ended_early = Some(machine::without_paths(&reason)),
            Err(reason) => return Err(reason),
        }
        realtime.measured = machine::now();
        write(&realtime, &folder)?;
        if realtime.ended_early.is_some() {
            break;
        }
    }
    if let Some(reason) = &realtime.ended_early {
        eprintln!("ended early: {reason}");
    }
    println!("results are in {}", folder.display());
    Ok(())
}

/// A part of the crowd.
pub(crate) fn run_client(arguments: impl Iterator<Item = String>) -> Result<(), Failure> {
    raise_descriptor_limit();
    client::run(arguments)
}

/// As many processes as have descriptors for so many connections, unevenly spread.
fn needed(connections: usize) -> usize {
    let limit = getrlimit(Resource::Nofile).maximum.unwrap_or(1 << 20);
    let room = limit.saturating_sub(FURTHER_FILES).max(1) as f64;
    ((connections as f64 * UNEVEN / room).ceil() as usize).max(1)
}

fn write(realtime: &Realtime, folder: &Path) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(realtime).map_err(|error| error.to_string())?;
    write_file(&folder.join("realtime.json"), &(json + "\n"))?;
    write_file(&folder.join("REALTIME.md"), &page::render(realtime))?;
    write_file(&folder.join("realtime.svg"), &picture::render(realtime))
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self {
            quick: false,
            connections: 0,
            processes: None,
            output: None,
        };
        while let Some(argument) = arguments.next() {
            let mut number = || {
                let number = arguments
                    .next()
                    .and_then(|number| number.replace(['_', ','], "").parse().ok());
                let number = number.filter(|number| *number > 0);
                number.ok_or_else(|| format!("`{argument}` takes a number\n\n{USAGE}"))
            };
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--connections" => options.connections = number()?,
                "--processes" => options.processes = Some(number()?),
                "--output" => options.output = Some(arguments.next().ok_or("`--output` takes a folder")?.into()),
                _ => return Err(format!("unknown option `{argument}`\n\n{USAGE}")),
            }
        }
        if options.connections == 0 {
            options.connections = if options.quick { QUICK[2] } else { CONNECTIONS };
        }
        Ok(options)
    }

    /// Ascending, with what was asked for as the last.
    fn steps(&self) -> Vec<usize> {
        let steps = if self.quick { &QUICK[..] } else { &STEPS[..] };
        let below = steps.iter().copied().filter(|step| *step < self.connections);
        below.chain([self.connections]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Failure> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn goes_in_steps_to_what_was_asked_for() {
        assert_eq!(parse("").expect("valid").steps(), STEPS[..4]);
        assert_eq!(parse("--quick").expect("valid").steps(), QUICK);
        assert_eq!(
            parse("--connections 30_000").expect("valid").steps(),
            [10_000, 25_000, 30_000]
        );
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for line in [
            "--fast",
            "--connections",
            "--connections 0",
            "--processes x",
            "--output",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
