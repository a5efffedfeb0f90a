//! The measurement: in each round every server runs once, started anew.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use super::case::Case;
use super::certificate::Certificate;
use super::data::{CaseResults, Row};
use super::h2load::{self, Job};
use super::websocket::{self, Messages};
use super::{BASE, Plan, secure};
use crate::installation::Installation;
use crate::load::{Load, observe};
use crate::progress::Progress;
use crate::server::Server;
use crate::statistics::Spread;
use crate::usage::{self, CpuTime};
use crate::{Failure, machine};

/// Load before it counts: buffers and pools grow to their size, and Node.js compiles.
const SETTLE: Duration = Duration::from_millis(400);
const SETTLE_OF_COMPILERS: Duration = Duration::from_secs(2);
/// For starting and stopping a server, about.
const AROUND: Duration = Duration::from_millis(400);
const IDLE: usize = 10_000;
const IDLE_TIME: Duration = Duration::from_millis(2_500);

/// One slice of one server.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    /// In the case's unit.
    figure: f64,
    /// Microseconds for one request or message.
    cpu: Option<f64>,
    peak_memory: f64,
    errors: u64,
}

struct Series<'a> {
    installation: &'a Installation,
    /// With the base's of the same round, where it has one.
    samples: Vec<(Sample, Option<Sample>)>,
    failure: Option<Failure>,
}

/// How long a case takes, about.
pub(super) fn estimate(case: Case, plan: Plan, installations: &[Installation]) -> Duration {
    let able = installations
        .iter()
        .filter(|installation| case.is_for(installation.entry));
    let slices = able.map(|installation| match case {
        Case::IdleWebSocket => IDLE_TIME,
        _ => plan.slice + settle(installation) + AROUND,
    });
    slices.sum::<Duration>() * rounds(case, plan)
}

/// Memory does not vary as time does.
fn rounds(case: Case, plan: Plan) -> u32 {
    if case == Case::IdleWebSocket {
        plan.rounds.min(2)
    } else {
        plan.rounds
    }
}

fn settle(installation: &Installation) -> Duration {
    if Case::warms_up_slowly(installation.entry) {
        SETTLE_OF_COMPILERS
    } else {
        SETTLE
    }
}

/// Measures one case on all servers that can do it.
pub(super) fn measure(
    case: Case,
    plan: Plan,
    installations: &[Installation],
    certificate: &Certificate,
    progress: &Progress,
) -> CaseResults {
    let able = installations
        .iter()
        .filter(|installation| case.is_for(installation.entry));
    let mut all: Vec<Series<'_>> = able
        .map(|installation| Series {
            installation,
            samples: Vec::new(),
            failure: None,
        })
        .collect();
    let rounds = rounds(case, plan);
    for round in 0..rounds {
        progress.point(&format!("{}, round {} of {rounds}", case.name(), round + 1));
        let mut taken: Vec<Option<Sample>> = vec![None; all.len()];
        // Forth and back, so that nobody always follows the same neighbour.
        let forth: Vec<usize> = (0..all.len()).collect();
        let order = if round % 2 == 0 {
            forth
        } else {
            forth.into_iter().rev().collect()
        };
        for number in order {
            let Some(series) = all.get_mut(number).filter(|series| series.failure.is_none()) else {
                continue;
            };
            match sample(case, series.installation, plan.slice, certificate) {
                Ok(sample) => {
                    eprintln!(
                        "  {:<22} {:>11.0} {}",
                        series.installation.entry.title,
                        sample.figure,
                        case.unit()
                    );
                    if let Some(slot) = taken.get_mut(number) {
                        *slot = Some(sample);
                    }
                }
                Err(reason) => {
                    let reason = machine::without_paths(&reason);
                    Progress::skipped(series.installation.entry.title, &reason);
                    series.failure = Some(reason);
                }
            }
            progress.advance(plan.slice + settle(series.installation) + AROUND);
        }
        let base = all
            .iter()
            .zip(&taken)
            .find(|(series, _)| series.installation.entry.name == BASE);
        let base = base.and_then(|(_, sample)| *sample);
        for (series, sample) in all.iter_mut().zip(taken) {
            series.samples.extend(sample.map(|sample| (sample, base)));
        }
    }
    CaseResults {
        name: case.name().into(),
        title: case.title().into(),
        description: case.description().into(),
        unit: case.unit().into(),
        prefers_less: case.prefers_less(),
        measured: machine::now(),
        quick: plan.quick,
        rounds,
        slice_seconds: plan.slice.as_secs(),
        omitted: all
            .iter()
            .filter_map(|series| {
                Some(format!(
                    "{}: {}",
                    series.installation.entry.title,
                    series.failure.as_ref()?
                ))
            })
            .collect(),
        rows: all.into_iter().filter_map(Series::finish).collect(),
    }
}

