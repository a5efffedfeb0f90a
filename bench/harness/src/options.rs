//! What the person who runs it wants.

use std::path::PathBuf;
use std::time::Duration;

use crate::Failure;
use crate::catalog::{BASE, ENTRIES, Entry};
use crate::workload::{Load, Workload};

pub(crate) const USAGE: &str = "\
usage: cargo xtask bench [--quick] [--workload NAME]… [--rate N] [--output FOLDER]
                         [--verify] [--list] [SERVER…]
       cargo xtask bench growth|protocols|scenarios [--quick] [--only NAME]… [--output FOLDER]

  growth           how cost grows: with routes, headers, connections, cores and bodies
  protocols        HTTP/2, TLS and WebSocket beside their peers
  scenarios        the article's four scenarios, beside threads and blocking calls

  --quick          short slices: to see that all works, not to compare
  --workload NAME  only this one, the results of the others stay; may be repeated
  --rate N         requests a second of the workload `fixed-rate` (5000)
  --output FOLDER  where the results go (`bench/`)
  --verify         only see whether the servers keep to the contract, byte for byte
  --list           print the names of servers and workloads
";

/// Requests a second of the workload at a fixed rate: what the slowest server keeps up with on two cores that it
/// shares with the client.
const DEFAULT_RATE: u32 = 5_000;

/// Figures that are counted, not timed; chosen as workloads are.
pub(crate) const INSTRUCTIONS: &str = "instructions";
pub(crate) const SYSTEM_CALLS: &str = "system-calls";

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) quick: bool,
    pub(crate) list: bool,
    pub(crate) verify: bool,
    pub(crate) rate: u32,
    /// Where the results go; `bench/` without one.
    pub(crate) output: Option<PathBuf>,
    workloads: Vec<String>,
    servers: Vec<String>,
}

/// How long a server is loaded, in how many pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) rounds: u32,
    pub(crate) slice: Duration,
    /// Whether each slice begins with load that is not counted, as long as the server needs.
    pub(crate) warm_up: bool,
}

impl Options {
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self {
            quick: false,
            list: false,
            verify: false,
            rate: DEFAULT_RATE,
            output: None,
            workloads: Vec::new(),
            servers: Vec::new(),
        };
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--list" => options.list = true,
                "--verify" => options.verify = true,
                "--rate" => {
                    let rate = arguments.next().and_then(|rate| rate.parse().ok());
                    options.rate = rate
                        .filter(|rate| *rate > 0)
                        .ok_or("`--rate` takes a whole number above 0")?;
                }
                "--output" => {
                    options.output = Some(arguments.next().ok_or("`--output` takes a folder")?.into());
                }
                "--workload" => {
                    let name = arguments
                        .next()
                        .ok_or("`--workload` takes a name; `--list` prints them")?;
                    if !workload_names().any(|known| known == name) {
                        return Err(format!(
                            "there is no workload `{name}`; there are: {}",
                            workload_names().collect::<Vec<_>>().join(", ")
                        ));
                    }
                    options.workloads.push(name);
                }
                option if option.starts_with('-') => return Err(format!("unknown option `{option}`\n\n{USAGE}")),
                name => {
                    if Entry::by_name(name).is_none() {
                        let known: Vec<_> = ENTRIES.iter().map(|entry| entry.name).collect();
                        return Err(format!("there is no server `{name}`; there are: {}", known.join(", ")));
                    }
                    options.servers.push(argument);
                }
            }
        }
        Ok(options)
    }

    /// The servers to measure, in the catalog's order; the base is always among them.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &'static Entry> {
        ENTRIES.iter().filter(|entry| {
            self.servers.is_empty() || entry.name == BASE || self.servers.iter().any(|name| name == entry.name)
        })
    }

    pub(crate) fn wants(&self, name: &str) -> bool {
        self.workloads.is_empty() || self.workloads.iter().any(|wanted| wanted == name)
    }

    /// Whether this names a figure that is counted.
    pub(crate) fn is_count(name: &str) -> bool {
        [INSTRUCTIONS, SYSTEM_CALLS].contains(&name)
    }

    /// The article's minute is the sum of its slices; what the machine does in between hits all servers alike. The
    /// others are so long that all of it takes about three quarters of an hour.
    pub(crate) fn plan(&self, workload: Workload) -> Plan {
        let (rounds, seconds) = match (workload.load(), self.quick) {
            (Load::Idle { .. }, true) => (1, 1),
            (Load::Idle { .. }, false) => (3, 1),
            (_, true) if workload == Workload::KeepAlive => (5, 1),
            (_, true) => (3, 1),
            (_, false) if workload == Workload::KeepAlive => (12, 5),
            (_, false) => (3, 2),
        };
        Plan {
            rounds,
            slice: Duration::from_secs(seconds),
            warm_up: !self.quick,
        }
    }
}

/// All names that `--workload` takes.
pub(crate) fn workload_names() -> impl Iterator<Item = &'static str> {
    Workload::ALL
        .into_iter()
        .map(Workload::name)
        .chain([INSTRUCTIONS, SYSTEM_CALLS])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Failure> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_subset_of_servers_always_has_the_base() {
        let options = parse("--quick hyper hyperlane").expect("valid");
        let names: Vec<_> = options.entries().map(|entry| entry.name).collect();
        assert_eq!(names, ["raw-tokio", "hyperlane", "hyper"]);
        assert!(options.quick && options.wants("idle"));
    }

    #[test]
    fn without_names_everything_is_measured() {
        let options = parse("").expect("valid");
        assert_eq!(options.entries().count(), ENTRIES.len());
        assert!(workload_names().all(|name| options.wants(name)));
    }

    #[test]
    fn the_slices_of_the_article_add_up_to_a_minute() {
        let plan = parse("").expect("valid").plan(Workload::KeepAlive);
        assert_eq!(plan.slice * plan.rounds, Duration::from_secs(60));
        let plan = parse("--quick").expect("valid").plan(Workload::KeepAlive);
        assert_eq!(plan.slice * plan.rounds, Duration::from_secs(5));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for line in [
            "--fast",
            "nginx",
            "--workload",
            "--workload all",
            "--rate",
            "--rate 0",
            "--rate x",
            "--output",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
