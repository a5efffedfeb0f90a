//! The measurement: in each round every server runs once at each value of the axis, in turn.

use std::io;
use std::time::{Duration, Instant};

use rustix::thread::sched_getaffinity;

use super::axis::{Axis, Case};
use super::data::{AxisResults, Line, Point};
use super::{Plan, body};
use crate::http::Connection;
use crate::installation::Installation;
use crate::load::{Load, observe};
use crate::progress::Progress;
use crate::server::Server;
use crate::statistics::Spread;
use crate::{Failure, instructions, machine, usage};

/// Load before it counts.
const SETTLE: Duration = Duration::from_millis(400);
/// Requests under callgrind before those that count, and those.
const WARM_UP: u32 = 100;
const COUNTED: u32 = 500;

/// Microseconds of CPU time for a request; under callgrind it takes some fifty times as long.
const COUNTABLE: f64 = 2_000.0;

/// For starting and stopping a server, and for one count, about.
const AROUND: Duration = Duration::from_millis(300);
const COUNT: Duration = Duration::from_millis(2_500);

/// One line while it is measured.
struct Series<'a> {
    installation: &'a Installation,
    case: Case,
    /// For each value of the axis the slices.
    samples: Vec<Vec<Sample>>,
    instructions: Vec<Option<f64>>,
}

#[derive(Clone, Copy, Default)]
struct Sample {
    cpu: f64,
    requests_per_second: f64,
    bytes_per_second: Option<f64>,
    peak_memory: f64,
}

/// How long an axis takes, about.
pub(super) fn estimate(axis: Axis, plan: Plan, installations: &[Installation]) -> Duration {
    let lines = series(axis, installations).len() * axis.values().len();
    let lines = u32::try_from(lines).unwrap_or(u32::MAX);
    let counts = if counts(axis, plan) { COUNT * 2 } else { Duration::ZERO };
    ((plan.slice + SETTLE + AROUND) * plan.rounds + counts) * lines
}

/// Measures one axis on all servers.
pub(super) fn measure(
    axis: Axis,
    plan: Plan,
    quick: bool,
    installations: &[Installation],
    progress: &Progress,
) -> AxisResults {
    let mut lines = series(axis, installations);
    let mut omitted: Vec<String> = Vec::new();
    for round in 0..plan.rounds {
        for (number, value) in axis.values().into_iter().enumerate() {
            let label = axis.label(value);
            progress.point(&format!(
                "{} {label}, round {} of {}",
                axis.name(),
                round + 1,
                plan.rounds
            ));
            for line in &mut lines {
                match sample(axis, line, plan, value) {
                    Ok(sample) => line
                        .samples
                        .get_mut(number)
                        .into_iter()
                        .for_each(|samples| samples.push(sample)),
                    Err(reason) => told(&mut omitted, &format!("{label}: {reason}"), line),
                }
                progress.advance(plan.slice + SETTLE + AROUND);
            }
        }
    }
    if counts(axis, plan) {
        for (number, value) in axis.values().into_iter().enumerate() {
            progress.point(&format!("{} {}, instructions", axis.name(), axis.label(value)));
            for line in &mut lines {
                let cpu = line.samples.get(number).into_iter().flatten().map(|sample| sample.cpu);
                let counted = if cpu.fold(0.0, f64::max) > COUNTABLE {
                    Err("a request takes too long for callgrind".into())
                } else {
                    count(axis, line, value)
                };
                match counted {
                    Ok(count) => line
                        .instructions
                        .get_mut(number)
                        .into_iter()
                        .for_each(|slot| *slot = Some(count)),
                    Err(reason) => {
                        told(
                            &mut omitted,
                            &format!("instructions, {}: {reason}", axis.label(value)),
                            line,
                        );
                    }
                }
                progress.advance(COUNT * 2);
            }
        }
    }
    AxisResults {
        name: axis.name().into(),
        description: axis.description().into(),
        measured: machine::now(),
        quick,
        rounds: plan.rounds,
        slice_seconds: plan.slice.as_secs(),
        lines: lines.into_iter().map(|line| line.finish(axis)).collect(),
        omitted,
    }
}

/// Instructions can be counted where one connection does all of it.
fn counts(axis: Axis, plan: Plan) -> bool {
    plan.count && matches!(axis, Axis::Routes | Axis::Headers)
}

fn series(axis: Axis, installations: &[Installation]) -> Vec<Series<'_>> {
    let cases = axis.cases().iter().flat_map(|case| {
        let able = move |installation: &&Installation| !installation.entry.is_floor() || case.is_for_base();
        installations.iter().filter(able).map(|installation| Series {
            installation,
            case: *case,
            samples: vec![Vec::new(); axis.values().len()],
            instructions: vec![None; axis.values().len()],
        })
    });
    cases.collect()
}

/// Once for each reason.
fn told(omitted: &mut Vec<String>, reason: &str, line: &Series<'_>) {
    let (server, case) = (line.installation.entry.title, line.case.name());
    let reason = format!("{server}, {case}: {}", machine::without_paths(reason));
    if !omitted.contains(&reason) {
        Progress::skipped(server, &reason);
        omitted.push(reason);
    }
}

