//! What HTTP/2, TLS and WebSocket cost: `cargo xtask bench protocols`.
//!
//! Each [`Case`] is one way to use a protocol. The servers take turns in several rounds, each started anew for its slice,
//! and are compared with [`BASE`] in the same round. What comes of it goes to `protocols.json`, `PROTOCOLS.md` and
//! `protocols.svg` as soon as a case is over; an interrupted run keeps what it has measured.

mod case;
mod certificate;
mod data;
mod h2load;
mod measure;
mod page;
mod picture;
mod secure;
pub(crate) mod websocket;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::catalog::{Entry, OURS, Program, Version, cargo, go};
use crate::installation::{Installation, install};
use crate::progress::Progress;
use crate::{Failure, folder, raise_descriptor_limit, write_file};

use case::Case;
use certificate::Certificate;
use data::Protocols;

const USAGE: &str = "\
usage: cargo xtask bench protocols [--quick] [--only CASE]… [--output FOLDER]

  --quick          one short round: to see that all works
  --only CASE      one of those in the README; may be repeated
  --output FOLDER  where the results go (`bench/`)
";

/// With which the others are compared: what most users of Rust come from.
const BASE: &str = "axum";

/// What each of them can do is told by [`Case::is_for`].
static SERVERS: [Entry; 7] = [
    cargo("hyperlane", "hyperlane", "bench-protocols", OURS),
    Entry {
        environment: &[("DRIVER", "io-uring")],
        ..cargo("hyperlane-io-uring", "hyperlane, io_uring", "bench-protocols", OURS)
    },
    cargo("axum", "axum", "bench-protocols-axum", Version::Registry("axum")),
    cargo(
        "actix-web",
        "actix-web",
        "bench-protocols-actix-web",
        Version::Registry("actix-web"),
    ),
    go(
        "go-protocols",
        "Go",
        Some(("golang-github-gorilla-websocket-dev", "github.com/gorilla/websocket")),
    ),
    Entry {
        program: Program::Node {
            script: "node-ws/server.js",
        },
        ..cargo("node-ws", "Node.js, ws", "", Version::Rust)
    },
    Entry {
        program: Program::Node {
            script: "node-http2/server.js",
        },
        ..cargo("node-http2", "Node.js, http2", "", Version::Rust)
    },
];

/// What the person who runs it wants.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    quick: bool,
    cases: Vec<Case>,
    output: Option<PathBuf>,
}

/// How long each server is loaded, and how often.
#[derive(Clone, Copy, Debug)]
struct Plan {
    rounds: u32,
    slice: Duration,
    quick: bool,
}

/// Measures, and writes.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> Result<(), Failure> {
    let options = Options::parse(arguments)?;
    raise_descriptor_limit();
    let folder = options.output.clone().unwrap_or_else(folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{} can't be made: {error}", folder.display()))?;
    let certificate = Certificate::make()?;
    let installations = install_all();
    if !installations.iter().any(|installation| installation.entry.name == BASE) {
        return Err(format!("{BASE}, with which all others are compared, can't be built"));
    }
    let plan = options.plan();
    let estimates = options
        .cases
        .iter()
        .map(|case| measure::estimate(*case, plan, &installations));
    let progress = Progress::new(estimates.sum());
    let mut protocols = Protocols::open(&folder.join("protocols.json"));
    for case in options.cases {
        protocols.put(measure::measure(case, plan, &installations, &certificate, &progress));
        let json = serde_json::to_string_pretty(&protocols).map_err(|error| error.to_string())?;
        write_file(&folder.join("protocols.json"), &(json + "\n"))?;
        write_file(&folder.join("PROTOCOLS.md"), &page::render(&protocols))?;
        write_file(&folder.join("protocols.svg"), &picture::render(&protocols))?;
    }
    println!("results are in {}", folder.display());
    Ok(())
}

fn install_all() -> Vec<Installation> {
    let installations = SERVERS.iter().filter_map(|entry| {
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
            cases: Vec::new(),
            output: None,
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--only" => {
                    let case = arguments.next().and_then(|name| Case::by_name(&name));
                    let names = Case::ALL.map(Case::name).join(", ");
                    options
                        .cases
                        .push(case.ok_or_else(|| format!("`--only` takes one of: {names}\n\n{USAGE}"))?);
                }
                "--output" => options.output = Some(arguments.next().ok_or("`--output` takes a folder")?.into()),
                _ => return Err(format!("unknown option `{argument}`\n\n{USAGE}")),
            }
        }
        if options.cases.is_empty() {
            options.cases = Case::ALL.to_vec();
        }
        Ok(options)
    }

    fn plan(&self) -> Plan {
        let (rounds, seconds) = if self.quick { (1, 1) } else { (5, 2) };
        Plan {
            rounds,
            slice: Duration::from_secs(seconds),
            quick: self.quick,
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
        assert_eq!(parse("--quick").expect("valid").cases, Case::ALL);
        assert_eq!(
            parse("--only h2 --only echo").expect("valid").cases,
            [Case::H2, Case::Echo]
        );
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for line in ["--fast", "axum", "--only", "--only all", "--output"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
