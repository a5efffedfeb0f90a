//! The measurement: in each round every server runs once for a short slice, in an order that rotates.
//!
//! Absolute figures of a shared machine vary from minute to minute. What does not is the ratio to the base measured in
//! the same round, so the median of these ratios is what counts.

use std::time::{Duration, Instant};

use crate::Failure;
use crate::catalog::BASE;
use crate::installation::Installation;
use crate::options::Plan;
use crate::progress::Progress;
use crate::server::Server;
use crate::usage::{self, CpuTime};
use crate::verify::verify;
use crate::workload::{Load, Workload};
use crate::{fixed_rate, idle, wrk};

/// What one slice showed. Times are in microseconds, sizes in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sample {
    pub(crate) requests: u64,
    pub(crate) requests_per_second: f64,
    pub(crate) errors: u64,
    /// CPU time of the server for one request.
    pub(crate) user: f64,
    pub(crate) system: f64,
    pub(crate) latency: Option<Latency>,
    pub(crate) bytes_per_response: Option<f64>,
    pub(crate) bytes_per_connection: Option<f64>,
    pub(crate) peak_memory: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Latency {
    pub(crate) mean: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) max: f64,
}

/// The slices of one server; in each round it has at most one.
#[derive(Debug)]
pub(crate) struct Series<'a> {
    pub(crate) installation: &'a Installation,
    pub(crate) samples: Vec<Option<Sample>>,
    /// Why there are no samples, or fewer.
    pub(crate) failure: Option<Failure>,
}

/// Measures one workload on all servers that do it.
pub(crate) fn measure<'a>(
    workload: Workload,
    plan: Plan,
    rate: u32,
    installations: &'a [Installation],
    progress: &Progress,
) -> Vec<Series<'a>> {
    let mut series: Vec<Series<'a>> = installations
        .iter()
        .map(|installation| Series::new(installation, workload))
        .collect();
    // Only to show how it goes: until the base has run in this round, it is that of the last one.
    let mut base = None;
    for round in 0..plan.rounds {
        progress.round(workload, round + 1, plan.rounds);
        for number in order(series.len(), round) {
            let Some(current) = series.get_mut(number) else {
                continue;
            };
            let told = round > 0 && current.failure.is_some();
            let sample = current.slice(workload, plan, rate);
            if current.installation.entry.name == BASE {
                base = sample.or(base);
            }
            if !told {
                progress.slice(current, sample, base);
            }
        }
    }
    series
}

/// Each round begins with the next server.
fn order(servers: usize, round: u32) -> impl Iterator<Item = usize> {
    (0..servers).map(move |number| (number + round as usize) % servers)
}

impl<'a> Series<'a> {
    fn new(installation: &'a Installation, workload: Workload) -> Self {
        Self {
            installation,
            samples: Vec::new(),
            failure: installation.entry.omits(workload).map(str::to_owned),
        }
    }

    /// One slice, unless the server failed before: it would only fail again.
    fn slice(&mut self, workload: Workload, plan: Plan, rate: u32) -> Option<Sample> {
        if self.failure.is_some() {
            self.samples.push(None);
            return None;
        }
        let first = self.samples.is_empty();
        let sample = sample(self.installation, workload, plan, rate, first);
        self.samples.push(sample.as_ref().ok().copied());
        self.failure = sample.as_ref().err().cloned();
        sample.ok()
    }
}

fn sample(
    installation: &Installation,
    workload: Workload,
    plan: Plan,
    rate: u32,
    first: bool,
) -> Result<Sample, Failure> {
    let server = Server::start(installation)?;
    if first {
        verify(installation.entry, server.port(), workload)?;
    }
    let sample = match workload.load() {
        Load::Idle { connections } => Sample {
            bytes_per_connection: Some(idle::run(&server, connections)?),
            requests: connections as u64,
            ..Sample::default()
        },
        load => loaded(&server, workload, load, plan, rate)?,
    };
    let peak_memory = usage::peak_memory(&server.family());
    server.stop();
    Ok(Sample { peak_memory, ..sample })
}

fn loaded(server: &Server, workload: Workload, load: Load, plan: Plan, rate: u32) -> Result<Sample, Failure> {
    if !plan.warm_up.is_zero() {
        run(server.port(), workload, load, plan.warm_up, rate)?;
    }
    let family = server.family();
    let before = usage::cpu_time(&family);
    let sample = run(server.port(), workload, load, plan.slice, rate)?;
    let CpuTime { user, system } = usage::cpu_time(&family).since(before);
    let each = |seconds: f64| seconds * 1e6 / sample.requests as f64;
    Ok(Sample {
        user: each(user),
        system: each(system),
        ..sample
    })
}

fn run(port: u16, workload: Workload, load: Load, time: Duration, rate: u32) -> Result<Sample, Failure> {
    let (requests, requests_per_second, errors, latency, bytes) = match load {
        Load::FixedRate { connections } => {
            let report = fixed_rate::run(port, connections, rate, time)?;
            let latency = Latency {
                mean: report.mean,
                p50: report.p50,
                p99: report.p99,
                p999: report.p999,
                max: report.max,
            };
            (
                report.requests,
                report.requests as f64 / report.seconds,
                report.errors,
                latency,
                None,
            )
        }
        Load::Wrk { connections } | Load::Idle { connections } => {
            let report = wrk::run(port, workload, connections, time)?;
            let latency = Latency {
                mean: report.mean,
                p50: report.p50,
                p99: report.p99,
                p999: report.p999,
                max: report.max,
            };
            let bytes = report.bytes as f64 / report.requests as f64;
            (
                report.requests,
                report.requests_per_second(),
                report.errors(),
                latency,
                Some(bytes),
            )
        }
    };
    Ok(Sample {
        requests,
        requests_per_second,
        errors,
        latency: Some(latency),
        bytes_per_response: bytes,
        ..Sample::default()
    })
}

/// For starting and stopping a server.
const AROUND_A_SLICE: Duration = Duration::from_millis(300);

/// How long all of it takes, about.
pub(crate) fn estimate(plan: Plan, servers: usize) -> Duration {
    (plan.slice + plan.warm_up + AROUND_A_SLICE) * plan.rounds * u32::try_from(servers).unwrap_or(u32::MAX)
}

/// For messages.
pub(crate) fn minutes_since(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() / 60.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_rotates_so_that_nobody_is_always_first() {
        assert_eq!(order(3, 0).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(order(3, 1).collect::<Vec<_>>(), [1, 2, 0]);
        assert_eq!(order(3, 5).collect::<Vec<_>>(), [2, 0, 1]);
    }

    #[test]
    fn estimates_the_time_of_all_slices() {
        let plan = Plan {
            rounds: 12,
            slice: Duration::from_secs(5),
            warm_up: Duration::from_secs(1),
        };
        assert_eq!(estimate(plan, 10), Duration::from_secs(756));
    }
}
