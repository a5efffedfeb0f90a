//! The measurement: in each round every contestant runs once, started anew.

use std::time::Duration;

use super::case::{Case, Work};
use super::contestant::{Contestant, Installations};
use super::data::{CaseResults, Row};
use super::stage::Stage;
use super::verify::verify;
use super::{Plan, chat, files, import, uploads};
use crate::progress::Progress;
use crate::server::Server;
use crate::statistics::Spread;
use crate::wrk::{self, Job, Report};
use crate::{Failure, machine, usage};

/// For starting, verifying and stopping a server, about.
const AROUND: Duration = Duration::from_millis(900);

/// One slice of one contestant. Times in milliseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    /// In the case's unit.
    pub(super) figure: f64,
    pub(super) p50: Option<f64>,
    pub(super) p99: Option<f64>,
    /// Requests, where these are not the figure.
    pub(super) per_second: Option<f64>,
    /// In bytes.
    pub(super) peak_memory: f64,
    pub(super) errors: u64,
}

struct Series<'a> {
    contestant: &'a Contestant,
    version: String,
    /// With the base's of the same round, where it has one.
    samples: Vec<(Sample, Option<Sample>)>,
    failure: Option<Failure>,
}

/// How long a case takes, about.
pub(super) fn estimate(case: &Case, plan: Plan) -> Duration {
    let slices = u32::try_from(case.contestants().len()).unwrap_or(u32::MAX) * plan.rounds;
    slice(case, plan) * slices
}

fn slice(case: &Case, plan: Plan) -> Duration {
    case.work.time(plan.slice, plan.records) + AROUND
}

pub(super) fn measure(
    case: &Case,
    plan: Plan,
    installations: &Installations,
    stage: &Stage,
    progress: &Progress,
) -> CaseResults {
    let mut all: Vec<Series<'_>> = case
        .contestants()
        .iter()
        .map(|contestant| Series {
            contestant,
            version: String::new(),
            samples: Vec::new(),
            failure: None,
        })
        .collect();
    for round in 0..plan.rounds {
        progress.point(&format!("{}, round {} of {}", case.name, round + 1, plan.rounds));
        let mut taken: Vec<Option<Sample>> = vec![None; all.len()];
        // Forth and back, so that nobody always follows the same neighbour.
        let mut order: Vec<usize> = (0..all.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for number in order {
            let (Some(series), Some(slot)) = (all.get_mut(number), taken.get_mut(number)) else {
                continue;
            };
            if series.failure.is_none() {
                *slot = series.run(case, plan, installations, stage);
            }
            progress.advance(slice(case, plan));
        }
        let base = taken.first().copied().flatten();
        for (series, sample) in all.iter_mut().zip(taken) {
            series.samples.extend(sample.map(|sample| (sample, base)));
        }
    }
    let omitted = all.iter().filter_map(|series| {
        let reason = series.failure.as_ref()?;
        Some(format!("{}: {reason}", series.contestant.entry.title))
    });
    CaseResults {
        name: case.name.into(),
        scenario: case.scenario.name().into(),
        title: case.title.into(),
        description: describe(case, plan),
        unit: case.unit.into(),
        prefers_less: case.prefers_less,
        measured: machine::now(),
        quick: plan.quick,
        rounds: plan.rounds,
        omitted: omitted.collect(),
        rows: all.into_iter().filter_map(Series::finish).collect(),
    }
}

/// What depends on the plan is told.
fn describe(case: &Case, plan: Plan) -> String {
    match case.work {
        Work::Large => format!("{} It has {} MiB.", case.description, plan.large >> 20),
        Work::Import => format!(
            "{} There are {} of them.",
            case.description,
            crate::number::grouped(plan.records as f64, 0)
        ),
        _ => case.description.into(),
    }
}

fn sample(
    case: &Case,
    plan: Plan,
    installations: &Installations,
    stage: &Stage,
    contestant: &Contestant,
) -> Result<(Sample, String), Failure> {
    let installation = installations.of(contestant.entry)?;
    let (_folder, variables) = stage.folder(case)?;
    let server = Server::start_under(installation, &[], &variables)?;
    let port = server.port();
    verify(case, stage, port)?;
    let mut sample = match case.work {
        Work::Ask { clients, .. } => ask(port, "/aggregate", clients, plan.slice, |report| report.p50)?,
        Work::Faults { clients } => ask(port, "/faults", clients, plan.slice, |report| report.p99)?,
        Work::Photos { clients, slow } => uploads::photos(port, &stage.photos, clients, slow, plan.slice)?,
        Work::Large => uploads::large(port, plan.large)?,
        Work::File(download) => files::download(port, download, plan.slice / 2)?,
        Work::Chat { members } => chat::talk(port, members, plan.slice)?,
        Work::Import => import::import(port, stage)?,
    };
    sample.peak_memory = usage::peak_memory(&server.family()) as f64;
    server.stop();
    Ok((sample, installation.version.clone()))
}

/// By wrk; the figure is a time.
fn ask(port: u16, path: &str, clients: usize, time: Duration, figure: fn(&Report) -> f64) -> Result<Sample, Failure> {
    let report = wrk::run(port, &Job::get(path, ""), clients, time)?;
    let mut sample = Sample::of(&report);
    sample.figure = figure(&report) / 1e3;
    Ok(sample)
}

impl Sample {
    /// All but the figure and the memory.
    pub(super) fn of(report: &Report) -> Self {
        Self {
            p50: Some(report.p50 / 1e3),
            p99: Some(report.p99 / 1e3),
            per_second: Some(report.requests_per_second()),
            errors: report.errors(),
            ..Self::default()
        }
    }
}

impl Series<'_> {
    fn run(&mut self, case: &Case, plan: Plan, installations: &Installations, stage: &Stage) -> Option<Sample> {
        let title = self.contestant.entry.title;
        match sample(case, plan, installations, stage, self.contestant) {
            Ok((sample, version)) => {
                let memory = sample.peak_memory / 1024.0 / 1024.0;
                eprintln!("  {title:<26} {:>12.1} {}, {memory:.0} MiB", sample.figure, case.unit);
                self.version = version;
                Some(sample)
            }
            Err(reason) => {
                let reason = machine::without_paths(&reason);
                Progress::skipped(title, &reason);
                self.failure = Some(reason);
                None
            }
        }
    }

    fn finish(self) -> Option<Row> {
        let of = |figure: fn(&Sample) -> Option<f64>| {
            Spread::of(self.samples.iter().filter_map(|(sample, _)| figure(sample)))
        };
        let ratios = self
            .samples
            .iter()
            .filter_map(|(sample, base)| Some(sample.figure / base.as_ref()?.figure));
        Some(Row {
            name: self.contestant.entry.title.into(),
            how: self.contestant.how.into(),
            version: self.version.clone(),
            ours: self.contestant.entry.is_ours(),
            base: self.contestant.base,
            figure: of(|sample| Some(sample.figure))?,
            ratio: Spread::of(ratios),
            p50: of(|sample| sample.p50),
            p99: of(|sample| sample.p99),
            per_second: of(|sample| sample.per_second),
            peak_memory: of(|sample| Some(sample.peak_memory)),
            errors: self.samples.iter().map(|(sample, _)| sample.errors).sum(),
        })
    }
}