fn start(axis: Axis, installation: &Installation, value: u64) -> Result<Server, Failure> {
    match axis {
        Axis::Routes => Server::start_under(installation, &[], &routes(value)),
        Axis::Cores => Server::start_under(installation, &["taskset", "-c", &cores(value)?], &[]),
        Axis::Headers | Axis::Connections | Axis::Body => Server::start(installation),
    }
}

fn routes(value: u64) -> [(&'static str, String); 1] {
    [("ROUTES", value.to_string())]
}

/// The numbers of so many of the cores that this process may use.
fn cores(count: u64) -> Result<String, Failure> {
    let allowed = sched_getaffinity(None).map_err(|error| format!("the cores can't be told: {error}"))?;
    let numbers = (0..rustix::thread::CpuSet::MAX_CPU).filter(|number| allowed.is_set(*number));
    let numbers: Vec<_> = numbers.take(count as usize).map(|number| number.to_string()).collect();
    Ok(numbers.join(","))
}

fn sample(axis: Axis, line: &Series<'_>, plan: Plan, value: u64) -> Result<Sample, Failure> {
    let server = start(axis, line.installation, value)?;
    let sample = match axis {
        Axis::Body => transferred(&server, line.case, value, plan.slice)?,
        _ => loaded(&server, axis, line.case, value, plan.slice)?,
    };
    let peak_memory = usage::peak_memory(&server.family()) as f64;
    server.stop();
    Ok(Sample { peak_memory, ..sample })
}

fn loaded(server: &Server, axis: Axis, case: Case, value: u64, time: Duration) -> Result<Sample, Failure> {
    let request = axis.request(case, value);
    let load = Load::start(server.port(), axis.connections(value), &request)?;
    observe(&load, SETTLE);
    let family = server.family();
    let before = usage::cpu_time(&family);
    let (answers, seconds) = observe(&load, time);
    let used = usage::cpu_time(&family).since(before);
    load.stop()?;
    if answers == 0 {
        return Err("no request was answered".into());
    }
    Ok(Sample {
        cpu: (used.user + used.system) * 1e6 / answers as f64,
        requests_per_second: answers as f64 / seconds,
        ..Sample::default()
    })
}

fn transferred(server: &Server, case: Case, bytes: u64, time: Duration) -> Result<Sample, Failure> {
    let length = usize::try_from(bytes).map_err(|_| "too long for this machine")?;
    let transfer = |time| body::transfer(server.port(), case, length, time);
    let failed = |error: io::Error| format!("a body was not transferred: {error}");
    transfer(Duration::ZERO).map_err(failed)?;
    let family = server.family();
    let (before, began) = (usage::cpu_time(&family), Instant::now());
    let transfers = transfer(time).map_err(failed)?;
    let seconds = began.elapsed().as_secs_f64();
    let used = usage::cpu_time(&family).since(before);
    let transfers = transfers as f64;
    Ok(Sample {
        cpu: (used.user + used.system) * 1e6 / transfers,
        requests_per_second: transfers / seconds,
        bytes_per_second: (bytes > 0).then_some(transfers * bytes as f64 / seconds),
        ..Sample::default()
    })
}

/// Instructions for one request, as the difference of two runs.
fn count(axis: Axis, line: &Series<'_>, value: u64) -> Result<f64, Failure> {
    let request = axis.request(line.case, value);
    let variables = match axis {
        Axis::Routes => routes(value).to_vec(),
        _ => Vec::new(),
    };
    let total = |requests: u32| {
        instructions::total(line.installation, &variables, |port| {
            let mut connection = Connection::open(port)?;
            (0..requests).try_for_each(|_| connection.exchange(&request).map(drop))
        })
    };
    let base = total(WARM_UP)?;
    let all = total(WARM_UP + COUNTED)?;
    Ok(all.saturating_sub(base) as f64 / f64::from(COUNTED))
}

impl Series<'_> {
    fn finish(self, axis: Axis) -> Line {
        let values = axis.values().into_iter().zip(self.samples).zip(self.instructions);
        let points = values.map(|((value, samples), instructions)| {
            let of = |figure: fn(&Sample) -> f64| Spread::of(samples.iter().map(figure));
            Point {
                value,
                cpu: of(|sample| sample.cpu),
                instructions,
                requests_per_second: of(|sample| sample.requests_per_second),
                bytes_per_second: Spread::of(samples.iter().filter_map(|sample| sample.bytes_per_second)),
                peak_memory: of(|sample| sample.peak_memory),
            }
        });
        Line {
            server: self.installation.entry.title.into(),
            version: self.installation.version.clone(),
            case: self.case.name().into(),
            points: points.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::installation::tests::installation;

    #[test]
    fn raw_tokio_is_only_asked_for_what_it_knows() {
        let installations = [installation("hyperlane"), installation("raw-tokio")];
        assert_eq!(series(Axis::Headers, &installations).len(), 2);
        assert_eq!(series(Axis::Routes, &installations).len(), 3);
        assert_eq!(series(Axis::Body, &installations).len(), 3);
    }

    #[test]
    fn names_cores_that_may_be_used() {
        let one = cores(1).expect("Linux");
        assert!(one.parse::<u32>().is_ok(), "{one}");
    }
}
