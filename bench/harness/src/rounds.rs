//! The measurement: in each round every server runs once for a short slice, in an order that changes.
//!
//! Absolute figures of a shared machine vary from minute to minute. What does not is the ratio to the base measured in
//! the same round, so the median of these ratios is what counts. Each pair of rounds has an order of its own, so that
//! nobody always comes behind the same neighbour, and goes through it forth and back, so that a machine that becomes
//! slower or faster meanwhile does so for all alike.

use std::time::Duration;

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
            progress.advance(cost(current.installation, plan, workload));
        }
    }
    series
}

/// The numbers of the servers as one round takes them: shuffled, the same in every run of the program, and every second
/// time backwards.
fn order(servers: usize, round: u32) -> Vec<usize> {
    let mut order: Vec<usize> = (0..servers).collect();
    let mut state = u64::from(round / 2) + 1;
    for place in (1..servers).rev() {
        // A linear congruential generator with Knuth's constants; its upper bits are good enough to shuffle.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        order.swap(place, (state >> 33) as usize % (place + 1));
    }
    if round % 2 == 1 {
        order.reverse();
    }
    order
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
        load => {
            if plan.warm_up {
                warm_up(&server, workload, load, installation.entry.warm_up(), rate)?;
            }
            loaded(&server, workload, load, plan.slice, rate)?
        }
    };
    let peak_memory = usage::peak_memory(&server.family());
    server.stop();
    Ok(Sample { peak_memory, ..sample })
}

fn warm_up(server: &Server, workload: Workload, load: Load, time: Duration, rate: u32) -> Result<(), Failure> {
    match load {
        Load::Wrk { connections } | Load::Idle { connections } => {
            wrk::warm_up(server.port(), &wrk::Job::workload(workload), connections, time)
        }
        Load::FixedRate { connections } => fixed_rate::run(server.port(), connections, rate, time).map(drop),
    }
}

fn loaded(server: &Server, workload: Workload, load: Load, time: Duration, rate: u32) -> Result<Sample, Failure> {
    let family = server.family();
    let before = usage::cpu_time(&family);
    let sample = run(server.port(), workload, load, time, rate)?;
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
            let report = wrk::run(port, &wrk::Job::workload(workload), connections, time)?;
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

/// For starting, stopping and looking at a server.
const AROUND_A_SLICE: Duration = Duration::from_millis(250);
/// For opening, using and closing many connections.
const IDLE_SLICE: Duration = Duration::from_millis(2_500);

/// How long one slice of a server takes, about, and all around it.
fn cost(installation: &Installation, plan: Plan, workload: Workload) -> Duration {
    if installation.entry.omits(workload).is_some() {
        return Duration::ZERO;
    }
    if let Load::Idle { .. } = workload.load() {
        return IDLE_SLICE;
    }
    let warm_up = if plan.warm_up {
        installation.entry.warm_up()
    } else {
        Duration::ZERO
    };
    plan.slice + warm_up + AROUND_A_SLICE
}

/// How long a workload takes, about.
pub(crate) fn estimate(workload: Workload, plan: Plan, installations: &[Installation]) -> Duration {
    let round: Duration = installations
        .iter()
        .map(|installation| cost(installation, plan, workload))
        .sum();
    round * plan.rounds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::installation::tests::installation;

    #[test]
    fn every_round_has_all_servers_and_every_second_one_is_backwards() {
        for round in 0..12 {
            let mut all = order(22, round);
            all.sort_unstable();
            assert!(all.into_iter().eq(0..22), "round {round}");
        }
        let mut back = order(22, 3);
        back.reverse();
        assert_eq!(back, order(22, 2));
        assert_ne!(order(22, 0), order(22, 2));
        assert!(order(0, 0).is_empty());
    }

    #[test]
    fn estimates_the_time_of_all_slices() {
        let plan = Plan {
            rounds: 2,
            slice: Duration::from_secs(5),
            warm_up: true,
        };
        let installations = [installation("hyper"), installation("node"), installation("raw-std")];
        let expected = Duration::from_millis(2 * (5_650 + 7_250));
        assert_eq!(estimate(Workload::Realistic, plan, &installations), expected);
    }
}
