//! Builds, verifies and measures the servers of the benchmark: `cargo xtask bench`.
//!
//! The walk: the options choose entries of the [`catalog`], each is built ([`installation`]), verified byte for byte
//! ([`mod@verify`]) and measured in interleaved [`rounds`]; then the [`instructions`] and [`system_calls`] of a request are
//! counted. The results go to `results.json`, `RESULTS.md` and `results.svg` in `bench/`.
//!
//! A server that can't be built, or does not keep to the contract, is skipped, and the results say so.
#![forbid(unsafe_code)]

mod catalog;
mod chart;
mod fixed_rate;
mod http;
mod idle;
mod installation;
mod instructions;
mod lock_file;
mod machine;
mod markdown;
mod number;
mod options;
mod progress;
mod report;
mod rounds;
mod server;
mod statistics;
mod system_calls;
mod usage;
mod verify;
mod workload;
mod wrk;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use catalog::{BASE, ENTRIES};
use installation::{Installation, install};
use options::{INSTRUCTIONS, Options, SYSTEM_CALLS, USAGE};
use progress::Progress;
use report::{Counts, Results, Skipped, WorkloadResults};
use server::Server;
use verify::verify;
use workload::Workload;

/// Why something failed, for the person who runs it.
type Failure = String;

fn main() -> ExitCode {
    match Options::parse(env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    if options.list {
        list();
        return Ok(());
    }
    raise_descriptor_limit();
    let mut skipped = Vec::new();
    if options.verify {
        let installations = install_all(options, &mut skipped);
        return verify_all(options, &installations, skipped.len());
    }
    if !wrk::is_installed() {
        return Err("wrk is not installed: `apt-get install wrk`".into());
    }
    let installations = install_all(options, &mut skipped);
    if !installations.iter().any(|installation| installation.entry.name == BASE) {
        return Err("raw tokio, with which all others are compared, can't be built".into());
    }
    let workloads = measure(options, &installations);
    let counts = count(options, &installations, &mut skipped);
    let results = Results::new(options, workloads, counts, skipped);
    write(&results, &options.output.clone().unwrap_or_else(folder))?;
    if results.is_empty() {
        return Err("nothing could be measured; the reasons are above".into());
    }
    Ok(())
}

fn list() {
    println!("{USAGE}\nservers:");
    for entry in ENTRIES {
        println!("  {:<22} {}", entry.name, entry.title);
    }
    println!("\nworkloads:");
    for name in options::workload_names() {
        println!("  {name}");
    }
}

fn install_all(options: &Options, skipped: &mut Vec<Skipped>) -> Vec<Installation> {
    let mut installations = Vec::new();
    for entry in options.entries() {
        Progress::building(entry.title);
        match install(entry) {
            Ok(installation) => installations.push(installation),
            Err(reason) => {
                Progress::skipped(entry.title, &reason);
                skipped.push(Skipped::new(entry, &reason));
            }
        }
    }
    installations
}

/// Without measuring anything.
fn verify_all(options: &Options, installations: &[Installation], skipped: usize) -> Result<(), Failure> {
    let mut failures = 0;
    for installation in installations {
        let entry = installation.entry;
        let workloads = Workload::ALL
            .into_iter()
            .filter(|workload| options.wants(workload.name()));
        for workload in workloads.filter(|workload| entry.omits(*workload).is_none()) {
            let verified = Server::start(installation).and_then(|server| verify(entry, server.port(), workload));
            failures += usize::from(verified.is_err());
            let outcome = verified.err().unwrap_or_else(|| "as agreed".into());
            println!("{:<22} {workload:<12} {outcome}", entry.title);
        }
    }
    if failures == 0 && skipped == 0 {
        Ok(())
    } else {
        Err(format!(
            "{skipped} servers could not be built, {failures} workloads are not answered as agreed"
        ))
    }
}

fn measure(options: &Options, installations: &[Installation]) -> Vec<WorkloadResults> {
    let wanted: Vec<_> = Workload::ALL
        .into_iter()
        .filter(|workload| options.wants(workload.name()))
        .collect();
    let expected: Duration = wanted
        .iter()
        .map(|workload| rounds::estimate(options.plan(*workload), installations.len()))
        .sum();
    let progress = Progress::new(expected);
    let results = wanted.into_iter().map(|workload| {
        let plan = options.plan(workload);
        let series = rounds::measure(workload, plan, options.rate, installations, &progress);
        let results = WorkloadResults::new(workload, plan, options.rate, &series);
        Progress::summary(&results);
        results
    });
    results.collect()
}

fn count(options: &Options, installations: &[Installation], skipped: &mut Vec<Skipped>) -> Vec<Counts> {
    let mut wanted = |name: &str, program: &'static str, is_installed: fn() -> bool| {
        let wanted = options.wants(name);
        if wanted && !is_installed() {
            let reason = format!("not installed: {program}");
            Progress::skipped(name, &reason);
            skipped.push(Skipped { name: program, reason });
            return false;
        }
        wanted
    };
    let with_instructions = wanted(INSTRUCTIONS, "valgrind", instructions::is_installed);
    let with_system_calls = wanted(SYSTEM_CALLS, "strace", system_calls::is_installed);
    if !with_instructions && !with_system_calls {
        return Vec::new();
    }
    let mut counts = Vec::new();
    for installation in installations {
        let entry = installation.entry;
        let mut said = |what: &str, reason: Failure| {
            Progress::skipped(entry.title, &reason);
            skipped.push(Skipped::new(entry, &format!("{what}: {reason}")));
        };
        let instructions = with_instructions.then(|| {
            Progress::counting(INSTRUCTIONS, entry.title);
            instructions::count(installation)
        });
        let instructions = instructions.and_then(|count| count.map_err(|reason| said(INSTRUCTIONS, reason)).ok());
        let system_calls = with_system_calls.then(|| {
            Progress::counting("system calls", entry.title);
            system_calls::count(installation)
        });
        let system_calls = system_calls.and_then(|count| count.map_err(|reason| said("system calls", reason)).ok());
        counts.push(Counts::new(entry, &installation.version, instructions, system_calls));
    }
    counts
}

fn write(results: &Results, folder: &Path) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(results).map_err(|error| error.to_string())?;
    let files = [
        ("results.json", Some(json + "\n")),
        ("RESULTS.md", Some(markdown::render(results))),
        ("results.svg", chart::render(results)),
    ];
    for (name, content) in files {
        let path = folder.join(name);
        match content {
            Some(content) => {
                fs::write(&path, content).map_err(|error| format!("{} can't be written: {error}", path.display()))?;
                println!("wrote {}", path.display());
            }
            // A picture of other results would be wrong beside these; there may be none.
            None => drop(fs::remove_file(&path)),
        }
    }
    Ok(())
}

/// Many idle connections need as many descriptors, in this process and, since it inherits the limit, in the server.
fn raise_descriptor_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Without it, only the workloads with many connections fail, and say why.
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )
    .ok();
}

/// The folder `bench/`.
fn folder() -> PathBuf {
    let harness = Path::new(env!("CARGO_MANIFEST_DIR"));
    harness.parent().unwrap_or(harness).to_path_buf()
}
