//! How cost grows: `cargo xtask bench growth`.
//!
//! Each [`Axis`] lets one thing grow: routes, headers, connections, cores, bodies. At each of its values the servers
//! take turns, in several rounds. What comes of it goes to `growth.json`, `GROWTH.md` and a picture for each axis as
//! soon as the axis is over; an interrupted run keeps what it has measured.

mod axis;
mod body;
mod data;
mod measure;
mod page;
mod picture;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::catalog::{BASE, Entry, OURS, Version, cargo};
use crate::installation::{Installation, install};
use crate::progress::Progress;
use crate::{Failure, folder, instructions, raise_descriptor_limit, write_file};

use axis::Axis;
use data::Growth;

const USAGE: &str = "\
usage: cargo xtask bench growth [--quick] [--only AXIS]… [--output FOLDER]

  --quick          one short round: to see that all works
  --only AXIS      routes, headers, connections, cores or body; may be repeated
  --output FOLDER  where the results go (`bench/`)
";

/// The servers; raw tokio is one of the catalog.
static SERVERS: [Entry; 3] = [
    cargo("hyperlane", "hyperlane", "bench-growth", OURS),
    cargo("axum", "axum", "bench-growth-axum", Version::Registry("axum")),
    cargo(
        "actix-web",
        "actix-web",
        "bench-growth-actix-web",
        Version::Registry("actix-web"),
    ),
];

/// What the person who runs it wants.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    quick: bool,
    axes: Vec<Axis>,
    output: Option<PathBuf>,
}

/// How long each point is loaded, and how often.
#[derive(Clone, Copy, Debug)]
struct Plan {
    rounds: u32,
    slice: Duration,
    /// Whether instructions are counted as well.
    count: bool,
}

/// Measures, and writes.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> Result<(), Failure> {
    let options = Options::parse(arguments)?;
    raise_descriptor_limit();
    let folder = options.output.clone().unwrap_or_else(folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{} can't be made: {error}", folder.display()))?;
    let installations = install_all();
    if installations.is_empty() {
        return Err("no server could be built; the reasons are above".into());
    }
    let plan = options.plan();
    let progress = Progress::new(
        options
            .axes
            .iter()
            .map(|axis| measure::estimate(*axis, plan, &installations))
            .sum(),
    );
    let mut growth = Growth::open(&folder.join("growth.json"));
    for axis in options.axes {
        growth.put(measure::measure(axis, plan, options.quick, &installations, &progress));
        let json = serde_json::to_string_pretty(&growth).map_err(|error| error.to_string())?;
        write_file(&folder.join("growth.json"), &(json + "\n"))?;
        write_file(&folder.join("GROWTH.md"), &page::render(&growth))?;
        for (name, picture) in picture::render(&growth) {
            write_file(&folder.join(name), &picture)?;
        }
    }
    println!("results are in {}", folder.display());
    Ok(())
}

fn install_all() -> Vec<Installation> {
    let base = Entry::by_name(BASE);
    let installations = SERVERS.iter().chain(base).filter_map(|entry| {
        Progress::building(entry.title);
        install(entry)
            .map_err(|reason| Progress::skipped(entry.title, &reason))
            .ok()
    });
    installations.collect()
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self {
            quick: false,
            axes: Vec::new(),
            output: None,
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--only" => {
                    let axis = arguments.next().and_then(|name| Axis::by_name(&name));
                    options
                        .axes
                        .push(axis.ok_or_else(|| format!("`--only` takes an axis\n\n{USAGE}"))?);
                }
                "--output" => options.output = Some(arguments.next().ok_or("`--output` takes a folder")?.into()),
                _ => return Err(format!("unknown option `{argument}`\n\n{USAGE}")),
            }
        }
        if options.axes.is_empty() {
            options.axes = Axis::ALL.to_vec();
        }
        Ok(options)
    }

    fn plan(&self) -> Plan {
        let (rounds, seconds) = if self.quick { (1, 1) } else { (3, 2) };
        Plan {
            rounds,
            slice: Duration::from_secs(seconds),
            count: !self.quick && instructions::is_installed(),
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
    fn measures_all_axes_unless_some_are_named() {
        assert_eq!(parse("--quick").expect("valid").axes, Axis::ALL);
        assert_eq!(
            parse("--only body --only cores").expect("valid").axes,
            [Axis::Body, Axis::Cores]
        );
        assert_eq!(parse("--output there").expect("valid").output, Some("there".into()));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for line in ["--fast", "hyper", "--only", "--only all", "--output"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
