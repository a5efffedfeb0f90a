//! Builds, verifies and measures the servers of the benchmark: `cargo xtask bench`.
//!
//! The walk: the options choose entries of the [`catalog`], each is built ([`installation`]), verified byte for byte
//! ([`mod@verify`]) and measured in interleaved [`rounds`]; then the [`instructions`] and [`system_calls`] of a request are
//! counted. The [`results`] of each workload go to `results.json`, `RESULTS.md`, `results.svg` and `workloads.svg` in
//! `bench/` as soon as it is over. [`growth`] measures instead how cost grows with routes, headers and so on,
//! [`protocols`] what HTTP/2, TLS and WebSocket cost, [`scenarios`] how the article's scenarios go without async,
//! and [`realtime`] what very many WebSockets at once cost.
//!
//! A server that can't be built, or does not keep to the contract, is skipped, and the results say so.
#![forbid(unsafe_code)]

mod catalog;
mod chart;
mod fixed_rate;
mod growth;
mod http;
mod idle;
mod installation;
mod instructions;
mod load;
mod lock_file;
mod machine;
mod markdown;
mod number;
mod options;
mod progress;
mod protocols;
mod ranking;
mod realtime;
mod report;
mod results;
mod rounds;
mod scenarios;
mod server;
mod statistics;
mod summary;
mod svg;
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
use report::WorkloadResults;
use results::{Counts, Results, Skipped};
use server::Server;
use verify::verify;
use workload::Workload;

/// Why something failed, for the person who runs it.
type Failure = String;

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1).peekable();
    let outcome = if arguments.next_if(|first| first == "growth").is_some() {
        growth::run(arguments)
    } else if arguments.next_if(|first| first == "protocols").is_some() {
        protocols::run(arguments)
    } else if arguments.next_if(|first| first == "scenarios").is_some() {
        scenarios::run(arguments)
    } else if arguments.next_if(|first| first == "realtime").is_some() {
        realtime::run(arguments)
    } else if arguments.next_if(|first| first == realtime::CLIENT).is_some() {
        realtime::run_client(arguments)
    } else {
        Options::parse(arguments).and_then(|options| run(&options))
    };
    match outcome {
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
    let folder = options.output.clone().unwrap_or_else(folder);
    fs::create_dir_all(&folder).map_err(|error| format!("{} can't be made: {error}", folder.display()))?;
    let installations = install_all(options, &mut skipped);
    if !installations.iter().any(|installation| installation.entry.name == BASE) {
        return Err("raw tokio, with which all others are compared, can't be built".into());
    }
    let mut results = Results::open(&folder.join("results.json"));
    results
        .skipped
        .retain(|known| !options.entries().any(|entry| entry.title == known.name));
    results.skipped.extend(skipped);
    let workloads: Vec<_> = Workload::ALL
        .into_iter()
        .filter(|workload| options.wants(workload.name()))
        .collect();
    let counting = Counting::new(options);
    let estimates = workloads
        .iter()
        .map(|workload| rounds::estimate(*workload, options.plan(*workload), &installations));
    let counts = counting.estimate() * u32::try_from(installations.len()).unwrap_or(u32::MAX);
    let progress = Progress::new(estimates.sum::<Duration>() + counts);
    for workload in workloads {
        results.put(measure(workload, options, &installations, &progress));
        write(&results, &folder)?;
    }
    counting.count(&installations, &progress, &mut results);
    write(&results, &folder)?;
    if results.is_empty() {
        return Err("nothing could be measured; the reasons are above".into());
    }
    println!("results are in {}", folder.display());
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
        // What can't be started here would only be left out of each workload.
        let installation = install(entry)
            .and_then(|installation| Server::start(&installation).map(Server::stop).map(|()| installation));
        match installation {
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

fn measure(
    workload: Workload,
    options: &Options,
    installations: &[Installation],
    progress: &Progress,
) -> WorkloadResults {
    let plan = options.plan(workload);
    let series = rounds::measure(workload, plan, options.rate, installations, progress);
    let results = WorkloadResults::new(workload, plan, options, &series);
    Progress::summary(&results);
    results
}

/// Which figures of a request are counted.
struct Counting {
    instructions: bool,
    system_calls: bool,
    /// What is wanted and can't be done.
    skipped: Vec<Skipped>,
}

impl Counting {
    fn new(options: &Options) -> Self {
        let mut skipped = Vec::new();
        let mut wanted = |name: &str, program: &str, is_installed: fn() -> bool| {
            let wanted = options.wants(name);
            if wanted && !is_installed() {
                let reason = format!("not installed: {program}");
                Progress::skipped(name, &reason);
                let name = name.to_owned();
                skipped.push(Skipped { name, reason });
                return false;
            }
            wanted
        };
        Self {
            instructions: wanted(INSTRUCTIONS, "valgrind", instructions::is_installed),
            system_calls: wanted(SYSTEM_CALLS, "strace", system_calls::is_installed),
            skipped,
        }
    }

    /// How long it takes for one server, about.
    fn estimate(&self) -> Duration {
        let of = |wanted: bool, seconds| Duration::from_secs(if wanted { seconds } else { 0 });
        of(self.instructions, 6) + of(self.system_calls, 1)
    }

    fn count(self, installations: &[Installation], progress: &Progress, results: &mut Results) {
        let estimate = self.estimate();
        results.uncounted.retain(|known| {
            let again = installations
                .iter()
                .any(|installation| installation.entry.title == known.name);
            !(again && (self.instructions || self.system_calls) || Options::is_count(&known.name))
        });
        results.uncounted.extend(self.skipped);
        if !self.instructions && !self.system_calls {
            return;
        }
        for installation in installations {
            let entry = installation.entry;
            progress.counting(entry.title);
            let mut said = |what: &str, reason: Failure| {
                Progress::skipped(entry.title, &reason);
                results
                    .uncounted
                    .push(Skipped::new(entry, &format!("{what}: {reason}")));
            };
            let instructions = self.instructions.then(|| instructions::count(installation));
            let instructions = instructions.and_then(|count| count.map_err(|reason| said(INSTRUCTIONS, reason)).ok());
            let calls = self.system_calls.then(|| system_calls::count(installation));
            let calls = calls.and_then(|count| count.map_err(|reason| said("system calls", reason)).ok());
            results.put_counts(Counts::new(entry, &installation.version, instructions, calls));
            progress.advance(estimate);
        }
    }
}

fn write(results: &Results, folder: &Path) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(results).map_err(|error| error.to_string())?;
    let files = [
        ("results.json", Some(json + "\n")),
        ("RESULTS.md", Some(markdown::render(results))),
        ("results.svg", chart::render(results)),
        ("workloads.svg", chart::render_all(results)),
    ];
    for (name, content) in files {
        let path = folder.join(name);
        match content {
            Some(content) => write_file(&path, &content)?,
            // A picture of other results would be wrong beside these; there may be none.
            None => drop(fs::remove_file(&path)),
        }
    }
    Ok(())
}

/// Over a file beside it, so that an interruption leaves the old one or the new one.
fn write_file(path: &Path, content: &str) -> Result<(), Failure> {
    let new = path.with_extension("new");
    fs::write(&new, content)
        .and_then(|()| fs::rename(&new, path))
        .map_err(|error| format!("{} can't be written: {error}", path.display()))
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