fn sample(
    case: Case,
    installation: &Installation,
    time: Duration,
    certificate: &Certificate,
) -> Result<Sample, Failure> {
    let tls_port = free_port()?;
    let server = Server::start_under(installation, &[], &certificate.variables(tls_port))?;
    let settle = settle(installation);
    let sample = match case {
        Case::H2 => h2(&server, 32, "/", settle, time),
        Case::H2Download => h2(&server, 4, "/download", settle, time),
        Case::Tls => tls(&server, tls_port, (64, false), settle, time),
        Case::TlsHandshake => tls(&server, tls_port, (32, true), settle, time),
        Case::Echo => echo(&server, &websocket::messages(128, 1, true), 1, settle, time),
        Case::EchoPipelined => echo(&server, &websocket::messages(128, 16, true), 16, settle, time),
        Case::EchoLarge => echo(&server, &websocket::messages(16 * 1024, 1, false), 1, settle, time),
        Case::IdleWebSocket => websocket::idle(&server, IDLE).map(|bytes| Sample {
            figure: bytes,
            ..Sample::default()
        }),
    }?;
    let peak_memory = usage::peak_memory(&server.family()) as f64;
    server.stop();
    Ok(Sample { peak_memory, ..sample })
}

fn h2(server: &Server, streams: u32, path: &'static str, settle: Duration, time: Duration) -> Result<Sample, Failure> {
    let job = Job {
        connections: 16,
        streams,
        path,
    };
    h2load::run(server.port(), job, settle)?;
    let (report, used) = timed(server, || h2load::run(server.port(), job, time));
    let report = report?;
    Ok(Sample::of(report.requests, report.seconds, used, report.failed))
}

fn tls(
    server: &Server,
    port: u16,
    (connections, close): (u32, bool),
    settle: Duration,
    time: Duration,
) -> Result<Sample, Failure> {
    secure::run(port, connections, close, settle)?;
    let (report, used) = timed(server, || secure::run(port, connections, close, time));
    let report = report?;
    Ok(Sample::of(report.requests, report.seconds, used, report.errors))
}

fn echo(server: &Server, messages: &Messages, count: u64, settle: Duration, time: Duration) -> Result<Sample, Failure> {
    websocket::verify(server.port(), messages).map_err(|error| error.to_string())?;
    let load = Load::over(64, &messages.exchange, || websocket::open(server.port()))?;
    observe(&load, settle);
    let ((answers, seconds), used) = timed(server, || observe(&load, time));
    load.stop()?;
    if answers == 0 {
        return Err("no message came back".into());
    }
    Ok(Sample::of(answers * count, seconds, used, 0))
}

/// What the server uses meanwhile.
fn timed<T>(server: &Server, run: impl FnOnce() -> T) -> (T, CpuTime) {
    let family = server.family();
    let before = usage::cpu_time(&family);
    let result = run();
    (result, usage::cpu_time(&family).since(before))
}

fn free_port() -> Result<u16, Failure> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    port.map(|address| address.port())
        .map_err(|error| format!("no port is free: {error}"))
}

impl Sample {
    fn of(count: u64, seconds: f64, used: CpuTime, errors: u64) -> Self {
        Self {
            figure: count as f64 / seconds,
            cpu: Some((used.user + used.system) * 1e6 / count as f64),
            peak_memory: 0.0,
            errors,
        }
    }
}

impl Series<'_> {
    fn finish(self) -> Option<Row> {
        let of = |figure: fn(&Sample) -> Option<f64>| {
            Spread::of(self.samples.iter().filter_map(|(sample, _)| figure(sample)))
        };
        let ratios = self
            .samples
            .iter()
            .filter_map(|(sample, base)| Some(sample.figure / base.as_ref()?.figure));
        Some(Row {
            name: self.installation.entry.title.into(),
            version: self.installation.version.clone(),
            ours: self.installation.entry.is_ours(),
            figure: of(|sample| Some(sample.figure))?,
            ratio: Spread::of(ratios),
            cpu: of(|sample| sample.cpu),
            peak_memory: of(|sample| Some(sample.peak_memory)),
            errors: self.samples.iter().map(|(sample, _)| sample.errors).sum(),
        })
    }
}
